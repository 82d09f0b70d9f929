package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

// document is a context as `-o json` prints it. What is unknown is null, never
// left out.
type document struct {
	Name         string              `json:"name"`
	Account      documentAccount     `json:"account"`
	Tenant       documentTenant      `json:"tenant"`
	Subscription *documentSub        `json:"subscription"`
	Environment  documentEnvironment `json:"environment"`
	Scope        session.Scope       `json:"scope"`
	From         *string             `json:"from"`
	Active       bool                `json:"active"`
	Default      bool                `json:"default"`
	Protected    bool                `json:"protected"`
	SignIn       string              `json:"signIn"`
}

type documentAccount struct {
	ID       string            `json:"id"`
	Type     azure.AccountType `json:"type"`
	Borrowed bool              `json:"borrowed"`
}

type documentTenant struct {
	ID     string  `json:"id"`
	Name   *string `json:"name"`
	Domain *string `json:"domain"`
}

type documentSub struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	State        *string `json:"state"`
	TenantID     string  `json:"tenantId"`
	HomeTenantID *string `json:"homeTenantId"`
}

type documentEnvironment struct {
	Name            string  `json:"name"`
	ResourceManager *string `json:"resourceManager"`
	Authority       *string `json:"authority"`
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// row is a context with what this shell makes of it.
type row struct {
	session.Item
	from      string // AZ_CTX_FROM, where it is active
	active    bool
	isDefault bool
	cloud     azure.Cloud
}

func (a *app) rowOf(item session.Item, view session.View, active *azure.Context) row {
	r := row{Item: item, isDefault: item.Scope == session.User && azure.Fold(view.Settings.Default) == azure.Fold(item.Name)}
	r.cloud, _ = view.Settings.Cloud(item.Environment) // one that is gone shows as unknown
	if active != nil && azure.Fold(active.Name) == azure.Fold(item.Name) {
		r.active = true
		r.from, _ = a.get("AZ_CTX_FROM")
	}
	return r
}

// signIn is the state of the account's sign-in, as far as files tell it.
func signIn(account azure.Account) string {
	if account.Borrowed != nil {
		return account.Borrowed.From
	}
	switch {
	case account.SignIn == nil:
		return "needed"
	case account.SignIn.Holder == "":
		return "ok"
	case account.SignIn.Holder == vault.InAgent:
		return "memory"
	}
	return "this shell"
}

// isProduction goes by the words in the names of context and subscription:
// "prod" is one, "pre-prod" and "nonprod" are not.
func isProduction(c azure.Context) bool {
	return saysProduction(c.Name) || c.Subscription != nil && saysProduction(c.Subscription.Name)
}

func saysProduction(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	for i, w := range words {
		if w == "prod" || w == "production" || w == "prd" {
			if i == 0 || words[i-1] != "pre" && words[i-1] != "non" && words[i-1] != "not" {
				return true
			}
		}
	}
	return false
}

func (r row) document() document {
	c := r.Context
	d := document{
		Name:        c.Name,
		Account:     documentAccount{c.Account.ID, c.Account.Type, c.Account.Borrowed != nil},
		Tenant:      documentTenant{c.Tenant.ID, known(c.Tenant.Name), known(c.Tenant.Domain)},
		Environment: documentEnvironment{c.Environment, known(r.cloud.ResourceManager), known(r.cloud.Authority)},
		Scope:       r.Scope, Active: r.active, Default: r.isDefault, Protected: isProduction(c), SignIn: signIn(c.Account),
	}
	if r.active {
		d.From = known(r.from)
	}
	if s := c.Subscription; s != nil {
		d.Subscription = &documentSub{s.ID, s.Name, known(s.State), s.TenantID, known(s.HomeTenantID)}
	}
	return d
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printContext prints one context in the format.
func (a *app) printContext(item session.Item, view session.View, format string) error {
	active, _, err := a.activeContext()
	if err != nil {
		return err
	}
	if a.switched != "" { // the switch that this command made
		active = &item.Context
	}
	r := a.rowOf(item, view, active)
	if a.switched != "" {
		r.from = "selected"
	}
	switch format {
	case "json":
		if a.objects() {
			return a.emit("context", r.document().object())
		}
		return printJSON(a.out, r.document())
	case "name":
		_, err := fmt.Fprintln(a.out, item.Name)
		return err
	}
	return a.printDetails(r, view)
}

func (a *app) printDetails(r row, view session.View) error {
	c := r.Context
	put := func(name string, values ...string) {
		var shown []string
		for _, v := range values {
			if v != "" {
				shown = append(shown, cell(v))
			}
		}
		fmt.Fprintf(a.out, "%-14s%s\n", name, strings.Join(shown, "  "))
	}
	put("name", c.Name)
	if c.Subscription != nil {
		state := ""
		if !c.Subscription.Usable() {
			state = c.Subscription.State
		}
		put("subscription", c.Subscription.Name, c.Subscription.ID, state)
	}
	if c.Tenant.Label() == c.Tenant.ID {
		put("tenant", c.Tenant.ID)
	} else {
		put("tenant", c.Tenant.Label(), c.Tenant.ID)
	}
	kind := string(c.Account.Type)
	if c.Account.Borrowed != nil {
		kind += ", borrowed from " + c.Account.Borrowed.From
	}
	put("account", c.Account.ID, kind)
	put("environment", c.Environment)
	if r.active {
		put("from", a.fromText(r, view))
	}
	if r.Scope == session.Process {
		put("kept", "in this shell only")
	}
	return nil
}

func (a *app) fromText(r row, view session.View) string {
	text := map[string]string{"selected": "selected here", "default": "the default", "inherited": "inherited from the shell around this one"}[r.from]
	switch {
	case r.isDefault && r.from != "default":
		text += "  (also the default)"
	case !r.isDefault && view.Settings.Default != "":
		text += "  (the default is " + view.Settings.Default + ")"
	}
	return text
}

// width is that of the terminal that reads standard output; 0 where nothing is
// to be shortened.
func (a *app) width() int {
	f, ok := a.out.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

func (a *app) colours() bool {
	_, plain := a.get("NO_COLOR")
	t, _ := a.get("TERM")
	return a.width() > 0 && !plain && t != "dumb"
}

// mostWanted is the order of a column that is never left out.
const mostWanted = 4

// column is one of a table's. The first to shorten, and then to leave out, is
// the one with the least order that is not 0; least is how narrow it may get.
type column struct {
	title string
	cells []string
	order int
	least int
	style func(row int) string // the escape to begin a cell with, "" for none
}

// printTable prints columns side by side, shortened to width where it is not 0.
func printTable(w io.Writer, columns []column, width int, colours bool) {
	widths := make([]int, len(columns))
	total := 2 * (len(columns) - 1)
	for i, c := range columns {
		widths[i] = runewidth.StringWidth(c.title)
		for _, text := range c.cells {
			widths[i] = max(widths[i], runewidth.StringWidth(text))
		}
		total += widths[i]
	}
	for order := 1; width > 0 && total > width && order <= len(columns); order++ {
		for i, c := range columns {
			if c.order == order {
				cut := min(total-width, max(0, widths[i]-c.least))
				widths[i] -= cut
				total -= cut
			}
		}
	}
	for order := 1; width > 0 && total > width && order <= len(columns); order++ {
		for i, c := range columns {
			if c.order == order && c.order < mostWanted {
				total -= widths[i] + 2
				columns = append(slices.Clone(columns[:i]), columns[i+1:]...)
				widths = append(slices.Clone(widths[:i]), widths[i+1:]...)
				break
			}
		}
	}
	write := func(n int) {
		var b strings.Builder
		for i, c := range columns {
			text := c.title
			if n >= 0 {
				text = c.cells[n]
			}
			text = runewidth.Truncate(text, widths[i], "…")
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(text))
			if n >= 0 && colours && c.style != nil && c.style(n) != "" {
				text = c.style(n) + text + "\x1b[0m"
			}
			b.WriteString(text + pad + "  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	if len(columns) == 0 {
		return
	}
	write(-1)
	for n := range columns[0].cells {
		write(n)
	}
}

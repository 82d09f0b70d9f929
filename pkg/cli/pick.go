package cli

import (
	"fmt"
	"strconv"
	"strings"

	fzf "github.com/junegunn/fzf/src"

	"github.com/az-ctx/az-ctx/pkg/session"
)

// pick lets a person choose among the contexts, where one sits at a terminal.
func (a *app) pick(view session.View) (string, error) {
	if !a.asks() {
		return "", usage("select needs a name").withTry("az-ctx select NAME")
	}
	items, _, err := view.List()
	if err != nil {
		return "", err
	}
	if len(items) == 0 {
		return "", fail(exitNotFound, "no contexts yet").withTry("az-ctx import --from az")
	}
	i, err := pickLine(items, func(item session.Item) string {
		text := cell(item.Name)
		if about := line(item.Context); !strings.HasPrefix(about, text) {
			text += "   " + about
		}
		return text
	})
	if err != nil {
		return "", err
	}
	return items[i].Name, nil
}

// pickLine shows a fuzzy finder and gives the index of what was chosen. Each
// line goes in with its index before it, which is not shown: two lines may read
// the same.
func pickLine(items []session.Item, text func(session.Item) string) (int, error) {
	options, err := fzf.ParseOptions(false, []string{
		"--height=~50%", "--reverse", "--no-multi", "--prompt=context> ", "--delimiter=\t", "--with-nth=2..", "--info=inline",
	})
	if err != nil {
		return 0, fmt.Errorf("showing the contexts: %w", err)
	}
	options.Input, options.Output = make(chan string), make(chan string, 1)
	go func() {
		for i, item := range items {
			options.Input <- strconv.Itoa(i) + "\t" + strings.ReplaceAll(text(item), "\t", " ")
		}
		close(options.Input)
	}()
	code, err := fzf.Run(options)
	if err != nil {
		return 0, fmt.Errorf("showing the contexts: %w", err)
	}
	if code != fzf.ExitOk {
		return 0, &failure{status: exitInterrupted, text: "nothing was changed"}
	}
	index, _, _ := strings.Cut(<-options.Output, "\t")
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		return 0, fmt.Errorf("showing the contexts: an answer that is none of them")
	}
	return i, nil
}

package e2e

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// The lines of the parity list on scope, each through the agent: what counts is
// whose token a tool is given, not what a variable says.

// scoped is a user whose az knows Alice, with the contexts prod, of her home, and
// dev, where she is a guest; prod is the default. tool is a command line that
// prints a token.
func scoped(t *testing.T) (u user, tool string) {
	t.Helper()
	u = newUser(t, false)
	u.login(t, azure.Alice)
	for _, args := range [][]string{
		{"import", "--from", "az"},
		{"rename", strings.Trim(prod, "'"), "prod"},
		{"rename", strings.Trim(dev, "'"), "dev"},
		{"select", "--scope", "user", "prod"},
	} {
		if out, err := u.command("az-ctx", args...).CombinedOutput(); err != nil {
			t.Fatalf("az-ctx %q: %v\n%s", args, err, out)
		}
	}
	return u, clientNamed(t, "azidentity for Go").ask(t, arm)
}

// is fails the test unless the line prints one token, who's.
func (u user) is(t *testing.T, what string, x *terminal.Terminal, line, who string) {
	t.Helper()
	out, _ := x.Run(line)
	u.wantToken(t, what, out, who, arm)
}

// kept is all that az-ctx keeps for the user: names and contents.
func (u user) kept(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{".config/az-ctx", ".cache/az-ctx"} {
		filepath.WalkDir(filepath.Join(u.home, dir), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, "lock") {
				raw, err := os.ReadFile(path)
				fmt.Fprintf(&b, "%s %x %v\n", path, sha256.Sum256(raw), err)
			}
			return nil // what isn't there is not kept
		})
	}
	return b.String()
}

// same fails the test where something was kept or dropped since before.
func (u user) same(t *testing.T, what, before string) {
	t.Helper()
	if now := u.kept(t); now != before {
		t.Errorf("%s: what is kept was\n%sand is\n%s", what, before, now)
	}
}

func TestP10ScopeProcessSavesNothing(t *testing.T) {
	u, tool := scoped(t)
	x, y := open(t, u), open(t, u)
	x.OK("az-ctx autosave enable")
	before := u.kept(t)
	u.robotIn(t, x, "--name robot --scope process")
	u.is(t, "P10: the shell", x, tool, robot)
	u.is(t, "P10: its child", x, "bash -c '"+tool+"'", robot)
	y.Fails(3, "az-ctx select robot")
	u.is(t, "P10: another shell", y, tool, aliceAtHome)
	u.same(t, "P10", before)
}

func TestP32P33P35P36SelectIsThisShellsAlone(t *testing.T) {
	u, tool := scoped(t)
	x, y := open(t, u), open(t, u)
	u.is(t, "P35: a new shell is on the default", x, tool, aliceAtHome)
	x.OK("az-ctx select dev")
	u.is(t, "P32: the shell", x, tool, aliceAtFabrikam)
	u.is(t, "P33: one that runs", y, tool, aliceAtHome)
	u.is(t, "P32: a new one", open(t, u), tool, aliceAtHome)
	x.OK("az-ctx select prod; az-ctx select --scope user dev")
	u.is(t, "P36: one that runs when the default moves", y, tool, aliceAtHome)
	u.is(t, "P35: a new one then", open(t, u), tool, aliceAtFabrikam)
}

func TestP34ChildInherits(t *testing.T) {
	u, tool := scoped(t)
	x := open(t, u)
	x.OK("az-ctx select dev")
	u.is(t, "P34: a child", x, "sh -c 'sh -c \""+tool+"\"'", aliceAtFabrikam)
	u.is(t, "P34: a subshell", x, "( "+tool+" )", aliceAtFabrikam)
	u.is(t, "P34: a script with the function", x, `bash -c 'eval "$(az-ctx init bash)"; `+tool+"'", aliceAtFabrikam)
	x.Begin("bash --norc --noprofile -i")
	x.OK(`PS1=; eval "$(az-ctx init bash)"`) // the first prompt after it is where a default could come in
	u.is(t, "P34: a nested shell", x, tool, aliceAtFabrikam)
	x.Begin("exit")
	u.is(t, "P34: back from it", x, tool, aliceAtFabrikam)
}

func TestP37ExecLeavesTheShellsContext(t *testing.T) {
	u, tool := scoped(t)
	x := open(t, u)
	before := u.kept(t)
	u.is(t, "P37: the command", x, "az-ctx exec --context dev -- "+tool, aliceAtFabrikam)
	u.is(t, "P37: the shell", x, tool, aliceAtHome)
	u.same(t, "P37", before)
}

// The job has begun before the shell moves on, and asks after that.
func TestP38JobKeepsItsContext(t *testing.T) {
	u, tool := scoped(t)
	for _, fifo := range []string{"begun", "go"} {
		if out, err := exec.Command("mkfifo", filepath.Join(u.home, fifo)).CombinedOutput(); err != nil {
			t.Fatalf("mkfifo: %v\n%s", err, out)
		}
	}
	job := "echo >" + u.home + "/begun; read -r _ <" + u.home + "/go; " + tool
	t.Run("bash", func(t *testing.T) {
		x := open(t, u)
		x.OK("{ " + job + "; } >job.out 2>&1 & read -r _ <begun")
		x.OK("az-ctx select dev; echo >go; wait")
		u.is(t, "P38: the job", x, "cat job.out", aliceAtHome)
		u.is(t, "P38: the shell", x, tool, aliceAtFabrikam)
	})
	t.Run("Start-Job", func(t *testing.T) {
		x := u.openIn(t, shells[3])
		x.run("az-ctx select prod; $job = Start-Job { bash -c '" + job + "' 2>&1 }; bash -c 'read -r _ <begun'")
		x.run("az-ctx select dev; bash -c 'echo >go'")
		u.wantToken(t, "P38: the job", x.run("Receive-Job -Wait $job"), aliceAtHome, arm)
		u.wantToken(t, "P38: the shell", x.run(tool), aliceAtFabrikam, arm)
	})
}

func TestP39JobInAnExplicitContextWithAutosaveOff(t *testing.T) {
	u, tool := scoped(t)
	x := open(t, u)
	x.OK("az-ctx autosave disable --scope process")
	u.robotIn(t, x, "--name robot")
	x.OK("az-ctx select prod")
	x.OK("command az-ctx exec --context robot -- " + tool + " >job.out 2>&1 & wait")
	u.is(t, "P39: the job", x, "cat job.out", robot)
	x.OK("( az-ctx exec --context dev -- " + tool + " >job.out 2>&1 ) & wait")
	u.is(t, "P39: one in a saved context", x, "cat job.out", aliceAtFabrikam)
	u.is(t, "P39: the shell", x, tool, aliceAtHome)
}

func TestP62AutosaveOffForTheProcess(t *testing.T) {
	u, tool := scoped(t)
	x, y := open(t, u), open(t, u)
	x.OK("az-ctx autosave disable --scope process")
	before := u.kept(t)
	u.robotIn(t, x, "--name robot")
	u.is(t, "P62: after connect", x, tool, robot)
	x.OK("az-ctx set --subscription " + azure.ContosoTest + " --name test")
	u.is(t, "P62: after set", x, tool, robot)
	u.same(t, "P62", before)
	y.Fails(3, "az-ctx select test")
}

func TestP66ProcessSettingWins(t *testing.T) {
	u, tool := scoped(t)
	x, y := open(t, u), open(t, u)
	x.OK("az-ctx autosave disable --scope process; az-ctx autosave enable")
	u.robotIn(t, x, "--name robot")
	u.is(t, "P66: off for the process, on for the user", x, tool, robot)
	y.Fails(3, "az-ctx select robot")
	x.OK("az-ctx autosave disable")
	y.OK("az-ctx autosave enable --scope process")
	u.robotIn(t, y, "--name saved")
	u.is(t, "P66: on for the process, off for the user", y, tool, robot)
	u.is(t, "P66: it is saved", x, "az-ctx autosave enable; az-ctx autosave enable --scope process; az-ctx exec --context saved -- "+tool, robot)
}

// environment is what a shell's tools find the endpoint by.
func environment(x *terminal.Terminal) []string {
	return strings.Fields(x.OK("env | grep -E '^(IDENTITY|MSI|ARM|AZD|AZURE)_[A-Z_]*='"))
}

// outliving is a client that runs on in a session of its own, which no end of its
// shell reaches.
type outliving struct {
	t       *testing.T
	in      *os.File
	answers *bufio.Reader
}

func (u user) outlive(t *testing.T, x *terminal.Terminal) outliving {
	t.Helper()
	x.OK("mkfifo in out; setsid " + clientNamed(t, "azidentity for Go").ask(t, "-") + " <in >out 2>&1 & exec 8<>in 9<>out")
	return outliving{t, fifo(t, u, "in"), bufio.NewReader(fifo(t, u, "out"))}
}

func (o outliving) ask(resource string) string {
	o.t.Helper()
	fmt.Fprintln(o.in, resource)
	line, err := o.answers.ReadString('\n')
	if err != nil {
		o.t.Fatal(err)
	}
	return line
}

// fifo opens a fifo without waiting for the other end; it is closed with the test.
func fifo(t *testing.T, u user, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(u.home, name), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestP74ChildThatSwitchesLeavesItsParent(t *testing.T) {
	u, tool := scoped(t)
	x := open(t, u)
	u.is(t, "P74: a subshell", x, "( az-ctx select dev; "+tool+" )", aliceAtFabrikam)
	u.is(t, "P74: after the subshell", x, tool, aliceAtHome)
	u.is(t, "P74: a script", x, `bash -c 'eval "$(az-ctx init bash)"; az-ctx select dev; `+tool+"'", aliceAtFabrikam)
	u.is(t, "P74: after the script", x, tool, aliceAtHome)
	x.Begin("bash --norc --noprofile -i")
	x.OK(`PS1=; eval "$(az-ctx init bash)"`)
	x.OK("az-ctx select dev")
	u.is(t, "P74: a nested shell", x, tool, aliceAtFabrikam)
	x.Begin("exit")
	u.is(t, "P74: after the nested shell", x, tool, aliceAtHome)

	p := u.openIn(t, shells[3])
	p.run("az-ctx select prod; $job = Start-Job { az-ctx init pwsh | Out-String | Invoke-Expression; az-ctx select dev; " + tool + " }")
	u.wantToken(t, "P74: Start-Job", p.run("Receive-Job -Wait $job"), aliceAtFabrikam, arm)
	u.wantToken(t, "P74: after Start-Job", p.run(tool), aliceAtHome, arm)
}

var ends = map[string]func(*terminal.Terminal){
	"exit":    func(x *terminal.Terminal) { x.Begin("exit"); x.Wait() },
	"kill -9": (*terminal.Terminal).Kill,
}

// A process sign-in ends with its shell, also where that is killed: nobody who
// knows its keys gets a token, nor does a child that outlives it.
func TestP63ProcessSignInEndsWithItsShell(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			u, tool := scoped(t)
			x, y := open(t, u), open(t, u)
			before := u.kept(t)
			u.robotIn(t, x, "--name robot --scope process")
			u.is(t, "P63: the shell", x, tool, robot)
			keys := environment(x)
			child := u.outlive(t, x)
			u.wantToken(t, "P63: the child", child.ask(arm), robot, arm)

			end(x)
			u.refused(t, "P63: the child that is left", child.ask(vault))
			for _, resource := range []string{arm, graph} { // one that was asked for, and a new one
				u.refusedTo(t, "P63: with the old keys", keys, resource)
			}
			y.Fails(3, "az-ctx select robot")
			u.is(t, "P63: the other shell", y, tool, aliceAtHome)
			u.same(t, "P63", before)
		})
	}
}

// A saved context goes on to be served to what outlives its shell, as a job under
// nohup does, also when others begin and sweep.
func TestP73SavedContextOutlivesItsShell(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			u, _ := scoped(t)
			x := open(t, u)
			x.OK("az-ctx select dev")
			child := u.outlive(t, x)
			u.wantToken(t, "the child", child.ask(arm), aliceAtFabrikam, arm)
			end(x)
			open(t, u).OK("az-ctx select prod")
			u.wantToken(t, "the child that is left", child.ask(vault), aliceAtFabrikam, vault)
		})
	}
}

// refused fails the test unless a client said that az-ctx gave it no token.
func (u user) refused(t *testing.T, what, said string) {
	t.Helper()
	if len(u.tokens(said)) != 0 || !strings.Contains(said, "az-ctx") {
		t.Errorf("%s: got %q: %s", what, u.tokens(said), said)
	}
}

// refusedTo has each dialect ask with the keys.
func (u user) refusedTo(t *testing.T, what string, keys []string, resource string) {
	t.Helper()
	for _, c := range clients {
		if !c.runs {
			continue
		}
		ask := exec.Command("sh", "-c", c.ask(t, resource))
		ask.Env = append(u.environ(), keys...)
		said, err := ask.CombinedOutput()
		if err == nil {
			t.Errorf("%s: %s ended well", what, c.name)
		}
		u.refused(t, what+", "+c.name, string(said))
	}
}

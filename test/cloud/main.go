// Command cloud runs the test Azure (test/azure) for people and scripts.
//
//	go run ./test/cloud                                     serves until interrupted
//	go run ./test/cloud -as alice@contoso.com -- az login --use-device-code
//	go run ./test/cloud -- bash                             a shell inside
//
// With a command it serves as long as that runs, inside the same namespace and
// with the variables that bring it here, and ends with its exit status.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/az-ctx/az-ctx/test/azure"
)

func main() {
	as := flag.String("as", "", "`user` who answers each device code at once")
	outside := flag.Bool("outside", false, "serve on any free port, without a namespace")
	delay := flag.Duration("delay", 0, "how long each call takes, as over a network")
	flag.Parse()
	status, err := run(*as, *outside, azure.Options{Delay: *delay}, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "cloud:", err)
	}
	os.Exit(status)
}

func run(as string, outside bool, options azure.Options, command []string) (int, error) {
	reach := azure.ByProxy
	if !outside {
		var err error
		if reach, err = azure.EnterNamespace(); err != nil {
			fmt.Fprintln(os.Stderr, "cloud:", err)
		}
	}
	server, err := azure.Start(options)
	if err != nil {
		return 1, err
	}
	defer server.Close()
	if err := server.AutoApprove(as); err != nil {
		return 2, err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	defer control.Close()
	go http.Serve(control, server.Control()) // ends with the process

	env := append(server.Env(),
		"AZ_CTX_TEST_CLOUD="+server.Addr(),
		"AZ_CTX_TEST_CONTROL=http://"+control.Addr().String(),
		"AZ_CTX_TEST_ROBOT_SECRET="+server.Secret(azure.RobotC),
	)
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	if len(command) == 0 {
		fmt.Printf("reached by    %s\n", reach)
		if reach == azure.ByNamespace {
			fmt.Printf("enter         nsenter -t %d --mount --net\nhosts         /etc/hosts in there\n", os.Getpid())
		}
		for _, v := range env {
			fmt.Println("export", v)
		}
		<-interrupt
		return 0, nil
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run() // interrupts from a terminal reach it too, and it decides
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 127, err
	}
	return 0, nil
}

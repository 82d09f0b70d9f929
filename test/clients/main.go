// Clients are Azure clients that others wrote in Go, as programs for the tests
// of ../e2e. They have a module of their own, so that az-ctx's does not grow.
//
//	clients azidentity RESOURCE…        DefaultAzureCredential of the Go SDK
//	clients terraform RESOURCE…         the authorizer of Terraform's azurerm provider
//	clients azd [-tenant T] RESOURCE…   the request of the Azure Developer CLI
//
// Each prints one access token a line. Where RESOURCE is - it reads resources
// from standard input, a line each, and answers each with a line.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
)

// asker gets a token for a resource.
type asker func(ctx context.Context, resource string) (token string, err error)

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: clients azidentity|terraform|azd RESOURCE…"))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	tenant := flags.String("tenant", "", "the tenant that azd asks for")
	flags.Parse(os.Args[2:])
	var ask asker
	var err error
	switch os.Args[1] {
	case "azidentity":
		ask, err = newAzidentity()
	case "terraform":
		ask, err = newTerraform()
	case "azd":
		ask = newAzd(*tenant)
	default:
		err = fmt.Errorf("no client %q here", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	for _, resource := range flags.Args() {
		if resource == "-" {
			answer(ask)
			continue
		}
		token, err := ask(context.Background(), resource)
		if err != nil {
			fail(err)
		}
		fmt.Println(token)
	}
}

// answer is the client that runs on, and asks again and again.
func answer(ask asker) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		token, err := ask(context.Background(), lines.Text())
		if err != nil {
			token = "error: " + strings.Join(strings.Fields(err.Error()), " ")
		}
		fmt.Println(token)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

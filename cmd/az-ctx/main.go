// az-ctx gives each terminal an Azure context of its own.
package main

import (
	"os"

	"github.com/az-ctx/az-ctx/pkg/cli"
)

func main() { os.Exit(cli.Main(os.Args)) }

# GNU make. `make test` is all that a fresh clone needs; CONTRIBUTING.md says what
# each target is for.
.DEFAULT_GOAL := build
.PHONY: build test e2e bench lint fmt demo setup
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

version := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
tags := urfave_cli_no_docs
cache := $(or $(AZ_CTX_TEST_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/az-ctx-test)
env := . '$(cache)/env.sh'

export CGO_ENABLED := 0

# The race detector needs a C compiler; where there is none the tests run without.
race := $(if $(shell command -v gcc),CGO_ENABLED=1 go test -race,go test)
# go test that failed before any test could is told to the summary by a line of its own.
failed := || echo '{"Action":"run-failed"}'
summary := go run ./test/summary $(if $(CI),-whole)

scripts := install.sh .ci/run .ci/lint $(shell find . -path ./.git -prune -o -path ./bin -prune -o \( -name '*.sh' -o -name '*.bash' \) ! -path ./install.sh -print)

build:
	go build -trimpath -tags $(tags) -ldflags "-s -w -X github.com/az-ctx/az-ctx/pkg/cli.Version=$(version)" -o bin/az-ctx ./cmd/az-ctx

# What the tests need beside Go, into a cache outside the tree; quick when it is there.
setup:
	@test/setup.sh </dev/null

# Units under the race detector; the rest with real shells and a real az, each
# time anew, for what they see is not all in this tree.
test: setup
	@$(env); go vet -tags $(tags) ./...
	@$(env); { \
		$(race) -json -tags $(tags) $$(go list ./... | grep -v /test/) $(failed); \
		go test -json -tags $(tags) -count 1 -timeout 40m ./test/... $(failed); \
	} </dev/null | $(summary)

e2e: setup
	@$(env); { go test -json -tags $(tags) -count 1 -timeout 40m ./test/... $(failed); } </dev/null | $(summary)

bench: setup
	@$(env); go test -tags $(tags) -run '^$$' -bench . -benchmem $$(grep -rl --include '*_test.go' '^func Benchmark' . | xargs -r -n 1 dirname | sort -u)

lint: setup
	@$(env); .ci/lint

fmt:
	gofmt -w .
	@$(env); shfmt -w $(scripts)

demo:
	@./install.sh --demo

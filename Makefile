# `make` lists the targets. Everything is installed into .venv, with uv where it is on the PATH.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_FOR_BENCH := $(VENV)/.ready-for-bench
EXTENSIONS := .venv-extensions
READY_FOR_EXTENSIONS := $(EXTENSIONS)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-all bench lint clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(READY) ## Generate the default project into build/, run it, show what pages get
	@$(BIN)/python -m scripts.demo

test: $(READY) $(READY_FOR_EXTENSIONS) lint ## Test the template: what must hold at each change
	$(BIN)/python -m pytest -rs -m "not slow" --numprocesses auto --dist loadfile

test-all: test ## Test the template with what takes longer too
	$(BIN)/python -m pytest -rs -m slow

bench: $(READY_FOR_BENCH) ## Measure what a request and a project cost, into benchmarks/results/
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(EXTENSIONS) build

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) ..."
	@if command -v uv > /dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --group dev; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --upgrade pip && \
		$(BIN)/python -m pip install --quiet --group dev; \
	fi
	@touch $@

$(READY_FOR_BENCH): $(READY)
	@echo "Adding what the benchmarks compare with to $(VENV) ..."
	@if command -v uv > /dev/null; then \
		uv pip install --quiet --python $(BIN)/python --group bench; \
	else \
		$(BIN)/python -m pip install --quiet --group bench; \
	fi
	@touch $@

$(READY_FOR_EXTENSIONS): pyproject.toml
	@echo "Setting up $(EXTENSIONS), for the tests of Flask's extensions ..."
	@if command -v uv > /dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(EXTENSIONS) && \
		uv pip install --quiet --python $(EXTENSIONS)/bin/python --group extensions; \
	else \
		$(PYTHON) -m venv $(EXTENSIONS) && \
		$(EXTENSIONS)/bin/python -m pip install --quiet --upgrade pip && \
		$(EXTENSIONS)/bin/python -m pip install --quiet --group extensions; \
	fi
	@touch $@

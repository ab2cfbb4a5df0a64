# `make` lists the targets. Everything is installed into .venv, with uv where it is on the PATH.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_FOR_BENCH := $(VENV)/.ready-for-bench
EXTENSIONS := .venv-extensions
READY_FOR_EXTENSIONS := $(EXTENSIONS)/.ready

UV := $(shell command -v uv 2> /dev/null)
PIP := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet)

# $(call install,what pip is to install)
install = $(PIP) $(1) || { echo "$(NEEDED)" >&2; exit 1; }
NEEDED := Packages come from PyPI: this needs a network, or a mirror that uv or pip is told of.

# With PYTHON=... that is not the Python of .venv, .venv is made anew.
ifneq ($(origin PYTHON), file)
WHICH := -c 'import sys; print(sys.base_prefix, sys.version)'
ifneq ($(shell "$(PYTHON)" $(WHICH) 2> /dev/null), $(shell $(BIN)/python $(WHICH) 2> /dev/null))
.PHONY: $(READY)
REMOVE_ANOTHER := rm -rf $(VENV)
endif
endif

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
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) ..."
	@$(REMOVE_ANOTHER)
	@$(if $(UV),uv venv --quiet --allow-existing --python "$(PYTHON)","$(PYTHON)" -m venv) $(VENV)
	@$(if $(UV),,$(call install,--upgrade pip))
	@$(call install,--group dev)
	@touch $@

$(READY_FOR_BENCH): $(READY)
	@echo "Adding what the benchmarks compare with to $(VENV) ..."
	@$(call install,--group bench)
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

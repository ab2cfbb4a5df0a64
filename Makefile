# `make` lists the targets. What they need is installed into .venv, with uv where it is on the PATH.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_FOR_BENCH := $(VENV)/.ready-for-bench
EXTENSIONS := .venv-extensions
READY_FOR_EXTENSIONS := $(EXTENSIONS)/.ready

UV := $(shell command -v uv 2> /dev/null)
NEEDED := Packages come from PyPI: this needs a network, or a mirror that uv or pip is told of.

# $(call install,environment,what)
install = $(if $(UV),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install --quiet) \
	$(2) || { echo "$(NEEDED)" >&2; exit 1; }

# $(call is_of_python,environment): whether its Python is the one that PYTHON names
WHICH := -c 'import sys; print(sys.base_prefix, sys.version)' 2> /dev/null
is_of_python = test "$$($(1)/bin/python $(WHICH))" = "$$("$(PYTHON)" $(WHICH))"

# $(call set_up,environment,group of pyproject.toml)
define set_up
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(1) ..."
	@$(call is_of_python,$(1)) || rm -rf $(1)
	@$(if $(UV),uv venv --quiet --allow-existing --python "$(PYTHON)","$(PYTHON)" -m venv) $(1)
	@$(if $(UV),,$(call install,$(1),--upgrade pip))
	@$(call install,$(1),--group $(2))
	@touch $@
endef

# Where PYTHON is given, an environment of another one is made anew.
ifneq ($(origin PYTHON), file)
.PHONY: $(foreach folder,$(VENV) $(EXTENSIONS),$(shell $(call is_of_python,$(folder)) || echo $(folder)/.ready))
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
	$(call set_up,$(VENV),dev)

$(READY_FOR_EXTENSIONS): pyproject.toml
	$(call set_up,$(EXTENSIONS),extensions)

$(READY_FOR_BENCH): $(READY)
	@echo "Adding what the benchmarks compare with to $(VENV) ..."
	@$(call install,$(VENV),--group bench)
	@touch $@

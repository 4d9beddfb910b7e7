# The README's two commands are `make run` and `make test`; they do all the set-up on a fresh machine.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
# Where torch is fetched from. Empty: the package index (on Linux a CUDA build of several GB). See the README.
TORCH_INDEX ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
VERSIONS := .ci/constraints.txt
HELP := Setting up failed; the reason stands above. No network: connect and run it again, what is there is kept. \
	A missing compiler or header: install gcc and python3-dev. Then: make setup

.PHONY: setup run test lint types bench versions clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml $(VERSIONS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Frontdesk needs Python 3.11; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "No venv module: install python3-venv." >&2; exit 1; }
	@echo "Installing Frontdesk into $(VENV) (a few minutes the first time)"
	@test -z "$(TORCH_INDEX)" || $(PIP) install -q torch==2.13.0 --index-url $(TORCH_INDEX) || { echo "$(HELP)" >&2; exit 1; }
	@$(PIP) install -q -e . -c $(VERSIONS) || { echo "$(HELP)" >&2; exit 1; }
	@touch $@

$(VENV)/.test-installed: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(PIP) install -q -e '.[test]' -c $(VERSIONS) || { echo "$(HELP)" >&2; exit 1; }
	@touch $@

run: setup
	@$(BIN)/frontdesk models pull
	@$(BIN)/frontdesk serve $(ARGS)

test: $(VENV)/.test-installed lint types
	@$(BIN)/python tests/install_system.py
	@$(BIN)/frontdesk models pull
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.test-installed
	$(BIN)/mypy

bench: setup
	@$(BIN)/frontdesk models pull
	@$(BIN)/frontdesk bench turn $(ARGS)

versions:
	@rm -rf build/versions && $(PYTHON) -m venv build/versions && build/versions/bin/pip install -q -e '.[test]'
	@{ grep '^#' $(VERSIONS); build/versions/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' | sort -f; } > build/versions.txt
	@mv build/versions.txt $(VERSIONS) && rm -rf build/versions

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

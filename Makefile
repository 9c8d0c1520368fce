# Obolo. `make` alone prints what it can do.

PYTHON ?= python3
PORT ?=
KILLS ?= 20
RACES ?= 20
# One more than there are cores: tests with a site or a bank often wait for it.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Tests pull no plug: where memory has room (KiB) and may run programs, their databases do not wait
# for a disk.
ROOM := 3000000
TMPDIR ?= $(shell df -Pk /dev/shm 2>/dev/null \
	| awk -v room=$(ROOM) 'NR == 2 && $$4 > room { fits = 1 } END { exit !fits }' \
	&& test -w /dev/shm && ! grep -q ' /dev/shm .*noexec' /proc/mounts && echo /dev/shm || echo /tmp)
ARGS ?=
UPGRADE ?=
# Where Python keeps no bytecode, as in many containers, each start compiles all of Obolo again.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --no-warn-script-location
LOCK := env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL \
	-u UV_FIND_LINKS $(VENV)/bin/uv --no-config pip compile pyproject.toml --group build \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	--custom-compile-command "make lock" $(UPGRADE)
# What the bundled plugins need, so that each can be switched on in the browser.
BUNDLED := --extra stripe --extra paypal --extra banktransfer
CATALOGUES := $(wildcard core/translations/*/LC_MESSAGES/*.po \
	plugins/*/translations/*/LC_MESSAGES/*.po themes/*/translations/*/LC_MESSAGES/*.po)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint fix bench proof ways translations vendor lock clean

help: ## Print this help
	@echo "Obolo. Two commands are enough: 'make run' and 'make test'."
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.runtime $(VENV)/.translations ## Start a site with demo content (PORT=8000)
	@exec env $(if $(PORT),PORT=$(PORT)) $(RUN) -m core.cli run --demo

test: lint $(VENV)/.translations ## Check everything, in parallel (ARGS='-k tipjar' goes to pytest)
	@$(RUN) -m tools.browser
	@TMPDIR=$(TMPDIR) $(RUN) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

lint: $(VENV)/.dev ## Check style, types and who may import whom
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports

fix: $(VENV)/.dev ## Put the code into its form, as far as a machine can
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: $(VENV)/.dev $(VENV)/.translations ## Measure; writes bench.json
	@$(RUN) -m tests.bench

proof: $(VENV)/.dev $(VENV)/.translations ## Kill a selling server, race for a balance (KILLS=20 RACES=20)
	@$(RUN) -m tests.proofs.kill --kills $(KILLS) $(ARGS)
	@OBOLO_PROOF_FACTOR=$(RACES) $(RUN) -m pytest -n 0 -q -o faulthandler_timeout=0 --durations=2 \
		tests/proofs/test_balances.py -k many_clients

ways: $(VENV)/.dev $(VENV)/.translations ## Walk every way in a browser as every kind of person
	@$(RUN) -m tools.browser
	@TMPDIR=$(TMPDIR) OBOLO_EVERY_WAY=1 OBOLO_REQUIRE_BROWSER=1 $(RUN) -m pytest -n $(WORKERS) --dist loadgroup \
		tests/paths -m "browser or every" $(ARGS)

translations: $(VENV)/.runtime ## Compile the catalogues (.po) of core, plugins and themes
	@$(RUN) tools/translations.py $(CATALOGUES)

vendor: ## Maintainers: copy fonts, icons and axe-core as tools/vendor.toml says (needs npm)
	@$(PYTHON) tools/vendor.py

lock: $(VENV)/pyvenv.cfg ## Maintainers: pin the dependencies with hashes (UPGRADE=--upgrade)
	@$(INSTALL) uv==0.13.9
	@$(LOCK) $(BUNDLED) --output-file requirements.lock > /dev/null
	@$(LOCK) --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock > /dev/null
	@! grep -nE '://|file:|--index|--find' requirements.lock requirements-dev.lock

clean: ## Remove the environment and all that was made from the sources; instance/ stays
	@rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . \( -path ./instance -o -path ./.git \) -prune -o \
		\( -name __pycache__ -o -name '*.mo' \) -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Obolo needs Python 3.11 or newer. Set PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.lock | $(VENV)/pyvenv.cfg
	@echo "Installing what Obolo needs (once) ..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing what the tests need (once) ..."
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.translations: $(CATALOGUES) $(VENV)/.runtime
	@$(RUN) tools/translations.py $(CATALOGUES)
	@touch $@

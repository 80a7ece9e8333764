# The workshop. `make` alone lists what can be asked for; ARGS goes to the program that is run.

PYTHON ?= python3
DATA_DIR ?= ./data
ARGS ?=
REPORT ?= docs/faults.md

# Images of containers like to set it; dozens of processes of the tests would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
COMPILE := PIP_FIND_LINKS= $(BIN)/pip-compile --quiet --no-header --annotation-style=line --strip-extras \
	--generate-hashes --allow-unsafe --build-deps-for=editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
FROM_DEV = $(ARGS) --constraint=requirements-dev.lock
BENCH ?= $(basename $(notdir $(shell grep -l __main__ bench/*.py))) peers
# Debian packages the tests want beside Python's own; Maven brings a headless Java, and fetches Kafka.
DEBIAN := python3-venv $(if $(wildcard tests/browser/test_*.py),chromium) \
	$(if $(TOUCHLINE_TEST_KAFKA),,maven)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test faults check lint types imports published quick bench fuzz lock clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run.stamp  ## start the whole platform with real data, in DATA_DIR (./data)
	@exec $(BIN)/touchline up --data-dir $(DATA_DIR) --sample completejourney $(ARGS)

# One step after the other, also under -j: the Debian packages hold what makes the environment.
test:  ## install what the tests need, run them all
	@deploy/install-debian.sh $(DEBIAN)
	@$(MAKE) --no-print-directory .venv/dev.stamp
	@$(BIN)/pytest --durations=10 --durations-min=2 $(ARGS)

# With seeds of one's own: make faults TOUCHLINE_TEST_SEEDS=7,8,9. What else ends a test that hangs would
# end the campaign, which takes its minutes.
faults:  ## the tests of faults in their long form, reported in REPORT (docs/faults.md)
	@deploy/install-debian.sh $(filter maven,$(DEBIAN))
	@$(MAKE) --no-print-directory .venv/dev.stamp
	@TOUCHLINE_TEST_REPORT=$(REPORT) $(BIN)/pytest -m faults --verbose -o faulthandler_timeout=1800 $(ARGS)

check: lint types imports published quick  ## the fast gate: lint, types, imports, schemas, quick tests

lint: .venv/dev.stamp
	@$(BIN)/ruff check --quiet --output-format=concise
	@$(BIN)/ruff format --quiet --check || { echo 'Run $(BIN)/ruff format' >&2; exit 1; }

types: .venv/dev.stamp
	@$(BIN)/mypy --no-error-summary

imports: .venv/dev.stamp
	@$(BIN)/lint-imports --no-logo

published: .venv/dev.stamp
	@$(BIN)/python -m schemas.publish --check

# All units, and of the contracts those that an adapter in memory keeps.
quick: .venv/dev.stamp
	@$(BIN)/pytest --quiet tests/unit tests/contract -k 'unit or memory'

bench: .venv/dev.stamp  ## measure, everything or BENCH=fold
	@for one in $(BENCH); do $(BIN)/python -m bench.$$one $(ARGS) || exit 1; done

# Each takes its minutes: what else ends a test that hangs would end them.
fuzz: .venv/dev.stamp  ## the property tests, with many more examples
	@$(BIN)/pytest -m hypothesis --hypothesis-profile=fuzz -o faulthandler_timeout=0 $(ARGS)

# With the oldest Python we support: what it needs serves the newer ones too.
lock: .venv/dev.stamp  ## pin all dependencies anew (ARGS=--upgrade to raise them)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo 'Lock with Python 3.11: make clean, then make PYTHON=python3.11 lock' >&2; exit 1; }
	@$(COMPILE) $(ARGS) --all-extras --output-file=requirements-dev.lock pyproject.toml
	@$(COMPILE) $(FROM_DEV) --extra=embedded --extra=samples --output-file=requirements.lock pyproject.toml
	@$(COMPILE) $(FROM_DEV) --extra=cluster --output-file=requirements-cluster.lock pyproject.toml

clean:  ## remove the environment and all caches; DATA_DIR stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made again when the pins or the project's own metadata change, or when the Python below it went away.
.venv/run.stamp: requirements.lock pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { deploy/check-python.sh $(PYTHON) \
		&& echo 'Installing into .venv (once; takes a minute or two)' && $(PYTHON) -m venv --clear .venv; }
	@$(PIP) install --require-hashes --requirement=$<
	@$(PIP) install --no-deps --no-build-isolation --editable=.
	@$(BIN)/python -m compileall -q schemas services
	@touch $@

# After run.stamp, so that under -j two pips never write into one environment.
.venv/dev.stamp: requirements-dev.lock .venv/run.stamp
	@$(PIP) install --require-hashes --requirement=$<
	@touch $@

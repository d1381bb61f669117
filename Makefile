# The commands a newcomer types. Each installs what it needs into .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
TEST_WORKERS ?= 2
SECOND_OPINION := tests/storage tests/notices tests/children/test_actions.py \
	tests/attendance/test_intake.py tests/budgets/test_ledger.py tests/local/test_faults.py

.PHONY: demo demo-clubs test test-ministack check serve package bench cost fuzz zoo install format clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kezek needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

## demo: the whole preschool programme on invented people; ARGS=--exit ends instead of serving
demo: install
	@$(BIN)/kezek demo $(ARGS)

## demo-clubs: the same for clubs and sections, on an invented Karaganda
demo-clubs: install
	@$(BIN)/kezek demo --programme clubs $(ARGS)

## test: all tests, then those of storage once more on ministack; ARGS='-k word' chooses of the first
test: install
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) $(ARGS)
	@$(if $(strip $(ARGS)),echo "ARGS given: not run on ministack (make test-ministack)",$(MAKE) --no-print-directory test-ministack)

## test-ministack: the second opinion on storage; differences: tests/storage/engine_differences.toml
test-ministack: install
	@KEZEK_TEST_ENGINE=ministack $(BIN)/python -m pytest -n $(TEST_WORKERS) $(SECOND_OPINION)

## fuzz: every operation against the OpenAPI document, FUZZ cases each (schemathesis, all checks);
## goes on where the last run on the same code ended; MINUTES=30 ends a run, the report tells the rest
FUZZ ?= 5000
MINUTES ?= 0
FUZZ_KEEP ?= .local/fuzz
fuzz: install
	@KEZEK_FUZZ=$(FUZZ) KEZEK_FUZZ_KEEP=$(FUZZ_KEEP) KEZEK_FUZZ_MINUTES=$(MINUTES) \
		$(BIN)/python -m pytest -q -n $(TEST_WORKERS) tests/promises/fuzz_c1.py $(ARGS); \
		$(BIN)/python -m tests.promises.fuzzbook $(FUZZ_KEEP) $(FUZZ)

## zoo: plants faults one by one and sees that tests catch each; ARGS='access -k token' chooses
zoo: install
	@$(BIN)/python -m tests.zoo $(ARGS)

## mutants: makes each small slip in the rules of money once; lists what no test notices
mutants: install
	@$(BIN)/python -m tests.mutants $(ARGS)

## check: format, lint, types, import contracts, known-bad patterns, secrets, templates
check: install
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app.py chalicelib infra
	@$(BIN)/python -m infra.secret_scan
	@$(BIN)/python -m infra.package check

## serve: everything on loopback until Ctrl-C
serve: install
	@$(BIN)/kezek serve $(ARGS)

## package: what ships to Lambda, with its template, into build/
package: install
	@$(BIN)/python -m infra.package build $(ARGS)

## bench: the gates, as ratios in one run
bench: install
	@$(BIN)/python -m bench $(ARGS)

## cost: US cents per child and month by step, from bench/measured and bench/prices.toml; ARGS=--json
cost: install
	@$(BIN)/python -m bench.cost $(ARGS)

format: install
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .local build

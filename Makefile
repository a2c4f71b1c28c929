# Everything a person types. `make setup` is all that the other targets need; Python 3.11+ and make are all that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: help setup demo test check lint types layers openapi docs fuzz browser bench exports soak freeze chaos screenshots lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# What runs the service, and nothing of what checks it: a newcomer's first answer waits for half as much.
$(VENV)/.runs: requirements/base.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.ready: $(VENV)/.runs requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

setup: $(VENV)/.ready ## make .venv with the pinned requirements; then .venv/bin/holdfast runs

demo: $(VENV)/.runs ## run everything on a seeded world: http://127.0.0.1:8000
	$(BIN)/holdfast demo --port $(PORT)

test: setup ## every test that needs only Python
	@rm -rf build/moves
	MOVES_DIR=build/moves $(BIN)/python -m pytest -n 2 --dist loadgroup -q --ignore=tests/browser

check: setup test lint types layers openapi docs fuzz browser ## everything that CI checks

lint: setup ## style
	$(BIN)/ruff check service tests benchmarks migrations
	$(BIN)/ruff format --check service tests benchmarks

types: setup ## mypy, strict
	$(BIN)/mypy

layers: setup ## imports go downwards
	$(BIN)/lint-imports

openapi: setup ## openapi.yaml is what the code says, and a valid OpenAPI 3.1 document
	$(BIN)/holdfast openapi build/openapi.yaml && diff -q build/openapi.yaml openapi.yaml
	$(BIN)/openapi-spec-validator openapi.yaml
	@if test -x build/npm/node_modules/.bin/redocly; then \
	  build/npm/node_modules/.bin/redocly lint openapi.yaml --max-problems=5 && \
	  echo 'extends: ["spectral:oas"]' > build/spectral.yaml && \
	  build/npm/node_modules/.bin/spectral lint -r build/spectral.yaml openapi.yaml; \
	else echo "SKIPPED: Redocly and Spectral are not installed (.ci/run does it with npm)"; fi

docs: setup ## generated tables are what the code says; every move was made by a test of the last run
	$(BIN)/python -m benchmarks.tables --check
	$(BIN)/python -m benchmarks.moves --check

browser: setup ## the whole flow in a real browser (Debian's chromium)
	$(BIN)/python -m pytest -q tests/browser --browser-required

fuzz: setup ## a short fuzz of every endpoint: no input may make a 5xx
	$(BIN)/python -m benchmarks.fuzz

bench: setup ## figures, as ratios measured in one run
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.exports --lines $(or $(LINES),1000000)

exports: setup ## a million lines of the journal to CSV and XLSX, against COPY: LINES=1000000
	$(BIN)/python -m benchmarks.exports --lines $(or $(LINES),1000000)

soak: setup ## the stateful machine for long: STEPS=2000 SEED=…
	STEPS=$(or $(STEPS),2000) SEED=$(or $(SEED),0) $(BIN)/python -m pytest -q tests/machine/test_long_run.py

freeze: setup ## freeze against everything that moves money: ROUNDS=10000
	ROUNDS=$(or $(ROUNDS),10000) SEED=$(or $(SEED),0) $(BIN)/python -m pytest -q tests/safety/test_freeze_race.py

chaos: setup ## the main job while processes are killed: ROUNDS=5
	$(BIN)/python -m benchmarks.chaos --rounds $(or $(ROUNDS),1)

screenshots: setup ## every page at two widths, into docs/screenshots
	$(BIN)/python -m benchmarks.screenshots

lock: ## write requirements/*.txt from pyproject.toml
	uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --extra setup pyproject.toml -o requirements/base.txt
	uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.txt

clean: ## throw away what was built
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

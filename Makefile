# Everything a person types. `make setup` is all that the other targets need; Python 3.11+ and make are all that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: house help setup demo test check lint types layers openapi docs fuzz browser bench exports flood soak freeze chaos screenshots locks pythons lock sbom audit clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# One line a step; what pip says lies in this file, and its end is shown when a step fails.
LOG := build/setup$(subst /,-,$(VENV)).log
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input
LOGGED = >>$(LOG) 2>&1 || { echo "That failed. The end of $(LOG):" >&2; tail -n 25 $(LOG) | cut -c -400 >&2; exit 1; }

# What runs the service, and nothing of what checks it: a newcomer's first answer waits for half as much.
$(VENV)/.runs: requirements/base.txt pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit("Python 3.11 to 3.14 is needed; set PYTHON=")'
	@mkdir -p build && : >$(LOG)
	@test -x $(BIN)/python || { echo "Making $(VENV)…"; $(PYTHON) -m venv $(VENV) $(LOGGED); }
	@echo "Installing $$(grep -c '==' requirements/base.txt) packages…"
	@$(PIP) --require-hashes -r requirements/base.txt $(LOGGED)
	@$(PIP) --no-deps --no-build-isolation -e . $(LOGGED)
	@touch $@

$(VENV)/.ready: $(VENV)/.runs requirements/dev.txt
	@echo "Installing $$(grep '==' requirements/dev.txt | grep -vcxFf requirements/base.txt) packages for the checks…"
	@$(PIP) --require-hashes -r requirements/dev.txt $(LOGGED)
	@touch $@

setup: $(VENV)/.ready ## make .venv with the pinned requirements; then .venv/bin/holdfast runs
	@echo "Ready. Next: make demo"

demo: $(VENV)/.runs ## run everything on a seeded world: http://127.0.0.1:8000; WORLD=folder keeps another one
	$(BIN)/holdfast demo --port $(PORT) $(if $(WORLD),--data-dir $(WORLD))

test: $(VENV)/.ready ## every test that needs only Python
	@rm -rf build/moves
	MOVES_DIR=build/moves $(BIN)/python -m pytest -n 2 --dist loadscope -q --ignore=tests/browser

# The tests fill two cores; what follows does not, so two steps run at a time.
check: test ## everything that CI checks
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint types layers openapi docs fuzz browser $(ALSO)

lint: $(VENV)/.ready ## style
	$(BIN)/ruff check service tests benchmarks migrations
	$(BIN)/ruff format --check service tests benchmarks
	@kept=$$(git ls-files --cached --ignored --exclude-standard) && test -z "$$kept" || { echo "In the repository, though ignored: $$kept"; exit 1; }

types: $(VENV)/.ready ## mypy, strict
	$(BIN)/mypy

layers: $(VENV)/.ready ## imports go downwards
	$(BIN)/lint-imports

openapi: $(VENV)/.ready ## openapi.yaml is what the code says, and a valid OpenAPI 3.1 document
	$(BIN)/holdfast openapi build/openapi.yaml && diff -q build/openapi.yaml openapi.yaml
	$(BIN)/openapi-spec-validator openapi.yaml
	@if test -x build/npm/node_modules/.bin/redocly; then \
	  build/npm/node_modules/.bin/redocly lint openapi.yaml --max-problems=5 && \
	  echo 'extends: ["spectral:oas"]' > build/spectral.yaml && \
	  build/npm/node_modules/.bin/spectral lint -r build/spectral.yaml openapi.yaml; \
	else echo "SKIPPED: Redocly and Spectral are not installed (.ci/run does it with npm)"; fi

docs: $(VENV)/.ready ## generated tables are what the code says; every move was made by a test of the last run
	$(BIN)/python -m benchmarks.tables --check
	$(BIN)/python -m benchmarks.moves --check

browser: $(VENV)/.ready ## the whole flow in a real browser (Debian's chromium)
	$(BIN)/python -m pytest -q tests/browser --browser-required

fuzz: $(VENV)/.ready ## a short fuzz of every endpoint: no input may make a 5xx; for long: EXAMPLES=140
	EXAMPLES=$(or $(EXAMPLES),25) $(BIN)/python -m benchmarks.fuzz

bench: $(VENV)/.ready ## figures, as ratios measured in one run
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.exports --lines $(or $(LINES),1000000)

exports: $(VENV)/.ready ## a million lines of the journal to CSV and XLSX, against COPY: LINES=1000000
	$(BIN)/python -m benchmarks.exports --lines $(or $(LINES),1000000)

house: $(VENV)/.ready ## the shape of the code in figures
	$(BIN)/python -m benchmarks.house

flood: $(VENV)/.ready ## slow bodies, open heads, idle connections against the shipped proxy (nginx): what others wait
	$(BIN)/python -m benchmarks.flood

soak: $(VENV)/.ready ## the stateful machine for long: STEPS=2000 SEED=…
	STEPS=$(or $(STEPS),2000) SEED=$(or $(SEED),0) $(BIN)/python -m pytest -q tests/machine/test_long_run.py

freeze: $(VENV)/.ready ## freeze against everything that moves money: ROUNDS=10000
	ROUNDS=$(or $(ROUNDS),10000) SEED=$(or $(SEED),0) $(BIN)/python -m pytest -q tests/safety/test_freeze_race.py

chaos: $(VENV)/.ready ## the main job while processes are killed: ROUNDS=5
	$(BIN)/python -m benchmarks.chaos --rounds $(or $(ROUNDS),1)

screenshots: $(VENV)/.ready ## every page at two widths, into docs/screenshots
	$(BIN)/python -m benchmarks.screenshots

locks: ## set-up in an empty environment, by the oldest pip, with newer releases on offer
	$(PYTHON) -m benchmarks.locks

pythons: $(VENV)/.ready ## make demo and the main job on the oldest and the newest Python that the dependencies support
	$(BIN)/python -m benchmarks.pythons

# The resolver has an environment of its own, so that it is never a requirement of ours.
UV := build/uv/bin/uv
$(UV):
	@mkdir -p build && $(PYTHON) -m venv build/uv && build/uv/bin/python -m pip install --quiet uv==0.13.9

# pip before 23.3 takes any release of a package that is required with an extra and locked without it.
COMPILE := $(UV) pip compile --quiet --no-strip-extras --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11

lock: $(UV) ## write requirements/*.txt from pyproject.toml; what is locked stays, unless UPGRADE=name
	$(COMPILE) $(addprefix --upgrade-package ,$(UPGRADE)) --extra setup pyproject.toml -o requirements/base.txt
	$(COMPILE) $(addprefix --upgrade-package ,$(UPGRADE)) --extra dev pyproject.toml -o requirements/dev.txt

# Tools that look at what we depend on, never a requirement of ours.
AUDIT := build/audit/bin
$(AUDIT)/pip-audit:
	@mkdir -p build && $(PYTHON) -m venv build/audit && $(AUDIT)/python -m pip install --quiet pip-audit==2.10.1 cyclonedx-bom==7.5.0

sbom: $(AUDIT)/pip-audit ## build/sbom.json: what the service is made of (CycloneDX), from the locks
	$(AUDIT)/cyclonedx-py requirements --output-reproducible --sv 1.6 --of JSON -o build/sbom.json requirements/base.txt
	@$(AUDIT)/python -c 'import json; print(len(json.load(open("build/sbom.json"))["components"]), "packages in build/sbom.json")'

audit: $(AUDIT)/pip-audit ## known vulnerabilities of what the service is made of; fails too when a package could not be looked up
	$(AUDIT)/pip-audit --requirement requirements/base.txt --disable-pip --require-hashes --strict --progress-spinner off

clean: ## throw away what was built
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

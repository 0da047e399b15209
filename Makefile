# make run, make test, make lint: each makes .venv first, from the locks, file by file with its hash. make run installs what
# running needs; all others add the tools for tests and training to the same .venv, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := $(PIP) install --quiet --require-hashes --only-binary :all: --no-deps
PAGE := tests/browser
N ?= 100
MINUTES ?= 10
# Elsewhere than on Linux there is one loopback address, and tests on fixed ports would meet.
WORKERS ?= $(if $(filter Linux,$(shell uname -s)),auto,0)

.DEFAULT_GOAL := help
.PHONY: help runtime venv wheel lock licences run test lint lint-page bench bench-gpu faults attack schema train evaluate screenshots clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort

runtime: $(RUNS) ## create .venv with what running needs

venv: $(STAMP) ## create .venv with everything in it

# --no-deps: the locks are complete, and what they don't name is not installed. Only wheels: a source would be built by code,
# and with tools, that have no hash here. torch's build for processors alone is not on PyPI; where pip is told of a place that
# has it, it is taken, else PyPI's. The project comes last: pip takes no folder beside hashes.
$(RUNS): pyproject.toml requirements.lock requirements-torch.lock requirements-torch-cpu.lock
	$(PYTHON) -m venv $(VENV)
	$(LOCKED) -r requirements.lock
	$(LOCKED) -r requirements-torch-cpu.lock 2>/dev/null || $(LOCKED) -r requirements-torch.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	$(PIP) check
	touch $@

$(STAMP): $(RUNS) requirements-dev.lock
	$(LOCKED) -r requirements-dev.lock
	$(PIP) check
	touch $@

# build/ is removed first: setuptools packs whatever an earlier build left there.
wheel: $(RUNS) ## build a wheel into dist/, to be installed elsewhere
	rm -rf build
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: $(RUNS) ## pin anew, with hashes, what make venv installs (needs PyPI)
	$(PIP) install --quiet 'uv==0.13.*'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python deploy/lock.py
	cd benchmarks/servers && $(CURDIR)/$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-annotate --custom-compile-command 'make lock' --constraints ../../constraints.txt requirements.in -o requirements.lock

licences: $(STAMP) ## list each dependency that is installed, its version and its licence
	@$(BIN)/pip-licenses --from=mixed --with-system --with-urls --ignore-packages parafovea

run: $(RUNS) ## start everything on http://localhost:8001/
	PATH="$(CURDIR)/$(BIN):$$PATH" honcho start

test: $(STAMP) ## run the tests
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: $(STAMP) ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-page; \
	else echo "no npm here: the types of the page's scripts are not checked"; fi

lint-page: $(PAGE)/node_modules/.installed ## check the types of the page's scripts (needs Node)
	npm --prefix $(PAGE) run --silent types

$(PAGE)/node_modules/.installed: $(PAGE)/package-lock.json
	npm --prefix $(PAGE) ci --silent --no-audit --no-fund
	touch $@

schema: $(STAMP) ## write docs/schema anew, from the types
	$(BIN)/python -m cli.schemas docs/schema

screenshots: $(STAMP) ## make the README's pictures anew (needs Chromium)
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.browser.screenshots
	HF_HUB_OFFLINE=1 $(BIN)/python examples/before_after.py docs/images/before_after.jpg

bench: $(STAMP) ## measure every published figure (NAME=... for one, AGAINST=... for an older checkout beside this)
	HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks $(NAME) $(if $(AGAINST),--against $(AGAINST)) $(ARGUMENTS)

bench-gpu: $(RUNS) ## measure this server on a graphics card, with random weights (MODELS=sd15,sdxl for some models)
	HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks.gpu --compile --out benchmarks/results/gpu.json \
		$(if $(MODELS),--models $(MODELS)) $(ARGUMENTS)

faults: $(STAMP) ## throw N faults at real processes and count what became of every frame (SEED=... to repeat a run)
	$(BIN)/python -m tests.system.faults.storm $(N) $(if $(SEED),--seed $(SEED))

attack: $(STAMP) ## attack a whole system of its own for MINUTES, on loopback, and count what came of it (SEED=... to repeat)
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.attack --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGUMENTS)

train: $(STAMP) ## train the embedded model again (hours)
	$(BIN)/python -m training.train

evaluate: $(STAMP) ## measure the embedded model's quality and write the figures into its card (half an hour)
	HF_HUB_OFFLINE=1 $(BIN)/python -m training.evaluate --card

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

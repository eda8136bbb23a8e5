# Every target makes what it needs by itself: Python >= 3.11, make and the package registries suffice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= demo-data
PORT ?= 8765

.DEFAULT_GOAL := help
.PHONY: help demo serve test check fix bench lock docs clean

help: ## Show every target with its sentence.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/installed: pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

demo: $(VENV)/installed ## Install, fill a data directory with the sample shop, and keep the server running.
	@$(BIN)/tekil demo --data $(DATA) --port $(PORT) --serve

serve: $(VENV)/installed ## Run the server on the data directory tekil-data.
	@$(BIN)/tekil serve --port $(PORT)

test: $(VENV)/installed-dev ## Run every check and every test; installs PostgreSQL, Chromium and Node.js if missing.
	@sh tools/system-packages.sh
	@$(BIN)/ruff format --check src tests bench tools
	@$(BIN)/ruff check src tests bench tools
	@$(BIN)/mypy
	@$(BIN)/pytest -q

check: $(VENV)/installed-dev ## Run the fast part: format, lint, types, and tests of pure code; under a minute.
	@$(BIN)/ruff format --check src tests bench tools
	@$(BIN)/ruff check src tests bench tools
	@$(BIN)/mypy
	@$(BIN)/pytest -q -m "not e2e and not faults" tests/architecture tests/clean tests/collect tests/kit tests/identity

fix: $(VENV)/installed-dev ## Format the code and mend what the linter can mend.
	@$(BIN)/ruff format src tests bench tools
	@$(BIN)/ruff check --fix src tests bench tools

bench: $(VENV)/installed-dev ## Measure everything against its floor; writes bench/results.json and docs/benchmarks.md.
	@$(BIN)/python -m bench.run

lock: $(VENV)/installed-dev ## Pin the newest versions of all dependencies in the lock files.
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --python-version 3.11 pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

docs: $(VENV)/installed-dev ## Write the generated reference pages anew from the running app.
	@$(BIN)/python -m tools.reference
	@test -f docs/images/profile.svg || $(BIN)/python -m tools.screenshot

clean: ## Remove what these targets made, but no data.
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

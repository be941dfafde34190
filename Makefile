# `make` sets everything up and runs the main job; `make test` passes the tests. Both work on a fresh checkout.
PYTHON ?= python3
VENV := .venv
# Containers often forbid Python to keep what it compiled; then each of a thousand processes compiles torch anew.
export PYTHONDONTWRITEBYTECODE :=
BIN := $(VENV)/bin
# uv takes local wheels from where pip was told to look; elsewhere torch comes as its CPU build.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
NODE := node@22.23.3 skills@1.7.4
TORCH := $(if $(UV_FIND_LINKS),,--torch-backend=cpu)

# Files of tests are given to two processes: more would have each wait for the others' skills and browsers.
SHARED := --numprocesses 2 --dist loadfile

.PHONY: all setup test test-fast test-all lint bench docs docs-serve docs-canary clean
all: setup
	$(BIN)/airskills load grpo-rl-training --wrap

setup: $(VENV)/.tool

$(VENV)/.uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	touch $@

$(VENV)/.tool: pyproject.toml | $(VENV)/.uv
	$(UV) --editable .
	touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.uv
	$(UV) $(TORCH) --editable ".[proof,mcp,rl,grokking,grokking-agents]" --group test --group lint --group skills --group labs --group docs
	$(UV) --no-deps --group skills-bare
	touch $@

# The real `npx skills`, with the Node that it needs, for machines that have npm; without it these tests are skipped.
$(VENV)/.node: Makefile | $(VENV)/.uv
	@if command -v npm > /dev/null && npm install --prefix $(VENV)/node --no-audit --no-fund --loglevel=error $(NODE); \
	then touch $@; else echo "No npm, or no registry: the tests with npx skills are skipped"; fi

# What cannot be installed beside FastMCP.
$(VENV)/.adk: pyproject.toml | $(VENV)/.uv
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(VENV)/adk
	$(BIN)/uv pip install --quiet --python $(VENV)/adk/bin/python --editable . --group adk
	touch $@

# The browser that the site is looked at with; where it may not be installed, those tests are skipped and say so.
$(VENV)/.chromium: | $(VENV)/.uv
	command -v chromium > /dev/null || { test "$$(id -u)" = 0 && apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium > /dev/null; } || true
	touch $@

test: $(VENV)/.test $(VENV)/.node $(VENV)/.chromium lint
	$(BIN)/python -m pytest -m "not slow" $(SHARED)

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow and not full" $(SHARED)

test-all: $(VENV)/.test $(VENV)/.node $(VENV)/.adk $(VENV)/.chromium lint
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(UV) --group bench
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/search_quality.py
	$(BIN)/python benchmarks/check_speed.py
	$(BIN)/python benchmarks/run_speed.py --cold-blocks 8
	$(BIN)/python benchmarks/site_speed.py
	$(BIN)/python benchmarks/rl_rewards.py
	$(BIN)/python benchmarks/rl_losses.py

# Material and ProperDocs print advertisements for themselves at every build.
MKDOCS := NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs

docs: $(VENV)/.test
	$(BIN)/airskills site
	$(MKDOCS) build --strict --quiet
	$(BIN)/airskills export --site site > build/docs.log

docs-serve: $(VENV)/.test
	$(BIN)/airskills site
	$(BIN)/airskills site --watch & watcher=$$!; trap "kill $$watcher" EXIT; $(MKDOCS) serve --dirty

# The same tree with the builder that will follow.
docs-canary: $(VENV)/.test
	$(BIN)/airskills site
	$(BIN)/zensical build --strict --clean

# What a link to the site shows elsewhere; after a change of its drawing.
docs/assets/social.png: docs/assets/social.svg
	chromium --headless --no-sandbox --hide-scrollbars --window-size=1200,630 --screenshot=$@ $<

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

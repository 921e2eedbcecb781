# What a person and CI do here. Needs Python 3.11 or later with pip and, for `make run`, nothing else.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Where it is set every process compiles our packages anew (tests/conftest.py).
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.made
# More words for pytest, such as ARGS="-k sender" or ARGS="-n 0".
ARGS ?=

.PHONY: help setup run demo test lint format types protos protos-check schema openapi architecture manifests fuzz compatibility \
	chaos bench bench-engine bench-triggers bench-api render screenshots k8s-dry-run image lock check

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SETUP) ## make the virtual environment from constraints.txt

# Debian's python3 without python3-venv cannot put pip into the environment: then the pip outside installs into it.
$(SETUP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "this needs Python 3.11 or later: make PYTHON=...")'
	@echo "making $(VENV) (once, a minute or two)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --without-pip --clear $(VENV)
	@pip="$(BIN)/python -m pip"; $$pip --version >/dev/null 2>&1 || pip="$(PYTHON) -m pip --python $(BIN)/python"; \
		$$pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(SETUP) ## run the whole platform here (settings: PORT, DATA_DIR, TOKEN, DATABASE_URL, COMMANDS); Ctrl-C ends it
	@exec $(BIN)/runhook standalone

demo: $(SETUP) ## both journeys with real input, on a throwaway data directory
	@exec examples/demo.sh

test: $(SETUP) ## all tests, against a real embedded Postgres
	$(BIN)/pytest -q -n auto $(ARGS)

lint: $(SETUP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(SETUP) ## ruff: mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(SETUP) ## mypy --strict
	$(BIN)/mypy

protos: $(SETUP) ## write the Python stubs from protos/
	protos/generate.sh

protos-check: $(SETUP) ## lint the protos, find breaking changes against main, compare the stubs with the protos
	$(BIN)/buf lint
	@for ref in origin/main main; do \
		if git cat-file -e "$$ref:buf.yaml" 2>/dev/null; then \
			echo "buf breaking --against $$ref"; \
			$(BIN)/buf breaking --against ".git#ref=$$(git rev-parse "$$ref")"; break; \
		fi; \
	done
	@draft=$$(mktemp -d); trap 'rm -rf "$$draft"' EXIT; \
		protos/generate.sh "$$draft" >"$$draft/said" 2>&1 || { cat "$$draft/said"; exit 1; }; \
		stubs() { (cd "$$1" && find runhook -name '*_pb2*.py*' -not -path '*/__pycache__/*' | LC_ALL=C sort | xargs cksum); }; \
		diff <(stubs .) <(stubs "$$draft") || { echo "the stubs are not what protos/ says: make protos"; exit 1; }

schema: $(SETUP) ## write schema/schema.sql, the sum of all migrations
	$(BIN)/python -m tests.support.golden

openapi: $(SETUP) ## write docs/openapi.json from the gateway's routes
	$(BIN)/python -m gateway.openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

architecture: $(SETUP) ## who may import whom, how large a room may be
	$(BIN)/pytest -q tests/architecture

manifests: $(SETUP) ## check deploy/ offline
	$(BIN)/pytest -q tests/manifests

fuzz: $(SETUP) ## the API's fuzz, longer and random: five minutes or so
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-300} $(BIN)/pytest -q -n 0 tests/integration/gateway/test_fuzz.py $(ARGS)

compatibility: $(SETUP) ## clients that others wrote, unmodified, against a running platform; needs the package registries
	RUNHOOK_COMPATIBILITY=1 $(BIN)/pytest -q tests/compatibility $(ARGS)

chaos: $(SETUP) ## faults at random under load (ARGS="--seed 7 --save NAME"; "--triggers" for calls and runs)
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(SETUP) ## the outbound journey under load beside the bare sender; about two minutes
	$(BIN)/python -m bench.outbound $(ARGS)

bench-engine: $(SETUP) ## fairness, backlogs, memory, TLS, pods, kills, claims; a quarter of an hour (ARGS="kill --pairs 5")
	$(BIN)/python -m bench.engine $(ARGS)

bench-triggers: $(SETUP) ## calls, latency, deadlines, starts, waiting; ten minutes (ARGS="calls --pairs 3")
	$(BIN)/python -m bench.triggers $(ARGS)

bench-api: $(SETUP) ## a webhook read over REST under load beside a constant answer; about two minutes
	$(BIN)/python -m bench.api $(ARGS)

render: ## write what in deploy/ is made from other files: install.yaml, a copy of schema/roles.sql (needs kubectl)
	@cp schema/roles.sql deploy/components/cloudnative-pg/roles.sql
	@rendered=$$(deploy/render.sh) && echo "$$rendered" > deploy/install.yaml
	@deploy/components/prometheus-operator/render.sh > deploy/components/prometheus-operator/rules.yaml

screenshots: $(SETUP) ## pictures of every page of the console into docs/console/ (needs /usr/bin/chromium)
	$(BIN)/python -m tests.support.screenshots

k8s-dry-run: ## ask the API server of KUBECONFIG whether it would take deploy/ (needs kubectl)
	@deploy/dry-run.sh

image: ## build deploy/Dockerfile with buildah and try what comes out, as root; some minutes (needs buildah, mmdebstrap)
	@deploy/image.sh

lock: ## write the image's pins with their hashes, deploy/requirements*.txt, from constraints.txt (needs uv)
	@deploy/lock.sh

# The tests include schema, architecture and manifests.
check: lint types protos-check test ## everything that CI runs

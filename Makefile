# A Linux machine with Python 3.11 or newer needs nothing else: each target makes .venv first, from requirements.lock.
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

BIN := .venv/bin

# No usage statistics, neither ours nor the libraries'.
export RAY_USAGE_STATS_ENABLED := 0
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
# Modules are compiled once: a search starts several Python processes that import torch.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test fault-test check docs lock secrets image stack-test clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: .venv/.ready  ## a real search: 20 trials of the airplane LSTM, no network needed
	$(BIN)/tuneyard search airplane-lstm --trials 20

test: .venv/.ready  ## the tests
	$(BIN)/pytest --numprocesses=2 --durations=40

fault-test: .venv/.ready  ## every fault injected as often as docs/reliability.md says, which takes about two hours
	TUNEYARD_FAULTS=whole $(BIN)/pytest tests/faults

check: .venv/.ready  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/.ready  ## docs/tasks.md from the tasks and benchmarks/quality.json, docs/architecture.svg from the packages
	mkdir -p build
	$(BIN)/python docs/tasks.py >build/tasks.md
	$(BIN)/python docs/architecture.py >build/architecture.svg
	mv build/tasks.md build/architecture.svg docs/

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock' --python-version 3.11 pyproject.toml

lock: $(BIN)/uv  ## the locks again from pyproject.toml; newer releases with UPGRADE=1
	$(COMPILE) --all-extras $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(COMPILE) --extra stack --constraint requirements.lock --output-file requirements-stack.lock

secrets:  ## .env with random secrets for docker compose
	@if [ -e .env ]; then
		echo ".env is there already, and it may hold the passwords of volumes that are, too: move it away for a new one" >&2
		exit 1
	fi
	umask 077
	while IFS= read -r line; do
		case $$line in
			[A-Z]*[=:]) echo "$$line$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" ;;
			*) echo "$$line" ;;
		esac
	done <.env.example >.env

image:  ## the image of the stack; with TORCH_INDEX=address of an index of CPU builds, without CUDA
	docker compose build $(if $(TORCH_INDEX),--build-arg TORCH_INDEX="$(TORCH_INDEX)")

# An engine that is there is used; where none is, the one that some machines have beside the checkout is started.
ENGINE := ../shared/tools/docker-engine/up.sh

stack-test: .venv/.ready  ## the stack's tests, on real containers
	@if ! docker info >/dev/null 2>&1; then
		[ -x $(ENGINE) ] || { echo "make stack-test needs Docker with Compose v2, and docker info fails: install or start it" >&2; exit 1; }
		$(ENGINE)
	fi
	if ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
	fi
	$(BIN)/pytest -m stack tests/stack

clean:  ## remove the environment, the caches and the builds; what searches recorded stays
	rm -rf .venv build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What installers say goes to a file, which is shown if one of them fails. People are spoken to on 3.
LOG := build/setup.log
LOGGED = mkdir -p build; exec 3>&2 >$(LOG) 2>&1; trap '[ $$? = 0 ] || cat $(LOG) >&3' EXIT

.venv/.ready: pyproject.toml requirements.lock | $(BIN)/uv
	@$(LOGGED)
	echo "Installing requirements.lock into .venv: about 6 GB the first time, which may take several minutes; see $(LOG)" >&3
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

# uv comes from the lock like everything else, version and hashes. An environment that is there is kept if it can be used.
$(BIN)/uv:
	@$(LOGGED)
	new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
	if ! $(BIN)/python -c "$$new_enough" 2>/dev/null; then
		"$(PYTHON)" -c "$$new_enough" 2>/dev/null || {
			echo "tuneyard needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" --version 2>&1 || true); name another with make PYTHON=..."
			exit 1
		}
		"$(PYTHON)" -m venv --clear .venv || {
			echo "$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt install python3-venv"
			exit 1
		}
	fi
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r <(sed -n '/^uv==/,/[^\\]$$/p' requirements.lock)

# `make help` lists the targets. Everything happens in .venv; data and results lie in data/ and results/.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))) python3)
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
WORKERS ?= $(if $(filter 1,$(CORES)),1,2)
BIN := .venv/bin
QUICK := -m "not slow and not faults" --numprocesses $(WORKERS) --dist loadfile
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE # or each of the tests' many processes would compile what it imports

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-slow test-gpu test-oldest faults lint bench lock image clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

quickstart: .venv/.runtime ## install, run the smallest suite (about three minutes), and write its report
	$(BIN)/harness run-suite quickstart --profile small --workers $(WORKERS)
	$(BIN)/harness report quickstart --profile small

test: .venv/.dev ## every test that this machine can run, but the slow ones
	$(BIN)/python -m pytest $(QUICK)

test-slow: .venv/.dev ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-gpu: .venv/.dev ## what only a GPU can show: its tests, and the time of a training step (a few minutes)
	$(BIN)/python -c 'import torch; print("on", torch.cuda.get_device_name())'
	$(BIN)/python -m pytest -m gpu
	$(BIN)/python -m benchmarks.launches

faults: .venv/.dev ## kill, fill the disk, flip bytes; says what became of each (about half an hour)
	$(BIN)/python -m pytest tests/faults --timeout=1800

test-oldest: ## the tests with the oldest packages that pyproject.toml allows (needs uv)
	uv venv --quiet --clear --python $(PYTHON) .venv-oldest
	uv pip install --quiet --python .venv-oldest --resolution lowest-direct --editable '.[postgres]'
	uv pip install --quiet --python .venv-oldest --group test
	.venv-oldest/bin/python -m pytest $(QUICK)

lint: .venv/.dev ## ruff, mypy --strict, and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.runtime ## how fast training and evaluation are against the plain way, on this machine
	$(BIN)/python -m benchmarks

lock: ## resolve pyproject.toml again (needs uv): requirements.lock to run, -dev to develop, -scale for more machines
	$(LOCK) --group dev --extra postgres --output-file requirements-dev.lock $(if $(UPGRADE),--upgrade) pyproject.toml
	$(LOCK) --group build --extra postgres --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	$(LOCK) --group build $(foreach extra,postgres explore ray docker,--extra $(extra)) --constraint requirements-dev.lock --output-file requirements-scale.lock pyproject.toml

image: ## build the container image
	docker build --file docker/Dockerfile --build-arg GIT_COMMIT=$(shell git describe --always --abbrev=40 --exclude '*' --dirty) --tag robustness-harness .

clean: ## remove the environments and caches; data and results stay
	rm -rf .venv .venv-oldest .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One resolution for every Python and platform, without index addresses.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 ..."; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock pyproject.toml | .venv/bin/pip
	@echo "Installing into .venv: about 6 GB with PyTorch's CUDA libraries, a few minutes the first time."
	$(BIN)/pip install --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	$(BIN)/pip install --require-hashes -r requirements-dev.lock
	@touch $@

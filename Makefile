# The two commands are `make demo` and `make test`; `make help` lists the rest.
# Everything is set up on first use in virtual environments inside this folder.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# Containers often set it; the tests start nullwatt hundreds of times, and would compile all of Python each time.
unexport PYTHONDONTWRITEBYTECODE

# ESPHome and nullwatt need Python 3.12 or newer; the default python3 of a machine is often older.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.14 python3 \
	$${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1[2-9]*/bin/python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo "$$p" && break; done)

BIN := .venv/bin
CORE := esphome_component/ct002_core
CORE_SOURCES := $(wildcard $(CORE)/*.cpp $(CORE)/*.h)
GLUE := esphome_component/ct002
CPP := $(wildcard $(CORE)/*.cpp $(CORE)/*.h $(GLUE)/*.cpp $(GLUE)/*.h $(GLUE)/*/*.cpp $(GLUE)/*/*.h \
	micropython/native/*.c tests/core/cpp/*.c* tests/component/stand_ins/*/*.[ch]* tests/platformio/*/*.cpp tools/*.cpp)
ARGS ?=

.PHONY: help demo test pytest lint lint-micropython format bench bench-peers size micropython test-micropython micropython-bench test-homeassistant docs figures clean

help:
	@echo 'make demo    simulated house with four batteries, held at zero, on a web page (ARGS="--tui", "--headless")'
	@echo 'make test    lint and every test, the ESPHome firmware included (ARGS="-k name" for some)'
	@echo 'make lint    style and types'
	@echo 'make format  rewrite sources in the house style'
	@echo 'make bench   speed of the core, the binding, UDP, the lab and the house'
	@echo 'make bench-peers  speed of a DER site beside the installed dertwin (ARGS=--write: into the docs)'
	@echo 'make size    flash, RAM and instructions on a 32-bit microcontroller (ARGS=--write: into the docs)'
	@echo 'make micropython  MicroPython with the core, and the core as .mpy files (ARGS=--write: sizes into the docs)'
	@echo 'make test-micropython  their tests alone'
	@echo 'make micropython-bench time from poll to answer on the unix port'
	@echo 'make test-homeassistant  MQTT insights in a real Home Assistant, which needs Python 3.13'
	@echo 'make docs    rewrite the generated parts of docs/'
	@echo 'make figures measure the control law and rewrite its table and pictures in docs/control.md'
	@echo 'make clean   remove everything that was built'

# -- environments ----------------------------------------------------------------------------

.venv/bin/uv:
	@test -n "$(PYTHON)" || { echo 'make: no Python >= 3.12 found; install one or set PYTHON=/path/to/python3'; exit 2; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# The user's part: the core compiled, the simulated house and its page, the command.
.venv/.sim: .venv/bin/uv pyproject.toml setup.py host_sim/nullwatt/core/_build.py $(CORE_SOURCES)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --reinstall-package nullwatt --editable '.[sim,web]'
	@touch $@

.venv/.dev: .venv/.sim
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'
	@touch $@

# ESPHome and PlatformIO pin versions of their own, so each lives apart. Where a machine cannot
# install one, its tests say so and are skipped (with CI=true they fail).
.venv-%/.installed: tools/requirements-%.txt .venv/bin/uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --requirement $<
	@touch $@

# dertwin wants an older pymodbus than ours may be: both are measured with that one, nullwatt from its sources.
.venv-peers/.installed: pyproject.toml .venv/.sim
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-peers
	$(BIN)/uv pip install --quiet --python .venv-peers/bin/python --requirement pyproject.toml --extra modbus --extra peers
	@touch $@

# Home Assistant needs this very Python.
PYTHON313 = $(shell for p in python3.13 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.13*/bin/python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$$p" && break; done)

.venv-homeassistant/.installed: tools/requirements-homeassistant.txt .venv/bin/uv
	$(BIN)/uv venv --quiet --clear --no-python-downloads --python "$(or $(PYTHON313),3.13)" .venv-homeassistant
	$(BIN)/uv pip install --quiet --python .venv-homeassistant/bin/python --requirement $<
	@touch $@

# -- commands --------------------------------------------------------------------------------

demo: .venv/.sim
	@$(BIN)/nullwatt demo $(ARGS)

test: lint pytest

# For two cores: every third test waits, for real time or a socket, while two others work.
JOBS = 3

pytest: .venv/.dev
	-@$(MAKE) --no-print-directory .venv-esphome/.installed
	-@$(MAKE) --no-print-directory .venv-esphome-floor/.installed
	-@$(MAKE) --no-print-directory .venv-platformio/.installed
	-@$(MAKE) --no-print-directory .venv-size/.installed
	-@$(MAKE) --no-print-directory .venv-micropython/.installed
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: .venv/.dev
	$(BIN)/clang-format --dry-run --Werror $(CPP)
	$(BIN)/clang-tidy --quiet $(CORE)/*.cpp -- -std=c++17 2>/dev/null
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy --no-error-summary
	-@$(MAKE) --no-print-directory .venv-stubs/.installed
	@$(MAKE) --no-print-directory lint-micropython

# The application for MicroPython against the stubs of MicroPython, where a machine could install them.
STUBS = $(firstword $(wildcard $(CURDIR)/.venv-stubs/lib/python3*/site-packages))
lint-micropython: .venv/.dev
	@if test -n "$(STUBS)"; then MYPYPATH="$(STUBS):micropython" $(BIN)/mypy --no-error-summary \
		--config-file tools/mypy-micropython.ini --custom-typeshed-dir "$(STUBS)" micropython/nullwatt; \
		elif test "$$CI" = true; then echo 'make: the stubs of MicroPython are missing' >&2; exit 1; fi

format: .venv/.dev
	$(BIN)/clang-format -i $(CPP)
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

bench: .venv/.dev
	@$(BIN)/python tools/bench.py $(ARGS)

bench-peers: .venv-peers/.installed
	@PYTHONPATH=host_sim .venv-peers/bin/python tools/bench_peers.py $(ARGS)

size: .venv/.dev .venv-size/.installed .venv-esphome/.installed
	@$(BIN)/python tools/size.py $(ARGS)

micropython: .venv/.dev .venv-size/.installed .venv-micropython/.installed
	@$(BIN)/python tools/micropython_build.py $(ARGS)

# Before the tests, so that these time themselves and not the build.
test-micropython: .venv/.dev
	-@$(MAKE) --no-print-directory micropython ARGS=
	$(BIN)/python -m pytest tests/micropython $(ARGS)

# A real Home Assistant: about a minute, so `make test` does not wait for it.
test-homeassistant: .venv/.dev
	-@$(MAKE) --no-print-directory .venv-homeassistant/.installed
	$(BIN)/python -m pytest tests/homeassistant $(ARGS)

micropython-bench: .venv/.dev
	@$(MAKE) --no-print-directory micropython ARGS=module-x64
	@$(BIN)/python tools/micropython_bench.py .build/micropython/module-x64/micropython

docs: .venv/.dev
	@$(BIN)/python tools/docs.py
	@$(BIN)/python tools/micropython_meters.py

# Exit code 1 only tells that a goal is missed; the table shows which.
figures: .venv/.dev
	@mkdir -p .build
	$(BIN)/nullwatt lab figures --seeds 20 --json .build/figures.json || test $$? -eq 1
	@$(BIN)/python tools/figures_doc.py .build/figures.json

clean:
	rm -rf .venv .venv-* build dist .pio tests/component/.build .pytest_cache .mypy_cache .ruff_cache .hypothesis .build \
		host_sim/*.egg-info host_sim/nullwatt/core/_core.*so
	find . -name __pycache__ -prune -exec rm -rf {} +

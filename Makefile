# Every target does its own set-up. Needs Python 3.11 or newer (PYTHON=… names another one) and make.
PYTHON ?= python3
BIN := .venv/bin
PIP_COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --build-deps-for editable \
	--no-emit-options

.PHONY: run setup test check slow kills bench benchlong chaos lock clean

run: .venv/installed
	$(BIN)/assist run --or-playground

setup: .venv/installed-dev

test: check
	$(BIN)/pytest -n 6 --dist worksteal

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# What takes minutes: a DM of 1,000 turns, the whole matrix of kills.
slow: .venv/installed-dev
	$(BIN)/pytest -m slow

# Only the matrix of kills, several at a time: they mostly wait for leases to run out.
kills: .venv/installed-dev
	$(BIN)/pytest -n 4 -m slow tests/scenarios/test_kills.py tests/scenarios/test_file_kills.py tests/scenarios/test_delivery_kills.py tests/scenarios/test_expense_kills.py \
		tests/scenarios/test_meeting_kills.py tests/scenarios/test_meeting_stops.py tests/scenarios/test_meeting_storm.py tests/scenarios/test_meeting_trouble.py \
		tests/scenarios/test_meeting_change_kills.py tests/scenarios/test_stops.py

# Figures for docs/performance.md and docs/scale.md, measured on this machine; about fifteen minutes. Nothing else should run on it.
bench: .venv/installed-dev
	$(BIN)/python -m bench.idle
	$(BIN)/python -m bench.answers
	$(BIN)/python -m bench.answers --limits
	$(BIN)/python -m bench.workers
	$(BIN)/python -m bench.workers --turns 10 --rate 100 --answers 200
	$(BIN)/python -m bench.events
	$(BIN)/python -m bench.costs
	$(BIN)/python -m bench.files
	$(BIN)/python -m bench.expenses
	$(BIN)/python -m bench.slots

# Those that take longest, about twenty-five minutes: load that lasts, on each of Slack's transports, and 10,000 messages that wait.
benchlong: .venv/installed-dev
	$(BIN)/python -m bench.answers --limits --seconds 60 --at-once 10 30 50 200
	$(BIN)/python -m bench.answers --limits --seconds 60 --at-once 30 50 --streaming native
	$(BIN)/python -m bench.answers --limits --seconds 60 --at-once 30 50 --streaming auto
	$(BIN)/python -m bench.waiting

# The storm of docs/chaos.md: about ten minutes. `make chaos SEED=7` blows the same one again; other sizes: `make chaos SIZE="--threads 20"`.
chaos: .venv/installed-dev
	$(BIN)/python -m chaos.run $(if $(SEED),--seed $(SEED)) $(SIZE)

# Writes the pins anew from the ranges in pyproject.toml; `make lock UPGRADE=--upgrade` takes the newest versions.
# Written with the oldest Python that we support: newer ones need no more packages.
lock: .venv/installed-dev
	$(PIP_COMPILE) $(UPGRADE) --output-file requirements.txt pyproject.toml
	$(PIP_COMPILE) $(UPGRADE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv || { echo "On Debian and Ubuntu: apt install python3-venv" >&2; rm -rf .venv; exit 1; }

# What is installed follows the pins. setuptools is among them, so the project itself is built without fetching anything more.
.venv/installed: .venv/bin/python requirements.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# Everything a developer or CI does. `make setup` needs Python 3.11 or 3.12 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
QUICK := "not slow and not long and not heavy"
SLOW := "slow and not long and not heavy"

.PHONY: setup fmt check test test-units test-servers test-all test-slow test-exports test-heavy test-long regression lock demo gallery clean
.DELETE_ON_ERROR:

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 13) else f"synthgen needs Python 3.11 or 3.12, found {v[0]}.{v[1]}: run make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

fmt: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The two halves share nothing: `make -j2 test` runs them beside each other, as CI does.
test: test-units test-servers

test-units: setup
	$(BIN)/python -m pytest -m $(QUICK) tests/unit tests/wire

test-servers: setup
	$(BIN)/python -m pytest -m $(QUICK) --ignore=tests/unit --ignore=tests/wire

# The longest part stands early, for two at a time.
test-all: check test-exports demo regression test-slow

test-slow: setup
	$(BIN)/python -m pytest -m $(SLOW) --ignore=tests/exports

test-exports: setup
	$(BIN)/python -m pytest -m $(SLOW) tests/exports

test-heavy: setup
	$(BIN)/python -m pytest -m heavy

test-long: setup
	$(BIN)/python -m pytest -m long

regression: setup
	$(BIN)/synthgen verify configs/regression/core.lock --out out/regression/report

lock: setup
	$(BIN)/synthgen lock configs/regression/core.yaml

demo: setup
	$(BIN)/python run_generation.py

gallery: setup
	$(BIN)/python -m synthgen.simserver gallery docs/gallery

clean:
	rm -rf $(VENV) out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

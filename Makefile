# Two commands do everything: `make demo` and `make test`. Python 3.11+ and a package registry are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow lint clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/fathom demo --out demo_output

test: $(READY)
	$(BIN)/pytest -m "not slow and not gpu"

test-slow: $(READY)
	$(BIN)/pytest -m "slow and not gpu"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

clean:
	rm -rf $(VENV) demo_output

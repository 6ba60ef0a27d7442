# Two commands do everything: `make demo` and `make test`. Python 3.11+ and a package registry are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

FLOOR := .venv-floor
FLOOR_READY := $(FLOOR)/.ready

.PHONY: demo test test-slow test-gpu test-floor lint clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/fathom demo --out demo_output

test: $(READY)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m "not slow and not gpu"

test-slow: $(READY)
	$(BIN)/pytest -m "slow and not gpu"

test-gpu: $(READY)
	$(BIN)/pytest -m gpu

# The oldest transformers that pyproject.toml allows; everything else is looked up in $(VENV).
$(FLOOR_READY): $(READY)
	$(PYTHON) -m venv $(FLOOR)
	$(BIN)/python -c "import sysconfig; print(f'import site; site.addsitedir({sysconfig.get_path(\"purelib\")!r})')" \
		> $$($(FLOOR)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/shared.pth
	$(FLOOR)/bin/pip install --quiet --disable-pip-version-check 'transformers==5.17.*'
	for command in fathom accelerate; do sed "1s|.*|#!$(CURDIR)/$(FLOOR)/bin/python|" $(BIN)/$$command \
		> $(FLOOR)/bin/$$command && chmod +x $(FLOOR)/bin/$$command || exit 1; done
	touch $(FLOOR_READY)

test-floor: $(FLOOR_READY)
	$(FLOOR)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not slow and not gpu"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

clean:
	rm -rf $(VENV) $(FLOOR) demo_output

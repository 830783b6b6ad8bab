# Every target makes .venv and installs on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Python compiles what it imports; compiling everything takes a third of the installation.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile -c constraints.txt

.PHONY: install run test slow lint bench messages starter clean

install: $(READY)

# torch first and by its pin, so that nothing else pulls another build of it.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sentir needs Python 3.11 or later; name one: make install PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) "torch==2.13.0"
	$(INSTALL) -e ".[offline,tokenizers,dev]"
	touch $(READY)

run: $(READY)
	$(BIN)/sentir study recipes/demo-meld.toml recipes/demo-mosei.toml --out runs/demo --open

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile

slow: $(READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks tools
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/mypy

# What needs no corpus, into benchmarks/RESULTS.md; the other scripts there take a corpus, and say so with --help.
bench: $(READY)
	$(INSTALL) -e ".[bench]"
	$(BIN)/python benchmarks

messages: $(READY)
	$(BIN)/python tools/translations.py

# The model that comes with Sentir, with the report of its export, from the tables of MELD in the folder MELD.
starter: $(READY)
	@test -n "$(MELD)" || { echo "Give the folder of MELD: make starter MELD=DATA/meld"; exit 1; }
	$(BIN)/sentir train recipes/starter.toml --root "$(MELD)" --out runs/starter
	$(BIN)/sentir export runs/starter --root "$(MELD)" --out src/sentir/starter --int8

clean:
	rm -rf $(VENV) runs

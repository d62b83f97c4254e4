# `make run` and `make test` do their own set-up in a fresh checkout. PYTHON is any of 3.11 to 3.13.
PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python
ifneq ($(words $(VENV)),1)
$(error VENV is "$(VENV)"; make knows no names with spaces, so give the environment a folder without one: make VENV=.venv)
endif
READY = $(VENV)/.ready
PIP_OPTIONS ?=
CHROMIUMS = $(AGNEWS_CHROMIUM) chromium chromium-browser google-chrome-stable google-chrome

.PHONY: run test test-fast test-browser lint study bench lab publish page site clean

run: $(READY)  ## execute the notebooks in order; figures and tables go to output/
	$(PY) -m agnews_utils.commands.run_notebooks

test: $(READY)  ## unit tests, then all notebooks in the smoke profile
	$(PY) -m pytest -q

test-fast: $(READY)  ## the quick unit tests: two to four minutes
	$(PY) -m pytest -q -o addopts= -m "not slow" --ignore=tests/browser tests

test-browser: $(VENV)/.browser  ## the widgets in JupyterLab and the page in Chromium; screenshots go to output/browser/
	@for name in $(CHROMIUMS); do command -v "$$name" >/dev/null && exit; done; \
		echo "Chromium is missing: apt-get install chromium, or say where it is with AGNEWS_CHROMIUM=/path/to/it"; exit 1
	$(PY) -m pytest -q -o addopts= tests/browser

lint: $(READY)  ## ruff, its formatter, and types of the core
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

study: $(READY)  ## compute every missing run without a notebook (AGNEWS_PROFILE=full for the report's settings)
	$(PY) -m agnews_utils.commands.make_study $(if $(WORKERS),--workers $(WORKERS))

bench: $(READY)  ## the speed budgets, then every classifier, each measured side by side
	@$(PY) -m agnews_utils.commands.bench; met=$$?; [ $$met -ne 130 ] || exit 130; \
		$(PY) -m agnews_utils.commands.bench_students && exit $$met

lab: $(READY)  ## open the notebooks
	$(PY) -m jupyterlab notebooks

publish: $(READY)  ## maintainers: copy a finished run on AG News to notebooks/, figures/, data/results/ and the README
	$(PY) -m agnews_utils.commands.publish

page: $(READY)  ## the numbers, figures and students of the page in docs/, from the committed files
	$(PY) -m agnews_utils.commands.page

site: $(VENV)/.site  ## the rendered course and the page, as a static site in output/site; executes nothing
	$(PY) -m agnews_utils.commands.site

clean:  ## forget everything that runs made here; the environment stays
	rm -rf output data/cache data/runs

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed; say which with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.browser: $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[browser]"
	@touch $@

$(VENV)/.site: $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[site]"
	@touch $@

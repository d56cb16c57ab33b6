# A few words run everything. The only needs are make and Python 3.11 (or uv).

export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export BENTOML_DO_NOT_TRACK := True
export NO_ALBUMENTATIONS_UPDATE := 1
export PREFECT_HOME := $(CURDIR)/.segwise/prefect
export BENTOML_HOME := $(CURDIR)/.segwise/bentoml
export PATH := $(CURDIR)/.venv/bin:$(PATH)

PY := .venv/bin/python
STAMP := .venv/.segwise-installed

.PHONY: help setup data run ingest repro serve schedule test check format lock clean

help:            ## say what each word does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(STAMP)  ## create .venv from the hashed lock (once)

$(STAMP): requirements.lock pyproject.toml .ci/setup
	@bash .ci/setup
	@touch $@

data: setup      ## fetch the data from the remote in this repository, if it is not there
	@if [ ! -d data ] || [ -e .segwise/pulling ]; then \
		trap 'exit 130' INT TERM; mkdir -p .segwise && touch .segwise/pulling; \
		$(PY) -m dvc pull -q --force data; code=$$?; rm -f .segwise/pulling; exit $$code; fi

run: data        ## the main job: data to gated, packaged, promoted model and its report
	@$(PY) -m flows.pipeline

ingest: data     ## a new delivery: import SOURCE=path as one data revision, push it, then the main job over it
	@$(PY) -m flows.ingest "$(SOURCE)" $(OPTIONS)

repro: data      ## the same stages without Prefect, without promoting
	@$(PY) -m segwise.cli doctor --locks
	@$(PY) -m segwise.cli integrity
	@$(PY) -m dvc repro

serve: setup     ## serve the champion on 127.0.0.1:3000
	@$(PY) -m segwise.cli serve

schedule: data   ## a local Prefect server and the pipeline on its schedule (page: 127.0.0.1:4200); CRON="0 2 * * *" says when
	@$(PY) -m flows.deployments $(if $(CRON),--cron "$(CRON)")

test: data       ## the tests; lint, types and import arrows are among them
	@$(PY) -m pytest -q

check: test      ## the same

format: setup    ## format the code
	@$(PY) -m ruff check --fix-only .
	@$(PY) -m ruff format .

lock: setup      ## resolve pyproject.toml again into requirements.lock
	@.venv/bin/uv pip compile pyproject.toml --extra dev --generate-hashes --no-annotate --no-header \
		--python-version 3.11 --upgrade -o requirements.lock

clean:           ## remove what the stages made (data, champion and environment stay)
	@rm -rf work .dvc/tmp

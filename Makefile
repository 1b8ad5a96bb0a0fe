# `make help` lists what there is; every target makes what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env demo study study-material study-choices study-record study-restore study-recount report test \
  test-unit test-workflow test-fairseq test-slurm test-gpu fuzz test-browser test-wheel test-study lint \
  lint-code lint-layout lint-rules lint-types lint-rooms lint-side-by-side format bench bench-gpu clean

# uv is taken from the PATH, else fetched into .uv/.
UV := $(shell command -v uv || echo .uv/bin/uv)
BIN := .venv/bin
CORES ?= all
CONFIGFILE ?= demo/config.yaml

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

env: .venv/.ready ## uv and the locked environment, in .venv

.uv/bin/uv:
	python3 envs/get_uv.py .uv

# Byte code is compiled once: hundreds of processes import torch, and compiling doubles that.
.venv/.ready: pyproject.toml uv.lock | $(filter .uv/bin/uv,$(UV))
	@$(UV) run --quiet --no-project envs/install.py $(UV)
	@touch $@

demo: env ## the whole experiment on toy corpora: Table 1 and Figure 2 in minutes
	$(BIN)/snakemake --configfile demo/config.yaml --cores $(CORES) --logger sdd -- all

# The question on real speech (docs/study-plan.md). Each part goes on where it was stopped.
STUDY ?= full
STUDY_FILES_full := study/config.yaml study/controls.yaml
STUDY_FILES_small := study/config.yaml study/small.yaml
STUDY_FILES_tiny := study/config.yaml study/tiny.yaml
STUDY_TAKES_full := some 4 to 6 hours of two cores and 2 GB of disk
STUDY_TAKES_small := some 20 to 40 minutes of two cores and 1 GB of disk
STUDY_TAKES_tiny := some three minutes
RUN_STUDY = $(BIN)/snakemake --configfile $(STUDY_FILES_$(STUDY)) --cores $(CORES) --rerun-incomplete

study-material: env ## its corpora, and whether trivial features tell real from fake
	@[ -n "$(STUDY_FILES_$(STUDY))" ] || { echo "STUDY=$(STUDY) is none of full, small, tiny"; exit 2; }
	@echo "The study on real speech takes $(STUDY_TAKES_$(STUDY)), the material included."
	@echo "Stop it at any time (Ctrl-C); the same command goes on. After a kill: snakemake --unlock."
	@$(UV) sync --quiet --frozen --all-extras --compile-bytecode --group study
	$(RUN_STUDY) --quiet all -- plan
	$(RUN_STUDY) --logger sdd -- shortcuts segments

study-choices: study-material ## and the settings chosen on validation data: no test set is scored
	$(RUN_STUDY) --logger sdd -- tune

# The second recipe has the main rows alone, which are those of the first file.
define ALL_OF_STUDY
$(RUN_STUDY) --logger sdd -- all
[ $(STUDY) != full ] || $(BIN)/snakemake --configfile study/config.yaml --config recipe=as_released \
  --cores $(CORES) --rerun-incomplete --logger sdd -- all
$(RUN_STUDY) --logger sdd -- report
endef

study: study-choices ## the question on real speech, STUDY=full (hours), small (20 minutes) or tiny
	$(ALL_OF_STUDY)

# On another machine: make study-material study-restore study.
study-record: env ## put what the study has reached into study/record, without audio
	$(RUN_STUDY) --nolock --quiet all -- keep_record

study-restore: env ## put study/record back into results, for what it lacks alone to be made
	$(RUN_STUDY) --quiet all -- restore_record

study-recount: study-restore ## tables, figures and report of study/record: minutes, and no audio
	$(ALL_OF_STUDY)

report: env ## one HTML page of all results: the demo's, or of CONFIGFILE=mine.yaml
	$(BIN)/snakemake --configfile $(CONFIGFILE) --cores $(CORES) --logger sdd -- report

# A part that fails does not keep the others from running; what failed or was skipped ends the output.
test: env ## lint, types, unit and workflow tests (README, CI)
	@log=$$(mktemp); $(MAKE) --no-print-directory -k lint-side-by-side test-unit test-workflow 2>&1 | tee $$log; \
	  status=$${PIPESTATUS[0]}; echo; \
	  grep -E '^SKIPPED ' $$log | sort -u | sed 's/^SKIPPED/skipped/'; \
	  if [ $$status = 0 ]; then echo 'All parts passed.'; \
	  else echo 'Failed:'; \
	    grep -E '^(FAILED|ERROR) |^make.* \*\*\* .*(lint|test)' $$log | sort -u | sed 's/^/  /'; fi; \
	  rm -f $$log; exit $$status

# The same examples in every run; by hand (pytest tests/unit) others each time, with their seed.
REPEATABLE := --hypothesis-profile repeatable

test-unit: env
	$(BIN)/pytest $(REPEATABLE) -n auto tests/unit tests/fuzz

test-workflow: env
	$(BIN)/pytest $(REPEATABLE) -n 2 --dist worksteal tests/workflow

test-fairseq: env ## ours against real fairseq, which is built once (needs a C++ compiler)
	PATH="$$PATH:$(CURDIR)/.uv/bin" $(BIN)/pytest tests/fairseq

test-slurm: env ## the workflow through a real Slurm on this Debian machine, and its faults (root)
	$(BIN)/pytest tests/slurm

PAGES ?=
test-browser: env ## all kinds of pages in a headless Chromium, and those below PAGES=results/demo
	PAGES=$(PAGES) $(BIN)/pytest tests/browser

test-study: env ## the study on real speech at its smallest, by the real engines (300 MB of downloads)
	@$(UV) sync --quiet --frozen --all-extras --compile-bytecode --group study
	$(BIN)/pytest tests/study

AUDIO ?=
test-wheel: env ## a wheel in an empty environment scores as the checkout does, AUDIO=folder too
	AUDIO=$(AUDIO) PATH="$$PATH:$(CURDIR)/.uv/bin" $(BIN)/pytest tests/wheel

test-gpu: env ## what needs a CUDA GPU
	$(BIN)/pytest tests/gpu

MINUTES ?= 60
FUZZERS ?= 2
fuzz: env ## files changed at random, for MINUTES=60 in FUZZERS=2 processes; findings in .fuzz
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) --workers $(FUZZERS)

lint: lint-code lint-layout lint-rules lint-types lint-rooms ## ruff, snakefmt, mypy, imports

lint-side-by-side: env
	@$(MAKE) --no-print-directory -k -j 2 --output-sync=target lint

lint-code: env
	$(BIN)/ruff check .

lint-layout: env
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow

lint-rules: env
	$(BIN)/snakemake --lint

lint-types: env
	$(BIN)/mypy src

lint-rooms: env
	$(BIN)/lint-imports --no-logo --no-cache

format: env ## put code and rules into the house's layout
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# Goes on where it was stopped, and is asked for by name.
TAKES_HOURS := benchmarks/scoring_precision.py

bench: env ## benchmarks: ratios measured side by side in one run
	@for benchmark in $(filter-out $(TAKES_HOURS),$(shell grep -l __main__ benchmarks/*.py)); do \
	  if grep -q '^# /// script' $$benchmark; then run="$(UV) run --script"; \
	  else run=$(BIN)/python; fi; \
	  $$run $$benchmark || exit 1; done; \
	  echo "Left out, since it takes hours: $(BIN)/python $(TAKES_HOURS)"

bench-gpu: env ## what a GPU should be asked, in eight minutes; results/bench-gpu.jsonl
	$(BIN)/python benchmarks/gpu.py

clean: ## remove results, the environment and caches (not the data, not the downloads)
	rm -rf results/*/ dist .snakemake .venv .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis

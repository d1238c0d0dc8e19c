# The commands of this project. `make` lists them; each works in a fresh checkout.

PYTHON ?= python3
CORES ?= all
STUDY ?= config/config.yaml
TIMES ?= 1
STUDIES ?= 2000
WORKERS ?= auto
GANBENCH = PYTHONPATH=workflow/scripts .venv/bin/python -m ganbench
NO_STUDY = $(error STUDY=$(STUDY) is no study that can be used. Correct it, or name a folder of results: RESULTS=results/my_study)
RESULTS ?= results/$(or $(shell .venv/bin/python workflow/schemas/check_study.py "$(STUDY)"),$(NO_STUDY))
MARGIN ?=
TORCH ?=
RUN ?=
TO ?= generator
BUNDLE ?=
PLUGINS ?=
USING = $(if $(PLUGINS), --plugins $(PLUGINS))

# Snakemake starts a rule's script by the interpreter's path, unquoted.
ifneq ($(words $(CURDIR)),1)
$(error Snakemake cannot run from a folder whose path has spaces; move this checkout)
endif

# Snakemake keeps a cache in the home folder, and ends with a traceback where there is none.
ifeq ($(HOME),)
export HOME := $(CURDIR)/.snakemake/home
endif

.PHONY: help reproduce check watch plan-seeds generator bundle test test-gpu test-slurm stress verify simulate benchmark benchmark-gpu lint generated rulers lock

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 20

reproduce: .venv/.installed ## run a study (STUDY=config/config.yaml) and print its verdict
	@test -f "$(STUDY)" || { echo "STUDY: there is no file $(STUDY); the studies in config/ are:" config/*.yaml; exit 1; }
	@.venv/bin/python workflow/schemas/check_study.py "$(STUDY)" >/dev/null
	.venv/bin/python -m snakemake --cores $(CORES) --configfile "$(STUDY)"

check: .venv/.installed ## what a study (STUDY=config/config.yaml) would run, where and how long; runs nothing
	@$(GANBENCH) check "$(STUDY)"

watch: .venv/.installed ## the runs of a study while they train (STUDY=, RESULTS=results/my_study), from another terminal
	@$(GANBENCH) watch "$(RESULTS)"

plan-seeds: .venv/.installed ## how many seeds each comparison of a finished study needs (STUDY=, RESULTS=results/my_study, MARGIN=10%)
	@$(GANBENCH) plan-seeds "$(RESULTS)" $(if $(MARGIN),--margin "$(MARGIN)")$(USING)

generator: .venv/.installed ## keep a run's generator: RUN=results/…/seed0 TO=folder; safetensors and a model card
	@test -n "$(RUN)" || { echo "RUN: name the folder of a run, such as RUN=results/my_study/runs/digits/minimax/seed0"; exit 1; }
	@$(GANBENCH) export "$(RUN)" "$(TO)"$(USING)

bundle: .venv/.installed ## a finished study as one archive that can be verified (STUDY=, RESULTS=results/my_study)
	@$(GANBENCH) bundle "$(RESULTS)"$(USING)

test: .venv/.installed ## run all tests
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-gpu: .venv/.installed ## run the tests that need a GPU
	.venv/bin/python -m pytest -m cuda

test-slurm: .venv/.installed ## run a study on a Slurm that the test starts; needs root and Debian's slurm-wlm, slurm-client, munge
	.venv/bin/python -m pytest -m slurm

stress: .venv/.installed ## run every test that holds a promise of docs/reliability.md, TIMES=1 times; needs root
	.venv/bin/python tests/promises.py --times $(TIMES)

verify: .venv/.installed ## repeat two runs on each dataset of the default study as published, and compare; or check an archive, BUNDLE=my_study.zip
	@$(GANBENCH) verify $(if $(BUNDLE),"$(BUNDLE)") --cores $(CORES)

simulate: .venv/.installed ## measure how often verdicts are wrong, for docs/statistics.md (STUDIES=2000 a number)
	OMP_NUM_THREADS=1 .venv/bin/python benchmarks/simulate.py --studies $(STUDIES) --write

benchmark: .venv/.installed ## measure the speed of this machine; tables in benchmarks/results
	@for name in plan job_start report_time overhead checkpoints train_speed score_run; do .venv/bin/python benchmarks/$$name.py || exit 1; done

benchmark-gpu: .venv/.installed ## measure one NVIDIA GPU, at most eight minutes; benchmarks/results/gpu.csv
	.venv/bin/python benchmarks/gpu.py

lint: .venv/.installed ## check style, the workflow, and that generated files are up to date
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m snakefmt --check Snakefile workflow/Snakefile workflow/rules
	.venv/bin/python -m snakemake --lint
	.venv/bin/python workflow/schemas/table.py --check
	.venv/bin/python envs/from_lock.py --check

generated: .venv/.installed ## make the table in config/README.md and envs/*.yaml again
	.venv/bin/python workflow/schemas/table.py
	.venv/bin/python envs/from_lock.py

rulers: .venv/.installed ## train the shipped classifiers anew; on another machine they end in other weights
	.venv/bin/python workflow/rulers/make.py

lock: .venv/.installed ## resolve the dependencies of pyproject.toml again; needs the package index
	PATH="$$PATH:.venv/bin" uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet -o envs/requirements.lock
	$(MAKE) --no-print-directory generated

.venv/.installed: envs/requirements.lock envs/install.py
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) found: install Python 3.11 or later."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed; $(PYTHON) is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0])'
	@echo "Making .venv from envs/requirements.lock: about 6 GB, half a minute to three minutes, once."
	@$(PYTHON) envs/install.py .venv $(TORCH)
	@touch .venv/.installed

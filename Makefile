# One command per duty. `make` alone lists them.
#
#   CORES=4      cores that `demo` and `run` may use (all of the machine's when not given)
#   ARGS='…'     further arguments for the command behind the target, e.g. ARGS=--dry-run
#   PYTHON=…     the Python (3.11 to 3.13) to build .venv with
#   UV=          install with pip although there is a uv
#
# Every target sets .venv up first if it needs to (tools/env.sh). Only relative paths are used, so
# the folder's own path may hold spaces.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:

CORES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || echo 1)
ARGS ?=

WORKFLOW := sh tools/env.sh workflow
DEV := sh tools/env.sh dev
DOCS := sh tools/env.sh docs

.PHONY: help setup demo run test test-fast test-all coverage bench lint types format docs dag mirror lock sbom clean

help: ## list these commands
	@echo 'pathcall: from a public GEO RNA-seq study to pathway calls with their evidence'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-17s %s\n", $$1, $$2 }'
	@echo
	@sed -n 's/^#   \([A-Z]*=.*\)/  \1/p' Makefile

setup: ## set up .venv only
	@$(WORKFLOW) true

demo: ## run the embedded study, offline: results/GSE52778/report.html
	@$(WORKFLOW) snakemake --configfile config/demo.yaml --cores $(CORES) $(ARGS)

run: ## run the default study: results/GSE64741/report.html
	@$(WORKFLOW) snakemake --cores $(CORES) $(ARGS)

test: ## run the tests
	@$(DEV) pytest $(ARGS)

test-fast: ## run those that take no more than a few seconds each
	@$(DEV) pytest -m 'not slow and not rare' $(ARGS)

test-all: ## run all tests, those that take minutes too
	@$(DEV) pytest -m 'not internet' $(ARGS)

coverage: ## branch coverage of src/pathcall by make test's tests, jobs of the workflow included
	@$(DEV) coverage erase
	@$(DEV) coverage run -m pytest $(ARGS)
	@$(DEV) coverage combine --quiet
	@$(DEV) coverage report

bench: ## run the benchmarks: prints ratios, writes benchmarks/results/*.json
	@$(DEV) python -m benchmarks $(ARGS)

lint: types ## check format, style, types and the workflow; changes nothing
	@$(DEV) ruff format --check .
	@$(DEV) snakefmt --check Snakefile workflow
	@$(DEV) ruff check .
	@$(DEV) snakemake --lint
	@$(DEV) hadolint Containerfile

types: ## check the types
	@$(DEV) mypy

format: ## format the sources
	@$(DEV) ruff format .
	@$(DEV) ruff check --fix --quiet .
	@$(DEV) snakefmt Snakefile workflow

docs: ## write what is generated of the documentation, and the site: site/index.html
	@$(DOCS) python tools/generate_docs.py
	@$(DOCS) env NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

dag: ## draw docs/dag.svg from the workflow's rules
	@$(DEV) python tools/draw_dag.py

mirror: ## pack the downloads of a study (ARGS="--configfile FILE") for machines without network
	@$(WORKFLOW) snakemake --cores $(CORES) pack_mirror $(ARGS)

lock: ## resolve the locks again (ARGS=--upgrade for newer versions); needs uv
	@sh tools/lock.sh $(ARGS)

sbom: ## write what the workflow installs, with licences and hashes: docs/sbom.cdx.json (CycloneDX)
	@$(DEV) python tools/sbom.py

clean: ## remove .venv and caches; results/ and downloads stay
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

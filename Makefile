# Commands of the project. `make demo` and `make test` need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SET ?= dev

# Whoever forbids bytecode in their shell would have each of some hundred processes compile anew.
export PYTHONDONTWRITEBYTECODE :=
export UV_LINK_MODE := copy
export UV_SYSTEM_CERTS := 1

MINUTES ?= 5

.PHONY: help install demo console test test-lambdas permissions bench witness prove soak soak-mutants model check checkov format synth \
	diff bootstrap deploy destroy bundles snapshot openapi samples lock clean

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

INTEROP := tests/interop/node_modules

install: $(VENV)/.$(SET) $(if $(filter dev,$(SET)),$(INTEROP)) ## Make .venv with everything a developer needs

# One extra is one stamp: the demonstration needs no CDK, so it does not wait for one.
$(VENV)/.%: pyproject.toml requirements.txt | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraints requirements.txt --editable '.[$*]'
	@touch $@

# The library that receivers in JavaScript use, by the Node.js that came from PyPI.
$(INTEROP): tests/interop/package-lock.json $(VENV)/.dev
	$(BIN)/python -m tests.interop.node ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.13 …"; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "this Python has no venv; on Debian: apt install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.txt)"

demo: ## Show the main job, on this machine alone; with KEEP=yes, then the pages of what is there
	@$(MAKE) --no-print-directory install SET=local
	@$(BIN)/python -m local demo $(if $(KEEP),--keep)

console: ## Show the operator's pages over sample subscribers, on this machine alone
	@$(MAKE) --no-print-directory install SET=local
	@$(BIN)/python -m local console

test: install ## Run every test
	$(BIN)/python -m pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder

LAMBDAS := $(VENV)/lambdas

# It fails by a test alone: a machine without that Python, or with half of one, has tested on its own.
test-lambdas: install ## Run unit tests and the simulation on the functions' Python, where there is one
	@python="$$($(BIN)/python -c 'from infra.bundle import lambdas_python; print(lambdas_python() or "")')"; \
	if [ "$$python" = "$$($(BIN)/python -c 'import sys; print(sys.executable)')" ]; then \
		echo "\`make test\` runs on the functions' Python"; \
	elif [ -n "$$python" ] && "$$python" -c 'import ctypes, lzma, sqlite3, ssl, venv, zoneinfo' \
		&& $(BIN)/uv venv --quiet --allow-existing --python "$$python" $(LAMBDAS) \
		&& $(BIN)/uv pip install --quiet --python $(LAMBDAS)/bin/python --constraints requirements.txt \
			--editable '.[dev]'; \
	then \
		$(LAMBDAS)/bin/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder \
			tests/unit tests/simulation; \
	else \
		echo "not tested on the functions' Python, of which there is none here that is whole"; \
	fi

permissions: install ## Compare roles with what functions are seen to ask, in all end-to-end tests
	$(BIN)/python -m pytest tests/e2e

bench: install ## Measure, beside references of the same run; write bench/results and the picture
	$(BIN)/python -m bench

WITNESS := .venv-witness

witness: install ## Compare with others' SQS, DynamoDB and EventBridge; deploy to a cloud of theirs
	$(BIN)/python -m tests.witness

prove: install ## Play all histories of small worlds; 25 minutes, or WORLD='two lanes'
	$(BIN)/python -m tests.simulation.prove $(if $(WORLD),--world '$(WORLD)')

soak: install ## Play histories with faults for MINUTES=5, and fuzz what strangers write, a minute each
	$(BIN)/python -m tests.simulation --minutes $(MINUTES)
	$(BIN)/python -m tests.fuzz

model: install ## Search every state of the model of lanes, with spin (Debian: apt install spin gcc)
	$(BIN)/python -m tests.model

soak-mutants: install ## Take out one guard after another: the simulation must notice each
	$(BIN)/python -m tests.simulation.mutants

check: install ## Format, lint, types, security, spelling, directions of import, the blueprint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet -ll --recursive lakehook functions local infra
	$(BIN)/uv pip check --quiet --python $(BIN)/python
	$(BIN)/codespell
	$(BIN)/lint-imports
	env $$($(BIN)/python -m infra.node) $(BIN)/python -m infra.lint

CHECKOV := .venv-checkov

# Its pins are too many to live with.
checkov: install ## The rules of one more judge, on the template of production
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(CHECKOV)
	$(BIN)/uv pip sync --quiet --python $(CHECKOV)/bin/python infra/checkov.txt
	$(BIN)/python -m infra.checkov $(CHECKOV)/bin/checkov

format: install ## Format all code, and fix what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

STAGE ?= production
CDK = $(BIN)/python -m infra.cdk
# Feature flags and choices come from cdk.json and stages.toml, the same for all of them.
OF_STAGE = --context stage=$(STAGE) $(WITH)

synth: install ## Write the CloudFormation template of STAGE to cdk.out
	$(CDK) synth --quiet $(OF_STAGE)

diff: install ## Show what a deployment of STAGE would change
	$(CDK) diff $(OF_STAGE)

bootstrap: install ## Prepare the AWS account of your credentials for the CDK, once
	$(CDK) bootstrap $(OF_STAGE)

deploy: install ## Deploy STAGE=production, WITH='--parameters …', to the AWS account of your credentials
	$(CDK) deploy $(OF_STAGE)

destroy: install ## Delete STAGE; production refuses
	$(CDK) destroy $(OF_STAGE)

bundles: install ## Make what ships with each function, and say what it weighs
	rm -rf cdk.out/bundles
	$(BIN)/python -m infra.bundle cdk.out/bundles

snapshot: install ## Renew the template that furnishes the laptop
	$(BIN)/python -m infra.local_template

openapi: install ## Renew the description of the HTTP API
	$(BIN)/python -m functions.api.openapi > docs/openapi.json

samples: install ## Renew the sample deliveries for receivers' tests
	$(BIN)/python -m local.sample_deliveries docs/examples/deliveries

lock: install ## Renew the pins in requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
		--no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.txt

clean: ## Remove what was made here
	rm -rf $(VENV) $(WITNESS) $(CHECKOV) $(INTEROP) cdk.out .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

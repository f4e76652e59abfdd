# Everything from a fresh clone: `make run` starts the bot, `make test` runs what CI runs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE  # each process of the tests would compile all anew
.PHONY: help run many test test-all lint bench constraints

VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PYTHON := $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14); print(sys.executable)' 2>/dev/null)))
comma := ,
USED := train,playground,film,hum
PYTEST := $(BIN)/pytest -n 3 --dist worksteal  # one more than the cores have: a third of the time is waiting

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

run: $(VENV)/.run  ## start the bot: on Discord with DISCORD_TOKEN, as a playground without
	@$(BIN)/python -m core.model.compiled
	@exec $(BIN)/python -m bot

many: $(VENV)/.many  ## start the bot as several processes over a PostgreSQL of its own
	@exec $(BIN)/python -m bot.many

test: lint  ## run what CI runs
	@$(BIN)/python -m core.model.compiled
	@$(PYTEST) -m 'not slow'

test-all: lint  ## run the slow tests too
	@$(BIN)/python -m core.model.compiled
	@$(PYTEST)

lint: $(VENV)/.test  ## check style, types and the order of imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports

bench: $(VENV)/.bench  ## measure each claim of speed, both sides in one run
	@$(BIN)/python -m core.model.compiled
	@$(BIN)/python -m bench

constraints: $(VENV)/.test  ## pin the newest versions
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --all-extras --universal --python-version 3.11 \
		--strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-find-links -o constraints.txt

$(VENV)/.run: pyproject.toml constraints.txt
	@$(call install,$(USED),fluidsynth fluid-soundfont-gm)
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt
	@$(call install,$(USED)$(comma)test,fluidsynth fluid-soundfont-gm timgm6mb-soundfont chromium chromium-driver espeak-ng abcmidi postgresql gcc libc6-dev)
	@touch $@ $(VENV)/.run

$(VENV)/.many: $(VENV)/.run
	@$(call install,$(USED)$(comma)many,postgresql)
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(call install,$(USED)$(comma)test$(comma)bench,)
	@touch $@

# install EXTRAS,DEBIAN PACKAGES: what Debian has to give, the virtual environment, and what pyproject.toml names.
define install
	if [ -z "$(PYTHON)" ]; then echo "Cadenza needs Python 3.11, 3.12 or 3.13: install one, with its venv module."; exit 1; fi; \
	missing=; for package in $(2); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	echo "Step 1 of 3: programs of the system:$${missing:- all there}"; \
	if [ -n "$$missing" ]; then \
		if command -v apt-get >/dev/null; then \
			$(SUDO) apt-get update -qq; \
			$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		elif ! command -v fluidsynth >/dev/null; then \
			echo "Please install FluidSynth and a General MIDI soundfont first (brew install fluid-synth; soundfonts/README.md)."; exit 1; \
		fi; \
	fi; \
	echo "Step 2 of 3: a virtual environment in $(VENV)"; \
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); \
	echo "Step 3 of 3: the Python packages, TensorFlow among them, which takes about two minutes"; \
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[$(1)]' | $(progress)
endef

# Show in one line what pip is doing.
progress = while read -r what name rest; do case "$$what $$name" in \
	Collecting*) printf '\r\033[K  %s' "$$name" ;; \
	"Installing collected") printf '\r\033[K  installing all of them' ;; \
	esac; done; printf '\r\033[K'

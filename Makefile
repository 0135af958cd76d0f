# The project's habits. `make demo` and `make test` need nothing but Python 3.11 or newer; they set up the rest.
PYTHON ?= python3
BIN := .venv/bin
COMPOSIO_CORE := .venv-composio-core
COMPOSIO_OLDER := .venv-composio-older
COMPOSIO_GEMINI := .venv-composio-gemini
RAY := .venv-ray
WHEEL := .venv-wheel
BENCH := .venv-bench
SITE := .venv-site
# `make test` has it done before; as a prerequisite, it would let everything else begin before the longest.
SYSTEM := system
# Where make can, it shows the output of each target as a whole.
TOGETHER := --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help action schemas demo test lint unit frameworks load faults system wheel composio-core composio-clients ray fix snapshots types screenshots \
	cassettes docs site drift bench bench-check bench-ledger ledger-queries clean

help:
	@echo "make demo        walk through the actions against the bundled sandbox"
	@echo "make test        everything: lint, types, tests, the built wheel, the other environments"
	@echo "make lint        ruff, mypy, import-linter, plain words"
	@echo "make unit        the tests alone, without those of the agent frameworks"
	@echo "make frameworks  the tests of the agent frameworks"
	@echo "make ray         the tests of bulk runs on Ray (two minutes)"
	@echo "make load        the tests of load in full, one at a time (minutes)"
	@echo "make faults      the tests of kills, full disks and lost connections in full (minutes)"
	@echo "make fix         format, and fix what ruff can fix"
	@echo "make snapshots   refresh what models see (tests/snapshots)"
	@echo "make types       refresh the types of the actions and their arguments (action_types.py)"
	@echo "make action      begin an action: make action SLUG=OPENROUTER_LIST_THINGS REQUEST='GET /things' (or HANDLER=module:function)"
	@echo "make schemas     refresh the schemas of the further toolsets from an OpenAPI file of OpenRouter's: make schemas SPEC=openapi.yaml"
	@echo "make docs        refresh the generated blocks of README.md and docs"
	@echo "make site        build the documentation as a site, in site/"
	@echo "make drift       compare schemas with an OpenAPI file of OpenRouter's: make drift SPEC=openapi.yaml"
	@echo "make screenshots refresh the pictures that the documentation shows (docs/images)"
	@echo "make bench       measure the toolkit beside other libraries, and write docs/performance.md (minutes)"
	@echo "make bench-check measure the toolkit alone against its targets"
	@echo "make bench-ledger    measure what the ledger adds to a call (four minutes)"
	@echo "make ledger-queries  measure the ledger's queries with many calls: make ledger-queries CALLS=10000000"
	@echo "make cassettes   record the cassettes anew from the sandbox; with LIVE=1 and OPENROUTER_API_KEY, live"

demo: .venv/.runtime
	@$(BIN)/openrouter-toolkit demo

# The tests take longest, so everything else runs beside them, one after the other.
test: .venv/.development system
	@$(MAKE) $(TOGETHER) SYSTEM= unit lint frameworks composio-core wheel bench-check

lint: .venv/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/plain_words.py

# The agent frameworks take long to import, so their tests have a process of their own.
unit: .venv/.development $(SYSTEM)
	$(BIN)/python -m pytest -n 3 --dist worksteal --ignore tests/agents $(ARGS)

frameworks: .venv/.development $(SYSTEM)
	$(BIN)/python -m pytest tests/agents $(ARGS)

# The tests with these markers in full; `make test` runs the same tests scaled to seconds (tests/scale.py).
faults load: .venv/.development system
	OPENROUTER_TOOLKIT_FULL=1 $(BIN)/python -m pytest -m $@ --timeout 1800 $(ARGS)

load: export OPENROUTER_TOOLKIT_FULL := 1
load: composio-clients ray site

# PostgreSQL, Chromium, npm, nginx and Caddy, for the tests that want them.
system:
	@sh tests/debian_packages.sh

# The built wheel alone, in an environment that has never seen the source.
wheel: .venv/.development
	rm -rf dist $(WHEEL)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	PYTHON="$(PYTHON)" sh tests/environment.sh $(WHEEL) dist/*.whl
	$(WHEEL)/bin/python -m pip check --disable-pip-version-check
	OPENROUTER_TOOLKIT_WHEEL=$(CURDIR)/$(WHEEL)/bin $(BIN)/python -m pytest -q tests/wheel/test_wheel.py
	PYTHON="$(PYTHON)" sh tests/environment.sh $(WHEEL) "$$(ls $(CURDIR)/dist/*.whl)[server]"
	OPENROUTER_TOOLKIT_WHEEL_SERVER=$(CURDIR)/$(WHEEL)/bin $(BIN)/python -m pytest -q tests/wheel/test_server_extra.py

# composio-core and its successor own the same import package, so they can't share an environment.
composio-core: $(COMPOSIO_CORE)/.installed
	$(COMPOSIO_CORE)/bin/python -m pytest -q --confcutdir=tests/composio_core tests/composio_core

# Clients and providers of Composio's that can't be installed beside the others, against the server.
composio-clients: $(COMPOSIO_OLDER)/.installed $(COMPOSIO_GEMINI)/.installed
	$(COMPOSIO_OLDER)/bin/python -m pytest -q --confcutdir=tests/composio_clients tests/composio_clients/older
	$(COMPOSIO_GEMINI)/bin/python -m pytest -q --confcutdir=tests/composio_clients tests/composio_clients/gemini

# Bulk runs on a local Ray of two workers. It listens on more than loopback, so it has a network of its own.
ray: $(RAY)/.installed
	unshare --user --map-root-user --net sh -c 'ip link set lo up && exec "$$@"' sh \
		$(RAY)/bin/python -m pytest -q -W default --confcutdir=tests/bulk_on_ray tests/bulk_on_ray $(ARGS)

fix: .venv/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snapshots: .venv/.development
	UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/test_formats.py -k snapshot

types: .venv/.development
	$(BIN)/python -m tests.schemas.action_types

docs: .venv/.development
	UPDATE_DOCS=1 $(BIN)/python -m pytest -q tests/docs

# A new action: its schema, its rows in the manifest and in the sandbox; with a handler, the function and a test.
action: .venv/.development
	@$(BIN)/python -m tests.schemas.scaffold --slug "$(SLUG)" --request "$(REQUEST)" --handler "$(HANDLER)"

# What OpenRouter's OpenAPI file says of the actions of the further toolsets; what was written by hand stays.
schemas: .venv/.development
	@$(BIN)/python -m tests.schemas.made "$(SPEC)"

# Broken links and anchors, and what a page would load from elsewhere, are errors.
site: $(SITE)/.installed
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet --config-file .mkdocs/mkdocs.yml

# Which parameters, ranges, statuses and answers the API has changed; nothing of the file is kept.
drift: .venv/.development
	@$(BIN)/python -m tests.schemas.drift "$(SPEC)"

screenshots: .venv/.development system
	OPENROUTER_TOOLKIT_FULL=1 UPDATE_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/browser/test_looks.py

cassettes: .venv/.development
	OPENROUTER_CASSETTES=$(if $(LIVE),live,record) $(BIN)/python -m pytest -q tests/cassettes $(ARGS)

bench: $(BENCH)/.installed system
	PYTHONPATH=. $(BIN)/python benchmarks/report.py $(BENCH) $(ARGS)

# The toolkit alone against its targets, in a minute.
bench-check: .venv/.development
	$(BIN)/python benchmarks/library.py

# What the ledger adds to a call, on SQLite and on PostgreSQL.
bench-ledger: .venv/.development system
	$(BIN)/python benchmarks/ledger.py $(ARGS)

# How long each query of the ledger takes with many calls, on SQLite: make ledger-queries CALLS=10000000
ledger-queries: .venv/.development
	$(BIN)/python -m tests.ledger.measured $(or $(CALLS),1000000) $(ARGS)

clean:
	rm -rf .venv $(COMPOSIO_CORE) $(COMPOSIO_OLDER) $(COMPOSIO_GEMINI) $(RAY) $(WHEEL) $(BENCH) $(SITE) dist build site .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Each environment is made once, and again when what it needs has changed.
ENVIRONMENT = @echo "Setting up $(@D) (once) ..." && PYTHON="$(PYTHON)" sh tests/environment.sh $(@D)

.venv/.runtime: pyproject.toml
	$(ENVIRONMENT) --editable .
	@touch $@

.venv/.development: .venv/.runtime
	$(ENVIRONMENT) --editable . --group test --group lint
	@touch $@

$(COMPOSIO_CORE)/.installed: .venv/.runtime
	$(ENVIRONMENT) --editable '.[composio-core]' --group test-composio-core
	@touch $@

# The contenders, each with what it wants of others.
$(BENCH)/.installed: .venv/.development
	$(ENVIRONMENT) --editable . --group bench
	PYTHON="$(PYTHON)" sh tests/environment.sh $(BENCH)/openai openai
	PYTHON="$(PYTHON)" sh tests/environment.sh $(BENCH)/litellm 'litellm[proxy]==1.108.7'
	PYTHON="$(PYTHON)" sh tests/environment.sh $(BENCH)/openrouter openrouter
	PYTHON="$(PYTHON)" sh tests/environment.sh $(BENCH)/langchain langchain-openrouter
	@touch $@

# The package on npm lets the search run in pages that are opened from a folder.
$(SITE)/.installed: .venv/.runtime
	$(ENVIRONMENT) --editable . --group site
	npm install --silent --no-save --prefix $(SITE) iframe-worker@1 || echo "Without npm, a site in a folder has no search."
	@touch $@

$(RAY)/.installed: .venv/.runtime
	$(ENVIRONMENT) --editable . --group test-ray
	@touch $@

$(COMPOSIO_OLDER)/.installed: .venv/.runtime
	$(ENVIRONMENT) --editable . --group test-composio-older
	@touch $@

$(COMPOSIO_GEMINI)/.installed: .venv/.runtime
	$(ENVIRONMENT) --editable . --group test-composio-gemini
	@touch $@

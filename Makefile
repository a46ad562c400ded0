# Everything a person types here. Needs Python 3.11+ and make; no Node, no PostgreSQL.
# PIP_CACHE_DIR, UV_CACHE_DIR and npm_config_cache are honoured from the environment.
PYTHON ?= python3
PREFIX ?= build/image
PY := .venv/bin/python
LOCK := .venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --python-version 3.11 --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: protocol help demo test test-flow test-screens test-units check bench-fill bench-paint bench-store bench-live ws-echo bench-indicators ui env env-dev truth soak-kill soak-trees soak-rebuild pictures lock wheel image clean

help:
	@echo "make demo      the whole product with a simulated province: a wall in seconds"
	@echo "make test      every test and every gate (about ten minutes)"
	@echo "make check     the gates alone: lint, types, rule of imports, front end"
	@echo "make soak-store   kills writer, sealer and server of the series store, 120 times; a full disk"
	@echo "make truth     compares every reading of the running demo with /truth of the simulators"
	@echo "make soak-kill kills every process at random, 200 times; nothing may be lost (ten minutes)"
	@echo "make soak-scopes  changes subscriptions and scopes 100,000 times; nothing foreign may be sent"
	@echo "make soak-live  cuts screens off 1,000 times and kills servers 10 times; all must show what is stored"
	@echo "make soak-faults  every named fault at the pace of life, the database away for ten minutes"
	@echo "make soak-trees   figures of 2022 to 2025 over both changes of the areas, against the truth"
	@echo "make soak-rebuild  20,000 random histories in random orders: what is judged piece by piece is what a rebuild judges"
	@echo "make bench-fill   how fast a simulated year is loaded, and what it costs"
	@echo "make bench-paint  from the feed's last byte, and from the commit, to painted pixels"
	@echo "make bench-indicators  yearly targets: false alarms, lead, forecast; speed of judging"
	@echo "make bench-live   the live channel beside its peers: CPU, memory, storms, slow links"
	@echo "make bench-store  the series store beside VictoriaMetrics, Prometheus and plain rows"
	@echo "make pictures  screenshots of the running demo into docs/pictures"

# Environment and page share nothing, so they are made side by side.
demo:
	@$(MAKE) --no-print-directory -j2 env ui
	@exec $(PY) -m app.cli demo

test:
	@$(MAKE) --no-print-directory -j2 env-dev ui
	@$(MAKE) --no-print-directory -j3 -k test-flow test-screens test-units && \
		echo "make test: everything passed"

# Three parts side by side. What fails is run once more and alone: many tests kill, stop and time
# real processes, and another program of the machine may stand in their way. Both outcomes are
# shown, and failing twice is failing.
PYTEST = $(PY) -m pytest -q --durations=5 -o cache_dir=.pytest_cache/$@
ONCE_MORE = echo "── once more, what failed ──"; $(PYTEST) --last-failed --last-failed-no-failures none
SHOWN_AT_ITS_END = >$$out 2>&1; status=$$?; cat $$out; rm -f $$out; exit $$status

test-flow:
	@out=$$(mktemp); { $(PYTEST) tests/flow || { $(ONCE_MORE) tests/flow; }; } $(SHOWN_AT_ITS_END)

test-screens: SCREENS = tests/docs tests/browser tests/architecture
test-screens:
	@out=$$(mktemp); { $(PYTEST) $(SCREENS) || { $(ONCE_MORE) $(SCREENS); }; } $(SHOWN_AT_ITS_END)

test-units:
	@$(PYTEST) tests/unit tests/contract || { $(ONCE_MORE) tests/unit tests/contract; }

check:
	@$(MAKE) --no-print-directory -j2 env-dev ui
	@$(PY) tests/architecture/gates.py

truth: env
	@$(PY) -m tests.truth

# KILLS and SEED may be given: make soak-store KILLS=400 SEED=766
.PHONY: soak-store
soak-store: env-dev
	@$(PY) -m tests.soak.store --kills $(or $(KILLS),120) $(if $(SEED),--seed $(SEED))

# KILLS and SEED may be given: make soak-kill KILLS=400 SEED=766
soak-kill: env-dev
	@$(PY) -m tests.soak.kill --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

# 100,000 changes of subscriptions and scopes over sockets; nothing foreign may be sent.
.PHONY: soak-scopes
soak-scopes: env-dev
	@SCOPE_CHANGES=100000 $(PY) -m pytest -q tests/unit/test_live_scope.py -k while_scopes

# The faults of `make test` at full length: limits of the sources' files at real speed (an hour and
# a quarter), the database away for ten minutes, a process stopped for thirty seconds.
.PHONY: soak-faults
soak-faults: env-dev
	@IOC_STOPPED_S=30 $(PY) -m pytest -q tests/unit/test_runner_schedule.py
	@IOC_AWAY_S=600 $(PY) -m pytest -q -s tests/flow/test_database_away.py
	@$(PY) -m pytest -q -s tests/flow/test_faults.py
	@IOC_FAULTS_SPEED=1 $(PY) -m pytest -q -s tests/flow/test_faults.py -k silent

# CUTS, KILLS, WORKERS and SEED may be given: make soak-live CUTS=100 KILLS=4
.PHONY: soak-live
soak-live: env-dev
	@$(PY) -m tests.soak.live --cuts $(or $(CUTS),1000) --kills $(or $(KILLS),10) \
		--workers $(or $(WORKERS),3) $(if $(SEED),--seed $(SEED))

# A world of 2022 to 2025; about ten minutes. SCALE and SEED may be given.
soak-trees: env-dev
	@$(PY) -m tests.soak.trees --scale $(or $(SCALE),0.02) --seed $(or $(SEED),1)

soak-rebuild: env-dev
	@IOC_HISTORIES=$(or $(HISTORIES),20000) $(PY) -m pytest -q tests/unit/test_rebuild.py

# A simulated year at scale 1: about ten minutes on two cores. bench-fill SCALE=0.05 for a look.
bench-fill: env ui
	@$(PY) -m benchmarks.fill --scale $(or $(SCALE),1)

bench-paint: env-dev ui
	@$(PY) -m benchmarks.paint_commit
	@$(PY) -m benchmarks.paint

# SEED is the evaluator's; without one a fresh one is drawn and printed.
bench-indicators: env-dev
	@$(PY) -m benchmarks.indicators --seed $(or $(SEED),$$(od -An -N4 -tu4 /dev/urandom))

# After a change of the live channel's frames: its JSON Schema and the browser's types.
protocol: env-dev
	@$(PY) -m tests.protocol

# The live channel beside its peers; what these need is fetched into build/peers.
# DEAD may be given, only readers who never read, for so many seconds: make bench-live DEAD=600
bench-live: env-dev ui
	@$(PY) -m benchmarks.live $(if $(DEAD),--dead-readers $(DEAD))

# A test-only echo on the very connections of the live channel, for an outside conformance suite.
ws-echo: env-dev
	@$(PY) -m benchmarks.live.echo $(or $(PORT),9001)

# The data set of 13.8 million points: about four minutes. bench-store SHARE=0.1 for a look.
bench-store: env-dev
	@$(PY) -m benchmarks.store.run --share $(or $(SHARE),1)

pictures: env-dev
	@$(PY) -m tests.pictures

env:
	@PYTHON=$(PYTHON) .ci/env requirements.txt

env-dev:
	@PYTHON=$(PYTHON) .ci/env requirements-dev.txt

ui:
	@PYTHON=$(PYTHON) .ci/ui

wheel: env-dev ui
	@rm -rf dist && $(PY) -m hatchling build -t wheel

# What the Dockerfile's last stage takes: the locked dependencies and the wheel, nothing else.
image: wheel
	@$(PYTHON) -m venv $(PREFIX)
	@VIRTUAL_ENV=$(PREFIX) .venv/bin/uv pip sync -q --require-hashes --link-mode copy requirements.txt
	@VIRTUAL_ENV=$(PREFIX) .venv/bin/uv pip install -q --no-deps --offline dist/*.whl

# After a change of the dependencies in pyproject.toml.
lock: env-dev
	@$(LOCK) pyproject.toml -o requirements.txt
	@$(LOCK) -c requirements.txt --extra dev pyproject.toml -o requirements-dev.txt

clean:
	@rm -rf .venv .node build dist app/static frontend/node_modules

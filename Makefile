# The two commands a newcomer needs are `make run` and `make test`; both install what is missing.
#
#   make run [CONFIG=office.toml]    start the demo office, or another one
#   make test [TESTS=tests/sip]      all tests, or some
#   make conformance [TESTS=…]       the same, for the table in tests/CONFORMANCE.md
#   make fuzz [FOR=600]              look for inputs that break the parsers, for so many seconds (x86 only)
#   make soak                        both of what follows, which takes hours
#   make soak-calls [FOR=3600] [CALLS=100]   real calls with sound; fails when memory, descriptors or ports grow
#   make soak-schedules [FOR=600] [FIRST=0]  a million calls by chance on all cores, or what fits into so many seconds
#   make check                       lint, format and types
#   make bench                       how fast it is on this machine
#   make clean                       forget what was installed here; data/ stays
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3
CONFIG ?= config/demo.toml
FIRST  ?= 0
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Compiling every library would take most of the time; what the office imports is compiled by COMPILE.
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
# Compiled once, wherever the environment would have it done each time.
PYTHON_KEPT := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python
COMPILE := $(PYTHON_KEPT) -c \
  "import alembic.command, b2bua.cli.calls, b2bua.cli.run, holidays.countries, media.dtls, media.local, media.worker, uvloop"
APT    := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
TEST_TOOLS := sipp:sip-tester baresip:baresip linphonec:linphone-cli tcpdump:tcpdump cc:gcc curl:curl

.PHONY: run test conformance fuzz soak soak-calls soak-schedules check bench clean test-tools

run: $(VENV)/.ready
	@exec $(BIN)/b2bua run $(CONFIG)

# All of them by four processes: one plays with SIPp, one with baresip and other phones, one waits for calls of minutes,
# one works with sockets and sound; whoever is ready tells the stories on virtual time.
test: test-tools $(VENV)/.ready-dev
	$(PYTHON_KEPT) -m pytest $(or $(TESTS),-n 4 --dist loadscope)

conformance: test-tools $(VENV)/.ready-dev
	$(BIN)/python -m pytest --conformance $(TESTS)

# Atheris has wheels for x86 only, so it is in no lock file.
fuzz: $(VENV)/.ready-dev
	$(PIP) --only-binary :all: atheris==3.0.0
	@mkdir -p .fuzz
	$(BIN)/python -m tests.fuzz.fuzz_sip -max_total_time=$(or $(FOR),600) -artifact_prefix=.fuzz/ .fuzz

soak: soak-calls soak-schedules

soak-schedules: $(VENV)/.ready-dev
	$(BIN)/python -m tests.simulator.soak --first $(FIRST) $(if $(FOR),--for $(FOR))

soak-calls: $(VENV)/.ready-dev
	TEST_PORTS=4000-10000 $(BIN)/python -m tests.interop.soak --for $(or $(FOR),3600) --calls $(or $(CALLS),100) \
	  $(if $(KILL),--kill-media $(KILL))

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready-dev
	$(BIN)/python -m bench

# Debian keeps ensurepip in a package of its own.
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(APT) update -qq && $(APT) install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.lock pyproject.toml hatch_build.py media/fastpath.c | $(BIN)/python
	@echo "installing into $(VENV); only this first time takes a while"
	$(PIP) --require-hashes --only-binary :all: -r requirements.lock
	$(PIP) --no-build-isolation --no-deps --editable .
	@$(COMPILE)
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock pyproject.toml hatch_build.py media/fastpath.c | $(BIN)/python
	$(PIP) --require-hashes --only-binary :all: -r requirements-dev.lock
	$(PIP) --no-build-isolation --no-deps --editable .
	@$(COMPILE)
	@touch $@ $(VENV)/.ready

# SIPp, baresip and linphonec place real calls in the tests; the C compiler builds the fast path of
# sound, the benchmarks' yardstick and the wall clock that tests move.
test-tools:
	@missing=$$(for tool in $(TEST_TOOLS); do \
	  command -v $${tool%%:*} >/dev/null || echo $${tool##*:}; done; \
	  [ -e /usr/include/stdio.h ] || echo libc6-dev); \
	if [ -n "$$missing" ] && ! command -v apt-get >/dev/null; then \
	  echo "please install" $$missing "(Debian's names) with this system's tools"; exit 1; \
	elif [ -n "$$missing" ]; then \
	  echo "installing" $$missing; $(APT) update -qq && $(APT) install -y -qq --no-install-recommends $$missing; fi

clean:
	rm -rf $(VENV) media/libfastpath.* .fuzz dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Every task of the project has one name here. `make demo` and `make test` are all that a newcomer needs; each target
# installs what it lacks, builds what is out of date, and nothing more.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

JOBS ?= 2
PREFIX ?= /usr/local
DESTDIR ?=
# What to pass to a demo: make demo DEMO_ARGS="--port 4001"
DEMO_ARGS ?=

LIB := $(CURDIR)/build/lib
CMAKE_BUILD := build/cmake
VENV := .venv
VENV_PYTHON := $(VENV)/bin/python

export SYNQ_JOBS := $(JOBS)
# The Python layer, and what tests it, take the library of this checkout.
export SYNQ_LIBRARY := $(LIB)/libsynq.so
# Warnings in our own sources are errors here, but not for those who build the package as a dependency.
export SYNQ_STRICT := 1

.PHONY: help
help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

# ---------------------------------------------------------------------------------------------------- building

.PHONY: lib deps deps-test venv configure cmake
deps:
	@scripts/install-deps build

deps-test:
	@scripts/install-deps build test

venv: deps
	@scripts/python-env $(VENV)

lib: deps ## build libsynq.so into build/lib
	@scripts/build-library $(LIB)

configure: lib
	@[ -e $(CMAKE_BUILD)/CMakeCache.txt ] || cmake -S . -B $(CMAKE_BUILD) \
	  -DCMAKE_BUILD_TYPE=Release -DCMAKE_TARGET_MESSAGES=OFF -DSYNQ_LIBRARY_DIR=$(LIB) -DSYNQ_STRICT=ON >/dev/null

cmake: configure
	@cmake --build $(CMAKE_BUILD) -j $(JOBS) -- --quiet

.PHONY: install dist wheel
install: configure ## install library, header, pkg-config file and CMake package below PREFIX
	@DESTDIR=$(DESTDIR) cmake --install $(CMAKE_BUILD) --prefix $(PREFIX)

dist: ## a source archive of the last commit in build/dist
	@scripts/make-dist build/dist

wheel: lib venv ## a wheel of the Python package with the library inside, in build/dist
	@$(VENV_PYTHON) -m pip wheel --quiet --no-deps --wheel-dir build/dist bindings/python
	@ls build/dist/*.whl

# ------------------------------------------------------------------------------------------------------- demos

.PHONY: demo demo-python demo-swift
demo: deps ## the C example: prints an address to open in two browser windows
	@demo=$$(scripts/build-c-demo) && scripts/foreground "$$demo" $(DEMO_ARGS)

demo-python: venv ## the same in Python
	@library=$$(scripts/demo-library)/libsynq.so && \
	  SYNQ_LIBRARY=$$library scripts/foreground $(VENV_PYTHON) examples/python/demo.py $(DEMO_ARGS)

demo-swift: deps ## the same in Swift
	@scripts/build-swift-demo
	@scripts/foreground build/swift-release/release/demo-swift $(DEMO_ARGS)

# ----------------------------------------------------------------------------------------------------- testing

.PHONY: test test-swift test-consumer test-c test-python sanitize valgrind soak chaos fuzz abi simulate
test: deps-test ## build and run every test: Swift, C, Python, wire, browser
	@scripts/run-tests swift consumer c python

test-swift: deps
	@scripts/run-tests swift

test-consumer: deps ## build and test Swift packages that depend on this one by path and by URL
	@scripts/run-tests consumer

test-c: deps
	@scripts/run-tests c

test-python: deps-test
	@scripts/run-tests python

sanitize: deps-test venv ## the Swift and C tests, faults, clients and the Python package under the sanitizers
	@scripts/run-sanitizers

valgrind: deps-test cmake venv ## the C and C++ tests and the C demo under valgrind
	@scripts/run-valgrind

soak: configure ## SOAK_CYCLES (a million) joins and leaves, and the memory of the server meanwhile
	@cmake --build $(CMAKE_BUILD) --target soak -- --quiet
	@$(CMAKE_BUILD)/Tests/C/soak $(SOAK_CYCLES)

chaos: configure ## CHAOS_SECONDS (300) of random attacks, and how long others wait and what memory is held meanwhile
	@cmake --build $(CMAKE_BUILD) --target chaos-host -- --quiet
	@Tests/chaos/chaos.py $(CMAKE_BUILD)/Tests/chaos/chaos-host --seconds $${CHAOS_SECONDS:-300}
	@Tests/chaos/chaos.py $(CMAKE_BUILD)/Tests/chaos/chaos-host --seconds $${CHAOS_SECONDS:-300} --delivery inline

fuzz: deps ## every fuzz target, FUZZ_SECONDS (60) each
	@scripts/run-fuzzers

simulate: deps ## SEEDS (100,000) simulated clusters
	@scripts/swift-release --product cluster-simulate
	@build/swift-release/release/cluster-simulate $(or $(SEEDS),100000)

abi: lib ## compare the C and Swift interfaces with the last release
	@scripts/check-abi

# ---------------------------------------------------------------------------------------------------- measuring

.PHONY: bench bench-host bench-patch conformance-host
bench: deps ## events per second, latency, CPU and memory beside a plain C echo server
	@benchmarks/run

bench-host: lib ## build the host that the benchmark drives; the last line is its path
	@benchmarks/host/build

bench-patch: deps ## diff and apply
	@benchmarks/patch/run

conformance-host: configure ## build the host that replays the recordings; the last line is its path
	@Tests/conformance/build

# ------------------------------------------------------------------------------------------------------ quality

.PHONY: lint format docs clean
lint: venv ## format, static checks and the rules of this project
	@scripts/run-lint

format: venv ## rewrite the sources in the project's format
	@scripts/run-format

docs: ## the reference of the C and Swift interfaces, in build/docs
	@scripts/install-deps build docs
	@scripts/build-docs build/docs

clean: ## remove everything that was built
	@rm -rf build .build .venv

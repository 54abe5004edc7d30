# The most used targets. cargo and CMake do the builds. CONTRIBUTING.md describes them.
#
#   make             builds the release library: target/release/libmgm.so, libmgm.a
#   make demo        installs missing tools, then runs the demo
#   make test        runs the quick tests; make test-heavy runs the slow tests
#   make test-kernels  tests the kernels of Debian in virtual machines; KERNELS=all, or releases
#   make test-restart  restarts a virtual machine with Debian, the packages and mgmd in every way
#   make soak        runs mgmd for half an hour while all around it changes; SOAK_SECONDS=, SEED=
#   make mutants     tests the tests: changes the code and expects a failure; takes hours
#   make bench       measures the release build; BENCH="install memory" selects rows
#   make peers       measures mgm and other multicast routers, and records the results
#   make instructions  records the instruction counts, which a test compares
#   make windows     builds the DLL for Windows with mingw-w64: build/windows/mgm
#   make abi         records the ABI, which a test compares
#   make bpf         compiles the programs of the ebpf forwarder; a test compares
#   make completions  writes the completions of mgmctl for the shells
#   make docs        builds the site of the documentation: build/site/html/index.html
#   make deb         builds the Debian packages: build/deb/*.deb
#   make install     PREFIX=/usr/local, LIBDIR=lib, DESTDIR=, SUDO=sudo if PREFIX needs root

PREFIX ?= /usr/local
# Without this, CMake uses lib64 or lib/x86_64-linux-gnu on some systems. The documentation says lib.
LIBDIR ?= lib
# Used only for the copying, so root does not need cargo. Root needs no sudo, which may not be
# installed.
SUDO ?=
AS_ROOT = $(if $(filter 0,$(shell id -u)),,$(SUDO))
CARGO ?= cargo
CMAKE ?= cmake
# Rows of the benchmark; empty means all rows.
BENCH ?=

# Releases of Debian, by name.
KERNELS ?= bookworm

# How long the soak takes, and its seed. Without a seed, it takes one of its own.
SOAK_SECONDS ?= 1800
SEED ?=

.PHONY: all demo test test-heavy test-kernels test-restart soak mutants bench bench-docs peers instructions headers man bpf completions pictures conformance docs languages windows abi deb install clean

all:
	CARGO=$(CARGO) scripts/cargo-trimmed build --release --locked --package mgm --lib

demo:
	scripts/setup
	scripts/demo

test:
	scripts/setup
	scripts/test

test-heavy:
	scripts/setup --heavy
	scripts/test --heavy

test-kernels:
	scripts/setup --kernels
	scripts/test install
	tests/kernels/run $(KERNELS)

test-restart:
	scripts/setup --restart
	scripts/deb
	tests/restart/run

soak:
	scripts/setup
	scripts/test install
	MGM_SOAK_SECONDS=$(SOAK_SECONDS) MGM_SOAK_SEED=$(SEED) MGM_STAGE_SECONDS=$$(($(SOAK_SECONDS) + 600)) V=1 scripts/test soak

mutants:
	scripts/mutants --all

bench:
	scripts/bench $(BENCH)

bench-docs:
	scripts/bench-report

peers:
	$(CARGO) build --release --locked --package mgm --lib
	$(CARGO) build --release --locked --package mgmd
	benches/peers/run --docs

instructions:
	scripts/check-instructions --record

headers:
	scripts/headers

man:
	scripts/manuals
	mkdir -p build
	$(CARGO) run --quiet --locked --package mgmd --example manual >build/mgmd.toml.5
	mv build/mgmd.toml.5 man/man5/mgmd.toml.5

bpf:
	scripts/bpf

completions:
	mkdir -p build
	for shell in bash zsh fish; do \
		$(CARGO) run --quiet --locked --package mgmctl -- completions $$shell >build/mgmctl.$$shell || exit 1; \
	done
	mv build/mgmctl.bash build/mgmctl.fish crates/mgmctl/completions
	mv build/mgmctl.zsh crates/mgmctl/completions/_mgmctl

pictures:
	CARGO=$(CARGO) scripts/cargo-trimmed build --release --locked --package mgm --package mgmd --package mgmctl \
		--lib --bin mgmd --bin mgmctl
	scripts/picture

conformance:
	scripts/conformance

languages:
	scripts/languages

docs:
	scripts/setup
	scripts/site

windows:
	scripts/setup --windows
	scripts/windows

abi:
	scripts/setup --heavy
	scripts/abi --record

deb:
	scripts/setup --deb
	scripts/deb

install:
	$(CMAKE) -S . -B build/install -DCMAKE_INSTALL_PREFIX="$(PREFIX)" -DCMAKE_INSTALL_LIBDIR="$(LIBDIR)" \
		-DCMAKE_BUILD_TYPE=Release
	$(CMAKE) --build build/install
	$(AS_ROOT) env DESTDIR="$(DESTDIR)" $(CMAKE) --install build/install

clean:
	rm -rf target build

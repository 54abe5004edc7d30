# The usual entry points; cargo and CMake do the work.
#
#   make             the release build: target/release/libmgm.so, libmgm.a
#   make demo        installs what is missing, then shows mgm at work
#   make test        everything quick; make test-heavy: the rest
#   make bench       measures the release build; BENCH="install memory" for some rows
#   make peers       measures mgm beside other multicast routers, and writes that down
#   make instructions  records what the calls cost, for the test that compares
#   make windows     the DLL for Windows, built with mingw-w64: build/windows/mgm
#   make abi         records the ABI, for the test that compares
#   make deb         Debian packages: build/deb/*.deb
#   make install     PREFIX=/usr/local, LIBDIR=lib, DESTDIR=, SUDO=sudo where that needs it

PREFIX ?= /usr/local
# CMake would take lib64 on some systems, or lib/x86_64-linux-gnu; the manuals say lib.
LIBDIR ?= lib
# Only the copying is done by it: root need not have cargo.
SUDO ?=
CARGO ?= cargo
CMAKE ?= cmake
# Rows of the benchmark; none: all.
BENCH ?=

.PHONY: all demo test test-heavy bench bench-docs peers instructions headers man pictures conformance windows abi deb install clean

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

bench:
	scripts/bench $(BENCH)

bench-docs:
	scripts/bench-report

peers:
	$(CARGO) build --release --locked --package mgm --lib
	benches/peers/run --docs

instructions:
	scripts/check-instructions --record

headers:
	scripts/headers

man:
	scripts/manuals

pictures:
	CARGO=$(CARGO) scripts/cargo-trimmed build --release --locked
	scripts/picture

conformance:
	scripts/conformance

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
	$(SUDO) env DESTDIR="$(DESTDIR)" $(CMAKE) --install build/install

clean:
	rm -rf target build

# One entry for each task of people and machines here. `make` lists them.

CACHE ?= $(HOME)/.cache/api-analytics
CARGO ?= cargo
DATA ?= ./data
LISTEN ?= 127.0.0.1:8080
SHELL := /bin/bash

export API_ANALYTICS_CACHE := $(CACHE)

.PHONY: help pictures run test check bench gen build release deb image example setup clients release-clients page test-page test-browser test-rust test-python test-processes

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## fetch what the build needs (the prebuilt DuckDB library)
	@./scripts/need.sh
	@./scripts/fetch-duckdb.sh

clients: ## build the clients' packages, which the server hands out
	@./sdk/python/build.sh > /dev/null
	@./sdk/node/build.sh > /dev/null
	@./sdk/go/build.sh > /dev/null
	@./sdk/rust/build.sh > /dev/null

release-clients: clients ## keep the clients' packages as they are now for ever, under their versions (commit sdk/*/released)
	@./sdk/released.py add $(patsubst %/dist/package,%,$(wildcard sdk/*/dist/package))

page: ## build the page that the server embeds, in dashboard/dist
	@./scripts/build-page.sh

build: setup clients page ## the release binary and its libduckdb.so, in target/release
	$(CARGO) build --release --locked -p server
	@cp -f .duckdb/libduckdb.so "$${CARGO_TARGET_DIR:-target}/release/"

run: build ## build, then serve from ./data (DATA=..., LISTEN=...)
	@exec "$${CARGO_TARGET_DIR:-target}/release/api-analytics" serve --data "$(DATA)" --listen "$(LISTEN)"

# The binary of `make release`, or else the release build with its library.
program = $(if $(wildcard dist/api-analytics),dist/api-analytics,$(or $(CARGO_TARGET_DIR),target)/release/api-analytics)

deb: $(if $(wildcard dist/api-analytics),,build) ## a Debian package in dist/, of `make release` or else `make build`
	@./packaging/debian/build.sh "$(program)"

image: $(if $(wildcard dist/api-analytics),,build) ## a container image, by buildah, of the same
	@./packaging/oci/build.sh "$(program)"

example: ## a small shop API and its customers, against the server on this machine
	@./examples/fastapi/run.sh

test: test-page test-rust test-browser test-python test-clients test-processes ## everything that must hold
	@echo "all tests passed"

test-page: page
	cd dashboard && npm test

test-browser: test-rust
	API_ANALYTICS_BIN="$(abspath $(or $(CARGO_TARGET_DIR),target))/debug/api-analytics" ./dashboard/browser/run.sh

# Twice as many tests at once as there are processors, since those of the server wait for much of their time.
test-rust: setup clients page
	RUST_TEST_THREADS="$${RUST_TEST_THREADS:-$$((2 * $$(getconf _NPROCESSORS_ONLN)))}" $(CARGO) test --locked --workspace
	$(CARGO) build --locked --workspace

test-python: test-rust
	API_ANALYTICS_BIN="$(abspath $(or $(CARGO_TARGET_DIR),target))/debug/api-analytics" ./sdk/python/test.sh

test-clients: test-rust
	./sdk/node/test.sh
	./sdk/go/test.sh
	./sdk/rust/test.sh
	API_ANALYTICS_BIN="$(abspath $(or $(CARGO_TARGET_DIR),target))/debug/api-analytics" ./contract/conformance/run.sh

test-processes: test-rust
	API_ANALYTICS_BIN="$(abspath $(or $(CARGO_TARGET_DIR),target))/debug/api-analytics" ./tests/run.sh

check: setup clients page ## formatting, lints, arrows, licences, a short fuzz run where the tool is there
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	python3 scripts/check-tree.py
	cd dashboard && npm run check && npm run gen-types -- --check
	@if command -v cargo-deny > /dev/null; then ./scripts/deny.sh; else echo "cargo-deny is not installed: licences and known vulnerabilities were not checked"; fi
	@./scripts/fuzz.sh

bench: build ## the numbers that the design asks for; minutes (see bench/src/main.rs)
	$(CARGO) build --release --locked -p bench
	$(CARGO) run --release --locked -p analytics --example stages
	API_ANALYTICS_BIN="$(abspath $(or $(CARGO_TARGET_DIR),target))/release/api-analytics" "$${CARGO_TARGET_DIR:-target}/release/bench"
	@./sdk/python/bench.sh --out sdk/python/bench/results.json
	@./sdk/node/bench/run.sh --out sdk/node/bench/results.json
	@./sdk/go/bench/run.sh --out sdk/go/bench/results.json
	@./sdk/rust/bench.sh --out sdk/rust/bench/results.json

pictures: build ## the README's pictures of the dashboard, made from the demo
	API_ANALYTICS_BIN="$(abspath $(or $(CARGO_TARGET_DIR),target))/release/api-analytics" node dashboard/browser/make-pictures.mjs

gen: setup clients ## make anew what is generated and committed: country and agent tables, the OpenAPI document, tables in docs
	./scripts/gen-country.sh
	./scripts/gen-agents.sh
	$(CARGO) run --locked -p server -- openapi > contract/openapi.json
	UPDATE=1 $(CARGO) test --locked -p server --test it -- docs::what_is_made
	cd dashboard && npm run gen-types

# The C++ library and the unwinder are linked in as well: Rust's own library names libgcc_s.so, so a linker script of
# that name, found first, redirects to the static ones.
release: clients page ## one file that needs only glibc: DuckDB is compiled in (25 minutes)
	@mkdir -p "$${CARGO_TARGET_DIR:-target}/bundled/static"
	@echo 'GROUP ( -lgcc_eh -lgcc )' > "$${CARGO_TARGET_DIR:-target}/bundled/static/libgcc_s.so"
	CXXSTDLIB=static=stdc++ RUSTFLAGS="-L native=$$(realpath "$${CARGO_TARGET_DIR:-target}/bundled/static") -L native=$$(dirname "$$($${CXX:-c++} -print-file-name=libstdc++.a)")" \
		$(CARGO) build --release --locked -p server --features bundled --target-dir "$${CARGO_TARGET_DIR:-target}/bundled"
	@if ldd "$${CARGO_TARGET_DIR:-target}/bundled/release/api-analytics" | grep -E 'stdc\+\+|gcc_s|duckdb'; then echo "the release needs more than glibc"; exit 1; fi
	@mkdir -p dist && cp "$${CARGO_TARGET_DIR:-target}/bundled/release/api-analytics" dist/ && ls -lh dist/api-analytics

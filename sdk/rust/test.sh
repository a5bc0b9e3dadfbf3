#!/usr/bin/env bash
# Checks and tests the Rust client alone; `contract/conformance/run.sh` tests it in apps, with the real server. Compiles into the cache.
#
#   API_ANALYTICS_CACHE=DIR  where what is compiled is kept
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/rust-apps"

echo "== rustfmt, clippy"
cargo fmt --check
(cd ../../contract/apps/rust && cargo fmt --check)
(cd bench && cargo fmt --check)
cargo clippy --quiet --locked --all-targets --all-features -- -D warnings
# Each framework alone, and none: what is used depends on the features.
for features in "" tower actix rocket; do
  cargo clippy --quiet --locked --no-default-features --features "$features" -- -D warnings
done

echo "== the registry: twice the same"
./build.sh > /dev/null
first="$(find dist -type f -exec sha256sum {} + | sort)"
./build.sh > /dev/null
[ "$first" = "$(find dist -type f -exec sha256sum {} + | sort)" ] || { echo "two builds of the registry differ" >&2; exit 1; }

echo "== tests"
cargo test --quiet --locked --all-features

#!/usr/bin/env bash
# Measures the cost of the Rust client beside the bare app: bench.sh [--out FILE]
set -euo pipefail
out="$(realpath -m "${2:-/dev/null}")"
cd "$(dirname "$0")/bench"
export CARGO_TARGET_DIR="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/rust-bench"
cargo run --quiet --release --locked -- "$out"

#!/usr/bin/env bash
# Measures the cost of the Go client beside the bare app: bench/run.sh [--out FILE]
set -euo pipefail
out="$(realpath -m "${2:-/dev/null}")"
cd "$(dirname "$0")/.."
exec ./go.sh bench run . "$out"

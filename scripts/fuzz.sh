#!/usr/bin/env bash
# A short fuzz run of decode and enrich (FUZZ_SECONDS, default 30), where cargo-fuzz and a nightly compiler are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v cargo-fuzz > /dev/null || ! cargo +nightly --version > /dev/null 2>&1; then
  echo "cargo-fuzz or a nightly compiler is not installed: no fuzz run"
  exit 0
fi
python3 fuzz/seeds.py
mkdir -p fuzz/corpus
cargo +nightly fuzz run decode_enrich fuzz/corpus fuzz/seeds -- -max_total_time="${FUZZ_SECONDS:-30}"

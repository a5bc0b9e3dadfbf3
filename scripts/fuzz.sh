#!/usr/bin/env bash
# A short fuzz run of each target (FUZZ_SECONDS, default 30, for all of them), if cargo-fuzz and a nightly compiler are
# installed. It begins with the findings of longer runs (fuzz/corpus/TARGET.tar.xz) and the contract's cases.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v cargo-fuzz > /dev/null || ! cargo +nightly --version > /dev/null 2>&1; then
  echo "cargo-fuzz or a nightly compiler is not installed: no fuzz run"
  exit 0
fi
python3 fuzz/seeds.py
targets=(decode_enrich filter record)
for target in "${targets[@]}"; do
  found="fuzz/found/$target"
  mkdir -p "$found"
  tar -C "$found" -xJf "fuzz/corpus/$target.tar.xz"
  cargo +nightly fuzz run "$target" "$found" "fuzz/seeds/$target" -- -max_total_time=$((${FUZZ_SECONDS:-30} / ${#targets[@]}))
done

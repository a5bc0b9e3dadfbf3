#!/usr/bin/env bash
# Reports missing tools before a build fails half-way.
set -euo pipefail
missing=()
for tool in cargo cc npm python3; do
  command -v "$tool" > /dev/null || missing+=("$tool")
done
python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=("python3-venv")
if [ "${#missing[@]}" -gt 0 ]; then
  echo "missing: ${missing[*]}. Needed are Rust 1.95 with clippy and rustfmt, a C compiler, Node 20 with npm, and Python 3.11 with venv." >&2
  exit 1
fi

#!/usr/bin/env bash
# Measures the client's cost, beside a bare app and two other packages: see bench/bench.py.
set -euo pipefail
cd "$(dirname "$0")"
exec "$(./venv.sh requirements-bench.txt)/bin/python" bench/bench.py "$@"

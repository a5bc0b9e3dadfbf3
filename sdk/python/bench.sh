#!/usr/bin/env bash
# Measures the client's cost, beside a bare app and two other packages: see bench/bench.py.
set -euo pipefail
cd "$(dirname "$0")"
exec "$(../../scripts/venv.sh requirements-bench.txt python-bench)/bin/python" bench/bench.py "$@"

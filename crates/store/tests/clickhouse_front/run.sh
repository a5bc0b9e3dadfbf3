#!/usr/bin/env bash
# Starts the HTTP front of ClickHouse's engine for tests, and installs the engine into the cache first, once for each state
# of requirements.txt. Prints the port. Ends when its standard input does.
#
#   run.sh [FOLDER [PORT]]   the engine's data; without it, a folder that is deleted at the end
#   API_ANALYTICS_CACHE=DIR  where the virtual environment is kept
#   PYTHON=python3           the interpreter, 3.9 or later
set -euo pipefail
folder=()
if [ $# -gt 0 ]; then folder=("$(realpath -m "$1")" "${@:2}"); fi
cd "$(dirname "$0")"
venv="$(../../../../scripts/venv.sh requirements.txt clickhouse --no-deps --require-hashes)" || {
  echo "The tests of the ClickHouse engine need chdb-core (180 MB) from PyPI, once. Connect this machine to PyPI (or set PIP_INDEX_URL to a mirror) and repeat." >&2
  exit 1
}

exec "$venv/bin/python" server.py "${folder[@]}"

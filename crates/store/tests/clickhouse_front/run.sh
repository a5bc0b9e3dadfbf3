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
python="${PYTHON:-python3}"
cache="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}"
venv="$cache/clickhouse"
version="$("$python" -c 'import sys; print(*sys.version_info[:3], sys.prefix)')"
mark="$( (echo "$version"; cat requirements.txt) | sha256sum | cut -c1-16)"

mkdir -p "$cache"
exec 9> "$venv.lock"
flock 9 2> /dev/null || true # not on every system, and only two runs at once need it
if [ "$(cat "$venv/mark" 2> /dev/null)" != "$mark" ]; then
  echo "installing ClickHouse's engine (chdb-core, 180 MB) into $venv" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv"
  if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt >&2; then
    echo "The tests of the ClickHouse engine need chdb-core from PyPI, once. Connect this machine to PyPI (or set PIP_INDEX_URL to a mirror) and repeat." >&2
    exit 1
  fi
  echo "$mark" > "$venv/mark"
fi
exec 9>&-

exec "$venv/bin/python" server.py "${folder[@]}"

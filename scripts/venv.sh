#!/usr/bin/env bash
# Prints the folder of a virtual environment that holds exactly a file of requirements, and makes it first if need be. It
# lies in the cache, outside of the checkout, and is kept until the file or the interpreter changes.
#
#   bin="$(scripts/venv.sh REQUIREMENTS.txt NAME [OPTION OF PIP INSTALL...])/bin"
#
#   API_ANALYTICS_CACHE=DIR  the cache
#   PYTHON=python3           the interpreter
set -euo pipefail
requirements="$1"
python="${PYTHON:-python3}"
venv="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/$2"
version="$("$python" -c 'import sys; print(*sys.version_info[:3], sys.prefix)')"
mark="$( (echo "$version"; cat "$requirements") | sha256sum | cut -c1-16)"

mkdir -p "$(dirname "$venv")"
exec 9> "$venv.lock"
flock 9 2> /dev/null || true # not on every system, and only two runs at once need it
if [ "$(cat "$venv/mark" 2> /dev/null)" != "$mark" ]; then
  echo "installing $requirements into $venv" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${@:3}" -r "$requirements" >&2
  echo "$mark" > "$venv/mark"
fi
echo "$venv"

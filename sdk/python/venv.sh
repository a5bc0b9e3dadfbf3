#!/usr/bin/env bash
# Prints the folder of a virtual environment that holds exactly a file of requirements, and makes it
# first if need be. It lies in the cache, outside of the checkout, and is kept while the file is.
#
#   bin="$(./venv.sh requirements-test.txt [NAME])/bin"
set -euo pipefail
cd "$(dirname "$0")"
requirements="$1"
python="${PYTHON:-python3}"
cache="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}"
name="${2:-$(basename "$requirements" .txt)}"
version="$("$python" -c 'import sys; print(*sys.version_info[:3], sys.prefix)')"
mark="$( (echo "$version"; cat "$requirements") | sha256sum | cut -c1-16)"
venv="$cache/python-${name#requirements-}"

mkdir -p "$cache"
exec 9> "$venv.lock"
flock 9 2> /dev/null || true # not on every system, and only two builds at once need it
if [ "$(cat "$venv/mark" 2> /dev/null)" != "$mark" ]; then
  echo "installing $requirements into $venv" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2
  echo "$mark" > "$venv/mark"
fi
echo "$venv"

#!/usr/bin/env bash
# Runs the tests with real processes. Installs what they need into the cache, once for each state of requirements.txt.
#
#   API_ANALYTICS_BIN=PATH   the server's binary (must be set; a test without one fails)
#   CRASH_ROUNDS=50          kills of test_crash.py; more make a longer run
#   CRASH_SEED=NUMBER        repeats the choices of a run of test_crash.py (it prints its own)
#   FAULT_ROUNDS=20          faults of test_faults.py; FAULT_SEED=NUMBER repeats a run
#   NOTICE_ROUNDS=6          kills of test_notices.py; NOTICE_SEED=NUMBER repeats a run
#   API_ANALYTICS_CACHE=DIR  where the virtual environment is kept
#   PYTHON=python3           the interpreter, 3.11 or later
#
# Three files run at a time, because most tests wait. Arguments go to pytest: tests/run.sh test_damage.py -k backup -n 0
set -euo pipefail
binary="${API_ANALYTICS_BIN:-}"
if [ -n "$binary" ]; then API_ANALYTICS_BIN="$(realpath -m "$binary")"; export API_ANALYTICS_BIN; fi
cd "$(dirname "$0")"
python="${PYTHON:-python3}"
cache="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}"
venv="$cache/e2e"
version="$("$python" -c 'import sys; print(*sys.version_info[:3], sys.prefix)')"
mark="$( (echo "$version"; cat requirements.txt) | sha256sum | cut -c1-16)"

mkdir -p "$cache"
exec 9> "$venv.lock"
flock 9 2> /dev/null || true # not on every system, and only two runs at once need it
if [ "$(cat "$venv/mark" 2> /dev/null)" != "$mark" ]; then
  echo "installing tests/requirements.txt into $venv" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
  echo "$mark" > "$venv/mark"
fi
exec 9>&-

# test_clock.py sets the clock of a server with the first, test_package.py has the service judged by the second.
if ! ls /usr/lib/*/faketime/libfaketimeMT.so.1 > /dev/null 2>&1 || ! command -v systemd-analyze > /dev/null; then
  install="apt-get update -qq && apt-get install -y -qq --no-install-recommends libfaketime systemd"
  if [ "$(id -u)" = 0 ]; then sh -c "$install" > /dev/null; else sudo sh -c "$install" > /dev/null; fi
fi

exec "$venv/bin/python" -m pytest -n 3 --dist loadfile "$@"

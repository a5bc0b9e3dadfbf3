#!/usr/bin/env bash
# Runs the tests with real processes. Installs what they need into the cache, once for each state of requirements.txt.
#
#   API_ANALYTICS_BIN=PATH   the server's binary (must be set; a test without one fails)
#   CRASH_ROUNDS=50          kills of test_crash.py; more make a longer run
#   CRASH_SEED=NUMBER        repeats the choices of a run of test_crash.py (it prints its own)
#   FAULT_ROUNDS=20          faults of test_faults.py; FAULT_SEED=NUMBER repeats a run
#   CRASH_SECONDS_SERVERS=60 how long test_servers.py kills servers
#   CUT_SECONDS=0            how long test_cut_network.py cuts networks at random, after all else; CUT_SEED=NUMBER repeats a run
#   NOTICE_ROUNDS=6          kills of test_notices.py; NOTICE_SEED=NUMBER repeats a run
#   API_ANALYTICS_CACHE=DIR  where the virtual environment is kept
#   PYTHON=python3           the interpreter, 3.11 or later
#
# Three files run at a time, because most tests wait, in the order that `conftest.py` gives them. Arguments go to pytest: tests/run.sh test_damage.py -k backup -n 0
set -euo pipefail
binary="${API_ANALYTICS_BIN:-}"
if [ -n "$binary" ]; then API_ANALYTICS_BIN="$(realpath -m "$binary")"; export API_ANALYTICS_BIN; fi
cd "$(dirname "$0")"
venv="$(../scripts/venv.sh requirements.txt e2e)"

# test_clock.py sets the clock of a server with the first, test_package.py has the service judged by the second.
if ! ls /usr/lib/*/faketime/libfaketimeMT.so.1 > /dev/null 2>&1 || ! command -v systemd-analyze > /dev/null; then
  install="apt-get update -qq && apt-get install -y -qq --no-install-recommends libfaketime systemd"
  if [ "$(id -u)" = 0 ]; then sh -c "$install" > /dev/null; else sudo sh -c "$install" > /dev/null; fi
fi

exec "$venv/bin/python" -m pytest -n 3 --dist loadfile --no-loadscope-reorder "$@"

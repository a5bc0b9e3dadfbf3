#!/usr/bin/env bash
# Every client against `contract/client-cases`, an app of every framework against `contract/apps`. What the chosen tests
# need is installed into the cache.
#
#   API_ANALYTICS_BIN=PATH   the server's binary (must be set)
#   API_ANALYTICS_CACHE=DIR  where frameworks and virtual environments are kept
#   AWAY_SECONDS=0.5         how long the server is away in the test of its restart
#
# Arguments go to pytest: contract/conformance/run.sh -k express
set -euo pipefail
API_ANALYTICS_BIN="$(realpath "${API_ANALYTICS_BIN:?must name the binary of the server}")"
export API_ANALYTICS_BIN
cd "$(dirname "$0")"
python="$(../../scripts/venv.sh ../../sdk/python/requirements-test.txt python-test)/bin/python"
exec "$python" -m pytest "$@"

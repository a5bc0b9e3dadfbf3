#!/usr/bin/env bash
# Every client against `contract/client-cases`, an app of every framework against `contract/apps`. Installs what they need into the cache.
#
#   API_ANALYTICS_BIN=PATH   the server's binary (must be set)
#   API_ANALYTICS_CACHE=DIR  where frameworks and virtual environments are kept
#
# Arguments go to pytest: contract/conformance/run.sh -k express
set -euo pipefail
API_ANALYTICS_BIN="$(realpath "${API_ANALYTICS_BIN:?must name the binary of the server}")"
export API_ANALYTICS_BIN
cd "$(dirname "$0")"
python="$(../../sdk/python/venv.sh requirements-test.txt)/bin/python"
NODE_FRAMEWORKS="$(../../sdk/node/modules.sh ../../contract/apps/node frameworks)"
NODE_CLIENT="$(realpath "../../$(../../sdk/node/build.sh)")"
export NODE_FRAMEWORKS NODE_CLIENT
exec "$python" -m pytest "$@"

#!/usr/bin/env bash
# The page in a real browser, against the binary that API_ANALYTICS_BIN names. Installs Debian's chromium where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ]; then
  install="apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium"
  if [ "$(id -u)" = 0 ]; then sh -c "$install" > /dev/null; else sudo sh -c "$install" > /dev/null; fi
fi
# Apps whose requests are looked at run with the Python client as it is in this tree.
PYTHON_OF_APP="$(../scripts/venv.sh ../sdk/python/requirements-test.txt python-test)/bin/python"
export PYTHON_OF_APP
NODE_FRAMEWORKS="$(../sdk/node/modules.sh ../contract/apps/node frameworks)"
export NODE_FRAMEWORKS
npm run --silent test-browser

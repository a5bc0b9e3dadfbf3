#!/usr/bin/env bash
# The page in a real browser, against the binary that API_ANALYTICS_BIN names. Installs Debian's chromium where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ]; then
  install="apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium"
  if [ "$(id -u)" = 0 ]; then sh -c "$install" > /dev/null; else sudo sh -c "$install" > /dev/null; fi
fi
# The app whose requests are looked at runs with the Python client as it is in this tree.
PYTHON_OF_APP="$(../sdk/python/venv.sh requirements-test.txt)/bin/python"
export PYTHON_OF_APP
# The packages that the start page's other snippets name, beside the Python client's environments in the cache.
PYTHON_OF_SNIPPETS="$(../sdk/python/venv.sh "$PWD/browser/snippets/requirements-snippets.txt")/bin/python"
export PYTHON_OF_SNIPPETS
snippets="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/snippets-$(sha256sum browser/snippets/package-lock.json | cut -c1-16)"
if [ ! -e "$snippets/done" ]; then
  mkdir -p "$snippets"
  cp browser/snippets/package.json browser/snippets/package-lock.json "$snippets"
  (cd "$snippets" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null)
  touch "$snippets/done"
fi
export MODULES_OF_SNIPPETS="$snippets/node_modules"
npm run --silent test-browser

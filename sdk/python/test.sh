#!/usr/bin/env bash
# Checks and tests everything of the Python client. Installs what it needs into the cache.
#
#   API_ANALYTICS_BIN=PATH   the server's binary, for the tests that need it (must be set when CI=true)
#   API_ANALYTICS_SLOW=1     servers stay dead for a minute instead of ten seconds
#   API_ANALYTICS_CACHE=DIR  where virtual environments are kept
#   PYTHON=python3           the interpreter
set -euo pipefail
cd "$(dirname "$0")"
newest="$(../../scripts/venv.sh requirements-test.txt python-test)/bin"
oldest="$(../../scripts/venv.sh requirements-oldest.txt python-oldest)/bin"

echo "== ruff, mypy"
"$newest/ruff" check --quiet . ../../examples/fastapi
"$newest/ruff" format --quiet --check . ../../examples/fastapi
export MYPYPATH=src:tests:../../contract/conformance
# Each with the libraries that an interpreter of that age would have.
"$newest/mypy" --python-version 3.9 --python-executable "$oldest/python" src
"$newest/mypy" --python-version 3.13 --explicit-package-bases src tests
unset MYPYPATH

echo "== the wheel: twice the same, and whole"
./build.sh
first="$(sha256sum "dist/$(cat dist/package)")"
./build.sh > /dev/null
[ "$first" = "$(sha256sum "dist/$(cat dist/package)")" ] || { echo "two builds of the wheel differ" >&2; exit 1; }

# In parallel, as both mostly wait.
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
"$oldest/python" -m pip install --quiet --force-reinstall --no-deps --no-index "dist/$(cat dist/package)"
# Without `src` on the path, so that what is tested is what will be installed.
"$oldest/python" -m pytest -q -o pythonpath="tests ../../contract/conformance" --disable-warnings \
  tests/test_config.py tests/test_mapper.py tests/test_route.py tests/test_asgi.py \
  tests/test_pitfalls.py tests/test_processes.py tests/test_wsgi.py tests/test_template.py \
  tests/test_flask.py tests/test_django.py tests/test_requests.py \
  -k "not processes or (what_was_served and uvicorn and not uvloop) or leaves or user_id or script" \
  > "$log" 2>&1 &

echo "== pytest, newest frameworks"
"$newest/python" -m pytest "$@" && passed=1 || passed=0

echo "== pytest, oldest frameworks, from the wheel"
wait $! || passed=0
cat "$log"
[ $passed = 1 ]

#!/usr/bin/env bash
# Builds the wheel into dist/, which holds nothing else: the server embeds everything there. The
# same sources give the same bytes. Needs the network only for the first run, which installs the
# build tool into the cache.
set -euo pipefail
cd "$(dirname "$0")"
bin="$(../../scripts/venv.sh requirements-build.txt python-build)/bin"
new="$(mktemp -d)"
trap 'rm -rf "$new"' EXIT
# A fixed time that wheels can hold: no build may differ by the hour of its making.
said="$(SOURCE_DATE_EPOCH=1577836800 "$bin/python" -m hatchling build --target wheel --directory "$new" 2>&1)" ||
  { echo "$said" >&2; exit 1; }
wheel="$(basename "$new"/*.whl)"
rm -f "$new"/.gitignore
(cd ../.. && ./sdk/released.py put sdk/python "$new" "$wheel" sdk/python/src/api_analytics/version.py)
echo "sdk/python/dist/$wheel"

#!/usr/bin/env bash
# Builds the wheel into dist/, which holds nothing else: the server embeds everything there. The
# same sources give the same bytes. Needs the network only for the first run, which installs the
# build tool into the cache.
set -euo pipefail
cd "$(dirname "$0")"
bin="$(./venv.sh requirements-build.txt)/bin"
new="$(mktemp -d)"
trap 'rm -rf "$new"' EXIT
# A fixed time that wheels can hold: no build may differ by the hour of its making.
said="$(SOURCE_DATE_EPOCH=1577836800 "$bin/python" -m hatchling build --target wheel --directory "$new" 2>&1)" ||
  { echo "$said" >&2; exit 1; }
mkdir -p dist
for wheel in dist/*.whl; do
  [ -e "$new/$(basename "$wheel")" ] || rm -f "$wheel"
done
for wheel in "$new"/*.whl; do
  name="dist/$(basename "$wheel")"
  # Left alone if unchanged, so that nobody who watches the file rebuilds.
  cmp -s "$wheel" "$name" || cp "$wheel" "$name"
  echo "$(basename "$wheel")" | cmp -s - dist/package || echo "$(basename "$wheel")" > dist/package
  echo "sdk/python/$name"
done

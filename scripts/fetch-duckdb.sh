#!/usr/bin/env bash
# Puts the prebuilt DuckDB library of this platform into .duckdb/, where the build looks for it. The package comes from
# npm; the lock file beside package.json pins its version and its hash. Does nothing when the library is there.
set -euo pipefail
cd "$(dirname "$0")/.."
lock="$(sha256sum scripts/duckdb/package-lock.json | cut -c1-16)"
[ "$(cat .duckdb/mark 2> /dev/null)" = "$lock" ] && exit 0
cache="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/duckdb-$lock"
if [ ! -e "$cache/done" ]; then
  command -v npm > /dev/null || { echo "npm is needed to fetch the DuckDB library: install Node 20" >&2; exit 1; }
  rm -rf "$cache"
  mkdir -p "$cache"
  cp scripts/duckdb/package.json scripts/duckdb/package-lock.json "$cache"
  (cd "$cache" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  touch "$cache/done"
fi
library="$(find "$cache/node_modules/@duckdb" -name 'libduckdb.*' | head -n 1)"
[ -n "$library" ] || { echo "no prebuilt DuckDB library for this platform: build with --features bundled" >&2; exit 1; }
rm -rf .duckdb
mkdir .duckdb
cp "$library" .duckdb/
echo "$lock" > .duckdb/mark

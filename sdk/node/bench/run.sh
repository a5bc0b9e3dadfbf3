#!/usr/bin/env bash
# Measures the cost of the Node client beside the bare app: bench/run.sh [--out FILE]
set -euo pipefail
out="$(realpath -m "${2:-/dev/null}")"
cd "$(dirname "$0")/.."
frameworks="$(./modules.sh ../../contract/apps/node frameworks)"
others="$(./modules.sh bench others)"
./build.sh > /dev/null
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/node_modules/api-analytics-client"
tar xzf "dist/$(cat dist/package)" -C "$folder/node_modules/api-analytics-client" --strip-components=1
for module in "$frameworks"/*; do ln -s "$module" "$folder/node_modules/"; done
for module in apitally node-api-analytics; do ln -s "$others/$module" "$folder/node_modules/"; done
cp bench/*.mjs "$folder/"
cd "$folder"
node --expose-gc inline.mjs "$out"

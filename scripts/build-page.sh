#!/usr/bin/env bash
# Builds the page into dashboard/dist, from where the server embeds it. Does nothing if its sources have not changed
# since.
set -euo pipefail
cd "$(dirname "$0")/../dashboard"
command -v npm > /dev/null || { echo "npm is needed to build the page: install Node 20" >&2; exit 1; }
mark="$(cat package-lock.json <(find src scripts index.html vite.config.ts svelte.config.js tsconfig.json -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16)"
# Not in dist: everything there is embedded.
[ -e dist/index.html ] && [ "$(cat node_modules/.page 2> /dev/null)" = "$mark" ] && exit 0
lock="$(sha256sum package-lock.json | cut -c1-16)"
if [ "$(cat node_modules/.mark 2> /dev/null)" != "$lock" ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  echo "$lock" > node_modules/.mark
fi
npm run --silent build
echo "$mark" > node_modules/.page

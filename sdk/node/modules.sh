#!/usr/bin/env bash
# Prints a node_modules folder that holds exactly what a lock file names, and makes it first if need be. It lies in the cache, outside of
# the checkout, under the lock file's hash.
#
#   modules="$(./modules.sh FOLDER-OF-THE-LOCK-FILE NAME)"
set -euo pipefail
folder="$(realpath "$1")"
hash="$(cat "$folder/package.json" "$folder/package-lock.json" | sha256sum | cut -c1-16)"
place="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/node-$2-$hash"

mkdir -p "$(dirname "$place")"
exec 9> "$place.lock"
flock 9 2> /dev/null || true # not on every system, and only two builds at once need it
if [ ! -e "$place/done" ]; then
  echo "installing $folder/package-lock.json into $place" >&2
  rm -rf "$place"
  mkdir -p "$place"
  cp "$folder/package.json" "$folder/package-lock.json" "$place"
  (cd "$place" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null)
  touch "$place/done"
fi
echo "$place/node_modules"

#!/usr/bin/env bash
# Checks and tests the Go client alone, its adapters with the oldest versions of their frameworks; `contract/conformance/run.sh` tests it in
# apps with the newest, and with the real server. Needs Go and a C compiler (for the race detector).
#
#   API_ANALYTICS_CACHE=DIR  where modules and compiled packages are kept
set -euo pipefail
cd "$(dirname "$0")"

echo "== the modules: twice the same, and left alone"
./build.sh > /dev/null
state() { find dist -type f -exec sha256sum {} + | sort; find dist -type f -exec stat -c '%n %Y' {} + | sort; }
first="$(state)"
./build.sh > /dev/null
[ "$first" = "$(state)" ] || { echo "two builds differ" >&2; exit 1; }

unformatted="$(gofmt -l . ../../contract/apps/go)"
[ -z "$unformatted" ] || { echo "not formatted: $unformatted" >&2; exit 1; }
if ! ./go.sh fiber3 mod download 2> /dev/null; then
  echo "the module proxy is out of reach: only the core is tested" >&2
  folders=""
fi
for folder in . ${folders-chi gin echo4 echo5 fiber2 fiber3}; do
  echo "== $folder"
  ./go.sh "$folder" vet ./...
  CGO_ENABLED=1 ./go.sh "$folder" test -race ./...
done

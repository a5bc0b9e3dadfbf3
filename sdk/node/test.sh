#!/usr/bin/env bash
# Checks and tests the Node client alone; `contract/conformance/run.sh` tests it in apps, with the real server. Installs what it needs into
# the cache.
#
#   API_ANALYTICS_CACHE=DIR  where the tools are kept
set -euo pipefail
cd "$(dirname "$0")"
tools="$(./modules.sh test tools)"

echo "== the tarball: twice the same, and whole"
./build.sh > /dev/null
package="dist/$(cat dist/package)"
first="$(sha256sum "$package")"
./build.sh > /dev/null
[ "$first" = "$(sha256sum "$package")" ] || { echo "two builds of the tarball differ" >&2; exit 1; }
"$tools/.bin/publint" "$package" --strict
# The old resolution of TypeScript below 4.7 knows no `exports`; everybody else finds the types of each entry.
"$tools/.bin/attw" "$package" --profile node16 --format ascii --no-emoji --quiet

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/node_modules/api-analytics-client"
tar xzf "$package" -C "$folder/node_modules/api-analytics-client" --strip-components=1
for module in "$tools"/*; do ln -s "$module" "$folder/node_modules/"; done
cp -r test "$folder/"

echo "== types, with those of the frameworks"
(cd "$folder/test" && "$tools/.bin/tsc" --noEmit --strict --module nodenext --target es2022 --lib es2022,dom --types node --skipLibCheck types.mts types.cts)
# The package's own types must not need that.
(cd "$folder/test" && "$tools/.bin/tsc" --noEmit --strict --module nodenext --target es2022 --lib es2022 --types node bare.mts)

echo "== unit tests"
(cd "$folder" && node --test --test-reporter=dot test/)

#!/usr/bin/env bash
# Builds the package into dist/, which holds nothing else: the server embeds everything there. The same sources give the same bytes. Needs
# the network only for the first run, which installs the compiler into the cache.
set -euo pipefail
cd "$(dirname "$0")"
modules="$(./modules.sh . client)"
new="$(mktemp -d)"
trap 'rm -rf "$new"' EXIT

compile() { # FORMAT: esm or cjs; TYPE: module or commonjs; TSCONFIG; options of tsc
  mkdir -p "$new/dist/$1"
  # The nearest package.json says what the files of a folder are, to Node and to compilers.
  echo "{\"type\":\"$2\"}" > "$new/dist/$1/package.json"
  "$modules/.bin/tsc" -p "$3" --typeRoots "$modules/@types" --outDir "$new/dist/$1" "${@:4}"
}
compile esm module tsconfig.json
# The sources are modules by their package.json; here only the output is not.
sed 's/"type": "module"/"type": "commonjs"/' package.json > "$new/package.json"
cp -r src "$new/src"
cp tsconfig.json "$new/"
# The types are checked above.
compile cjs commonjs "$new/tsconfig.json" --noCheck

# Without what only its developers need.
node -e '
  const { devDependencies, ...package } = JSON.parse(require("fs").readFileSync("package.json", "utf8"));
  process.stdout.write(JSON.stringify(package, null, 2) + "\n");
' > "$new/package.json"
cp README.md ../../LICENSE "$new/"
rm -rf "$new/src" "$new/tsconfig.json"
chmod -R u=rwX,go=rX "$new"
mkdir "$new/packed"
packed="$(cd "$new" && npm pack --silent --ignore-scripts --pack-destination packed)"
(cd ../.. && ./sdk/released.py put sdk/node "$new/packed" "$packed" sdk/node/package.json)
echo "sdk/node/dist/$packed"

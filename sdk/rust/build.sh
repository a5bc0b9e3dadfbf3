#!/usr/bin/env bash
# Builds a registry for cargo into dist/, which holds nothing else: the server embeds everything there. The same sources give the same bytes,
# and nothing is compiled or asked of the network.
set -euo pipefail
cd "$(dirname "$0")"
new="$(mktemp -d)"
trap 'rm -rf "$new"' EXIT
cargo metadata --offline --no-deps --format-version 1 > "$new/metadata.json"
python3 pack.py "$new/metadata.json" "$new/dist" > "$new/package"
package="$(cat "$new/package")"
(cd ../.. && ./sdk/released.py put sdk/rust "$new/dist" "$package" sdk/rust/Cargo.toml)
echo "sdk/rust/dist/crates/${package/@/-}.crate"

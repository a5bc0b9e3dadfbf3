#!/usr/bin/env bash
# Licences, sources and bans, and known vulnerabilities if their database is available (`cargo deny fetch db` gets it):
# a check must not depend on the network.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo deny check bans licenses sources
if compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-db*/*" > /dev/null; then
  cargo deny check --disable-fetch advisories
else
  echo "the advisory database is not here: known vulnerabilities were not checked (cargo deny fetch db)"
fi

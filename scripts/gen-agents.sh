#!/bin/sh
# Regenerates crates/analytics/data/agents.json from the npm package uap-core (Apache-2.0): the patterns that extract
# the client and the operating system from a user agent, as JSON. Its patterns for devices (brands and models) are left
# out.
#
# Needs npm and node. The result is committed: builds do not run this. The same version gives the same bytes.
set -eu

version=0.18.0
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm install --silent --no-audit --no-fund --prefix "$work" "uap-core@$version" yaml@2 >/dev/null 2>&1 || {
    echo "gen-agents: cannot fetch uap-core $version and yaml from npm" >&2
    exit 1
}
cd "$work"
node -e '
const fs = require("fs");
const { user_agent_parsers, os_parsers } = require("yaml").parse(fs.readFileSync("node_modules/uap-core/regexes.yaml", "utf8"));
const lines = (rows) => rows.map((row) => "    " + JSON.stringify(row)).join(",\n");
process.stdout.write(`{
  "source": "uap-core '"$version"', Apache-2.0, Copyright 2009 Google Inc.; converted to JSON, device_parsers left out",
  "user_agent_parsers": [\n${lines(user_agent_parsers)}\n  ],
  "os_parsers": [\n${lines(os_parsers)}\n  ],
  "device_parsers": []
}\n`);
' > agents.json
mv agents.json "$root/crates/analytics/data/agents.json"

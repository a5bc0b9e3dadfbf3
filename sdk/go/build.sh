#!/usr/bin/env bash
# Builds the modules into dist/ as Go's module proxies have them; dist/ holds nothing else, the server embeds everything there. Needs only
# Python. The same sources give the same bytes: archives are not compressed, since compressors differ. There is no `@latest`: go asks for it
# only where a module's list is empty.
set -euo pipefail
cd "$(dirname "$0")"
new="$(mktemp -d)"
trap 'rm -rf "$new"' EXIT
package="$(python3 - "$new" <<'END'
import re
import sys
import zipfile
from pathlib import Path

ROOT = "api-analytics.local/go"
VERSION = "v" + re.search(r'Version = "([^"]+)"', Path("internal/core/version.go").read_text())[1]
TIME = (2020, 1, 1, 0, 0, 0)
NEW = Path(sys.argv[1])

for go_mod in sorted(path for path in [Path("go.mod"), *Path().glob("*/go.mod")] if ROOT in path.read_text().split()[1]):
    folder = go_mod.parent
    module = re.search(r"^module (.+)$", go_mod.read_text(), re.M)[1]
    # The line for work on the client ends it.
    text = go_mod.read_text().partition("\n// For work on the client.")[0]
    for required in re.findall(rf"{re.escape(ROOT)}\S* (v\S+)", text):
        assert required == VERSION, f"{go_mod} requires {required} of the client, which is {VERSION}"
    sources = folder.glob("*.go") if folder != Path() else [*folder.glob("*.go"), *folder.glob("internal/core/*.go")]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sources if not path.name.endswith("_test.go")}
    files |= {"go.mod": text.encode(), "LICENSE": Path("../../LICENSE").read_bytes(), "README.md": Path("README.md").read_bytes()}
    versions = NEW / module / "@v"
    versions.mkdir(parents=True)
    (versions / "list").write_text(f"{VERSION}\n")
    (versions / f"{VERSION}.info").write_text(f'{{"Version":"{VERSION}","Time":"2020-01-01T00:00:00Z"}}\n')
    (versions / f"{VERSION}.mod").write_text(text)
    with zipfile.ZipFile(versions / f"{VERSION}.zip", "w") as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{module}@{VERSION}/{name}", TIME), content)
print(f"{ROOT}@{VERSION}")
END
)"
(cd ../.. && ./sdk/released.py put sdk/go "$new" "$package" sdk/go/internal/core/version.go)
echo "sdk/go/dist"

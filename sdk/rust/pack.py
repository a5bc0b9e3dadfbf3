"""The files of a cargo registry with this crate: its line in the index, and the archive that cargo downloads.

`cargo package` is not used: it asks the public index for every dependency, and the server must be built without a network. `config.json`,
the one file that needs the server's own address, is made by the server.

    pack.py METADATA TARGET     METADATA: what `cargo metadata --no-deps` says. Prints name@version
"""

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
PUBLIC_INDEX = "https://github.com/rust-lang/crates.io-index"


def archive(name: str) -> bytes:
    """A gzipped tar of the sources below `name`/, with neither times nor owners."""
    files = {path.relative_to(HERE).as_posix(): path.read_bytes() for path in HERE.glob("src/**/*.rs")}
    files["README.md"] = (HERE / "README.md").read_bytes()
    files["LICENSE"] = (HERE.parents[1] / "LICENSE").read_bytes()
    files["Cargo.toml"] = manifest().encode()
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(
        fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT
    ) as tar:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def manifest() -> str:
    """Cargo.toml without what only its developers need."""
    sections = re.split(r"^(?=\[)", (HERE / "Cargo.toml").read_text(), flags=re.M)
    own = ("[workspace", "[profile", "[dev-dependencies", "[[bench", "[[test", "[lints")
    return "".join(section for section in sections if not section.startswith(own))


def dependency(found: "dict[str, object]") -> "dict[str, object]":
    """A dependency as the index has it: under the name that the code uses, the crate's own in `package`."""
    renamed = {"package": found["name"]} if found["rename"] else {}
    return {
        "name": found["rename"] or found["name"],
        **renamed,
        "req": found["req"],
        "features": found["features"],
        "optional": found["optional"],
        "default_features": found["uses_default_features"],
        "target": found["target"],
        "kind": "normal",
        "registry": PUBLIC_INDEX,
    }


def main() -> None:
    (package,) = json.loads(Path(sys.argv[1]).read_text())["packages"]
    target = Path(sys.argv[2])
    name, version = package["name"], package["version"]
    packed = archive(f"{name}-{version}")
    line = {
        "name": name,
        "vers": version,
        "deps": [dependency(found) for found in package["dependencies"] if found["kind"] is None],
        "cksum": hashlib.sha256(packed).hexdigest(),
        "features": {},
        # `dep:` is newer than `features`.
        "features2": package["features"],
        "v": 2,
        "rust_version": package["rust_version"],
        "yanked": False,
    }
    files = {
        f"crates/{name}-{version}.crate": packed,
        # Where a sparse index has a name of four letters or more.
        f"{name[:2]}/{name[2:4]}/{name}": json.dumps(line, separators=(",", ":")).encode() + b"\n",
    }
    for path, content in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
    print(f"{name}@{version}")


main()

#!/usr/bin/env python3
"""Keeps the archives of released clients as they are: lock files pin their bytes and addresses, so a version has one content for ever.

    released.py put sdk/LANGUAGE NEW PACKAGE VERSION-FILE   fills sdk/LANGUAGE/dist, as the last step of its build.sh
    released.py add sdk/LANGUAGE...                         takes what dist has into sdk/LANGUAGE/released (`make release-clients`)
    released.py check sdk/LANGUAGE...                       that released is what its SHA256SUMS says

NEW is a folder with what was built, in the layout of dist. `put` adds the released archives to it. If a version that was built is
released, both must hold the same files (a compressor's version may differ), and the released bytes are what dist gets; else it stops.
PACKAGE becomes the line of dist/package. Three kinds of files:

- with a version in its path: an archive, or what a tool wants beside it. Never changes once it is released.
- a name without a dot: a list of versions, one a line (Go's `list`; a line of JSON in cargo's index). The released lines come first.
- any other: not kept, always the one that was built.
"""

import hashlib
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
SUMS = "SHA256SUMS"
PACKAGE = "package"


class Refusal(Exception):
    """Why nothing was done, in words for whoever runs the build."""


def read(folder: Path) -> "dict[str, bytes]":
    """The files by their paths."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write(folder: Path, files: "dict[str, bytes]") -> None:
    """Makes it the folder's content. A file that has it is left alone, so that nobody who watches it rebuilds."""
    for name, held in read(folder).items():
        if name not in files:
            (folder / name).unlink()
        elif files[name] == held:
            files = {other: wanted for other, wanted in files.items() if other != name}
    for name, wanted in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def read_released(sdk: Path) -> "dict[str, bytes]":
    """The released files, which must be those that the sums name."""
    files = read(sdk / "released")
    sums = files.pop(SUMS, b"")
    if sums != to_sums(files):
        raise Refusal(f"{sdk}/released is not what its {SUMS} says: take both from the commit that released them")
    return files


def to_sums(files: "dict[str, bytes]") -> bytes:
    """As sha256sum writes and checks it."""
    return "".join(f"{hashlib.sha256(held).hexdigest()}  {name}\n" for name, held in sorted(files.items())).encode()


def is_list(name: str) -> bool:
    last = name.rpartition("/")[2]
    return "." not in last and not VERSION.search(name) and last != PACKAGE


def merge_lists(released: bytes, built: bytes) -> bytes:
    lines = released.decode().splitlines()
    known = {version_of(line) for line in lines}
    lines += [line for line in built.decode().splitlines() if version_of(line) not in known]
    return "".join(f"{line}\n" for line in lines).encode()


def version_of(line: str) -> str:
    return str(json.loads(line)["vers"]) if line.startswith("{") else line


def contents(archive: bytes) -> "dict[str, object]":
    """Each member's bytes and mode; of what is no archive, its bytes."""
    if archive[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return {member.filename: (opened.read(member), member.external_attr >> 16) for member in opened.infolist()}
    if archive[:2] == b"\x1f\x8b":
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            return {
                member.name: (file.read() if (file := opened.extractfile(member)) else member.linkname, member.mode, member.type)
                for member in opened.getmembers()
            }
    return {"it": archive}


def put(sdk: Path, new: Path, package: str, version_file: str) -> None:
    built = read(new)
    files = dict(built)
    for name, held in read_released(sdk).items():
        if is_list(name):
            files[name] = merge_lists(held, built.get(name, b""))
            continue
        files[name] = held
        if name not in built:
            continue
        was, now = contents(held), contents(built[name])
        if was != now:
            different = sorted(part for part in {*was, *now} if was.get(part) != now.get(part))
            version = VERSION.findall(name)[-1]
            raise Refusal(
                f"{sdk} has changed since {version} was released: raise its version in {version_file} "
                f"({name}: {', '.join(different[:5])})"
            )
    files[PACKAGE] = f"{package}\n".encode()
    write(sdk / "dist", files)


def add(sdk: Path) -> "list[str]":
    """The names of what is now released and was not."""
    released = read_released(sdk)
    dist = read(sdk / "dist")
    if PACKAGE not in dist:
        raise Refusal(f"{sdk}/dist is not built: run `make clients`")
    kept = {name: held for name, held in dist.items() if is_list(name) or VERSION.search(name)}
    for name, held in released.items():
        if is_list(name):
            if not kept.get(name, b"").startswith(held):
                raise Refusal(f"{sdk}/dist/{name} lacks released lines: run `make clients`")
        elif kept.get(name) != held:
            raise Refusal(f"{sdk}/dist/{name} is not the released one: run `make clients`")
    new = sorted(name for name in kept if name not in released)
    if new:
        write(sdk / "released", {**kept, SUMS: to_sums(kept)})
    return new


def main(arguments: "list[str]") -> int:
    try:
        command, *rest = arguments or [""]
        if command == "put" and len(rest) == 4:
            put(Path(rest[0]), Path(rest[1]), rest[2], rest[3])
        elif command == "add" and rest:
            for sdk in rest:
                for name in add(Path(sdk)):
                    print(f"released {sdk}/released/{name}")
        elif command == "check" and rest:
            for sdk in rest:
                read_released(Path(sdk))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`sdk/released.py` on made-up clients: a released version never changes, stays in dist, and is what its sums say."""

import gzip
import importlib.util
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

SDK = Path(__file__).parents[2] / "sdk"
spec = importlib.util.spec_from_file_location("released", SDK / "released.py")
released = importlib.util.module_from_spec(spec)
spec.loader.exec_module(released)


def tar(level: int, mode: int = 0o644, **files: str) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), mode
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(plain.getvalue(), level, mtime=level)


def wheel(compression: int, **files: str) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", compression) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, compression)
    return into.getvalue()


class Sdk:
    """One made-up client's folder."""

    def __init__(self, folder: Path) -> None:
        self.at = folder / "sdk/made-up"
        self.at.mkdir(parents=True)
        self.builds = 0

    def build(self, package: str = "current", **files: bytes) -> "dict[str, bytes]":
        self.builds += 1
        new = self.at.parent / f"new-{self.builds}"
        for name, held in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(held)
        released.put(self.at, new, package, "sdk/made-up/version.txt")
        return released.read(self.at / "dist")

    def release(self) -> "list[str]":
        return released.add(self.at)


@pytest.fixture
def sdk(tmp_path: Path) -> Sdk:
    return Sdk(tmp_path)


def test_without_releases_dist_is_what_was_built(sdk: Sdk) -> None:
    sdk.build(**{"a-0.1.0.tgz": tar(1, a="1")})
    assert sdk.build("a-0.2.0", **{"a-0.2.0.tgz": tar(1, a="2")}) == {"a-0.2.0.tgz": tar(1, a="2"), "package": b"a-0.2.0\n"}


@pytest.mark.parametrize(
    ("was", "now"),
    [(tar(1, a="1" * 99, b="2"), tar(9, a="1" * 99, b="2")), (wheel(0, a="1" * 99), wheel(8, a="1" * 99))],
)
def test_a_released_version_is_handed_out_as_it_was(sdk: Sdk, was: bytes, now: bytes) -> None:
    sdk.build(**{"a-0.1.0": was})
    assert sdk.release() == ["a-0.1.0"]
    assert was != now
    assert sdk.build(**{"a-0.1.0": now})["a-0.1.0"] == was


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        (tar(1, a="1", b="2"), tar(1, a="1", b="3"), "b"),
        (tar(1, a="1"), tar(1, a="1", b="2"), "b"),
        (tar(1, a="1", b="2"), tar(1, a="1"), "b"),
        (tar(1, a="1"), tar(1, 0o755, a="1"), "a"),
        (wheel(8, a="1"), wheel(8, a="2"), "a"),
        (b"text", b"another", "it"),
    ],
)
def test_a_released_version_with_other_contents_is_refused(sdk: Sdk, was: bytes, now: bytes, named: str) -> None:
    before = sdk.build(**{"a-0.1.0": was})
    sdk.release()
    with pytest.raises(released.Refusal) as refusal:
        sdk.build(**{"a-0.1.0": now})
    assert str(refusal.value) == (
        f"{sdk.at} has changed since 0.1.0 was released: raise its version in sdk/made-up/version.txt (a-0.1.0: {named})"
    )
    assert released.read(sdk.at / "dist") == before


def test_an_old_version_stays_beside_the_new_one(sdk: Sdk) -> None:
    sdk.build(**{"deep/a-0.1.0.tgz": tar(1, a="1")})
    sdk.release()
    dist = sdk.build("new", **{"deep/a-0.2.0.tgz": tar(1, a="2"), "config.json": b"{}"})
    assert sorted(dist) == ["config.json", "deep/a-0.1.0.tgz", "deep/a-0.2.0.tgz", "package"]
    assert sdk.release() == ["deep/a-0.2.0.tgz"]
    assert "config.json" not in released.read(sdk.at / "released")
    assert sdk.release() == []


def test_lists_of_versions_keep_their_released_lines(sdk: Sdk) -> None:
    line = '{{"name":"a","vers":"{}","cksum":"{}"}}\n'.format
    sdk.build(**{"v/list": b"v0.1.0\n", "ap/i-/a": line("0.1.0", "as released").encode()})
    sdk.release()
    # An archive that was compressed otherwise has another sum, but the released one is handed out.
    index = line("0.1.0", "another") + line("0.2.0", "new")
    dist = sdk.build(**{"v/list": b"v0.2.0\n", "ap/i-/a": index.encode()})
    assert dist["v/list"] == b"v0.1.0\nv0.2.0\n"
    assert dist["ap/i-/a"].decode() == line("0.1.0", "as released") + line("0.2.0", "new")


def test_what_is_unchanged_is_not_written_again(sdk: Sdk) -> None:
    sdk.build(**{"a-0.1.0.tgz": tar(1, a="1")})
    sdk.release()
    times = {path: path.stat().st_mtime_ns for path in (sdk.at / "dist").iterdir()}
    sdk.build(**{"a-0.1.0.tgz": tar(1, a="1")})
    assert times == {path: path.stat().st_mtime_ns for path in (sdk.at / "dist").iterdir()}


@pytest.mark.parametrize("change", ["file", "sum", "more", "fewer", "no sums"])
def test_released_files_and_their_sums_change_together_or_nothing_is_built(sdk: Sdk, change: str) -> None:
    sdk.build(**{"a-0.1.0.tgz": tar(1, a="1"), "a-0.1.0.info": b"1"})
    sdk.release()
    kept = sdk.at / "released"
    if change == "file":
        (kept / "a-0.1.0.tgz").write_bytes(tar(2, a="1"))
    elif change == "sum":
        (kept / "SHA256SUMS").write_text((kept / "SHA256SUMS").read_text().replace("a", "b"))
    elif change == "more":
        (kept / "a-0.0.9.tgz").write_bytes(tar(1, a="0"))
    elif change == "fewer":
        (kept / "a-0.1.0.info").unlink()
    else:
        (kept / "SHA256SUMS").unlink()
    for act in (sdk.build, sdk.release, lambda: released.read_released(sdk.at)):
        with pytest.raises(released.Refusal, match="is not what its SHA256SUMS says"):
            act()


def test_only_a_whole_build_can_be_released(sdk: Sdk) -> None:
    with pytest.raises(released.Refusal, match="is not built"):
        sdk.release()
    sdk.build(**{"a-0.1.0.tgz": tar(1, a="1"), "list": b"v0.1.0\n"})
    sdk.release()
    (sdk.at / "dist/list").write_bytes(b"v0.2.0\n")
    with pytest.raises(released.Refusal, match="lacks released lines"):
        sdk.release()
    (sdk.at / "dist/list").write_bytes(b"v0.1.0\n")
    (sdk.at / "dist/a-0.1.0.tgz").write_bytes(tar(1, a="2"))
    with pytest.raises(released.Refusal, match="is not the released one"):
        sdk.release()


def test_what_is_released_of_each_client_is_what_its_sums_say() -> None:
    for language in SDK.iterdir():
        if language.is_dir():
            released.read_released(language)

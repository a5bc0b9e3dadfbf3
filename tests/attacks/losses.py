"""Ways to lose files of a data folder, and the server's messages about them."""

from pathlib import Path

import pytest

import folder
from posting import create_project, post, settle, wait_for
from server import Server

SETTINGS = {"active_rows": 300, "checkpoint_ms": 50, "merge_at": 3}
DATABASES = ("inbox.sqlite", "meta.sqlite")


def fill(server: Server) -> dict[str, list[str]]:
    """Two projects with sealed files and an active one. Returns the paths of each project, by its key."""
    paths: dict[str, list[str]] = {}
    for name in ("first", "second"):
        _, key = create_project(server, name)
        paths[key] = []
    for turn in range(6):
        for key, posted in paths.items():
            post(server, key, more := [f"/{turn}/{number}" for number in range(100)], user=f"user{turn}")
            posted += more
        settle(server)
    wait_for("a file is sealed", lambda: folder.sealed_files(server.data))
    return paths


def take(data: Path, name: str) -> dict[Path, bytes]:
    """A database with its log, as they are."""
    return {path: path.read_bytes() for path in data.glob(f"{name}*") if not path.name.endswith("-shm")}


def remove(data: Path, name: str) -> None:
    for path in data.glob(f"{name}*"):
        path.unlink()


def empty(data: Path, name: str) -> None:
    remove(data, name)
    (data / name).touch()


def tear(data: Path, name: str) -> None:
    remove(data, name)
    (data / name).write_bytes(b"not a database, " * 4_096)


def put_back(data: Path, name: str, copy: dict[Path, bytes]) -> None:
    remove(data, name)
    for path, content in copy.items():
        path.write_bytes(content)


def refused(server: Server) -> str:
    """Returns the output of a server that refuses to start."""
    before = len(server.log())
    server.start(wait=False)
    code = server.process.wait(90)
    said = server.log()[before:]
    assert code != 0, said
    assert f"api-analytics repair --data {server.data}" in said, said
    return said


def data_files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*folder.sealed_files(data), *folder.active_files(data)]}


def every_loss(test):
    """Applied to each database and to both: removed, emptied, or torn."""
    losses = pytest.mark.parametrize("loss", [remove, empty, tear], ids=lambda loss: loss.__name__)
    names = pytest.mark.parametrize("names", [DATABASES[:1], DATABASES[1:], DATABASES], ids="+".join)
    return losses(names(test))

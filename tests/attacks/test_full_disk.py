"""A disk that other programs fill to the last byte."""

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from folder import find_bytes, find_rows
from posting import create_key, make_batch, make_hit, post, read_paths, settle, wait_for
from server import Server

SETTINGS = {"disk_free_percent": 1, "disk_free_bytes": "40MB", "reserve_bytes": "24MB", "calm_rows": 1, "calm_seconds": 1}


@pytest.fixture
def disk(tmp_path):
    """A disk of 192 MB."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", where], capture_output=True)
    if mounted.returncode:
        pytest.xfail("not allowed to mount a small disk")
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def free(disk: Path) -> int:
    return os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as out:
        while True:
            out.write(bytes(1 << 20))
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as out:
        while True:
            out.write(bytes(4_096))
    assert free(disk) < 4_096, "the disk is full"
    return filler


def server_on(servers, disk: Path) -> Server:
    server = servers("disk/data", **SETTINGS)
    server.log_path = disk.parent / "server.log"
    return server


def test_a_full_disk_stops_neither_the_start_nor_erasures(servers, disk):
    """A former bug: the start failed. Hits are refused, existing data is shown, and erasures work."""
    server = server_on(servers, disk).start()
    key = create_key(server)
    post(server, key, [f"/alice/{n}" for n in range(500)], user="alice-needle")
    post(server, key, [f"/bob/{n}" for n in range(500)], user="bob-needle")
    settle(server)
    assert (server.data / "reserve").stat().st_blocks * 512 >= 24_000_000
    server.stop()
    filler = fill(disk)
    server.start()
    assert len(read_paths(server, key)) == 1_000
    assert server.call("GET", "/api/v1/dashboard?period=24h", key=key).status == 200
    refused = server.call("POST", "/api/requests", make_batch([make_hit("/x")]), key)
    assert (refused.status, refused.json()["code"]) == (503, "disk_low")
    assert any("disk" in problem for problem in server.problems())
    erased = server.call("DELETE", "/api/v1/consumers/u:alice-needle", key=key).must().json()
    assert erased["erased"] == 500, erased
    assert not [path for path in read_paths(server, key) if path.startswith("/alice/")]
    # Also after a kill.
    server.kill()
    server.start()
    assert len(read_paths(server, key)) == 500
    filler.unlink()
    wait_for("hits are kept again", lambda: post_status(server, key) == 200, every=0.2)
    wait_for("room is kept back again", lambda: (server.data / "reserve").exists(), every=0.2)
    server.stop()
    assert find_rows(server.data, "bob-needle"), "what is kept is found"
    assert not find_rows(server.data, "alice-needle") and not find_bytes(server.data, "alice-needle")
    assert server.start().call("GET", "/api/health").status == 200


def post_status(server: Server, key: str) -> int:
    return server.call("POST", "/api/requests", make_batch([make_hit("/again")]), key).status


def test_an_erasure_that_finds_no_room_says_so_and_is_done_later(servers, disk):
    """A former bug: it waited without end."""
    server = server_on(servers, disk)
    server.settings["reserve_bytes"] = "1KB"
    server.start()
    key = create_key(server)
    # Texts that don't compress: their file is large.
    for turn in range(20):
        paths = [f"/{turn}/{n}/{os.urandom(400).hex()}" for n in range(500)]
        post(server, key, paths, user=f"user{turn % 2}")
    settle(server)
    wait_for("a sealed file", lambda: server.metric("active_rows") == 0, every=0.2)
    filler = fill(disk)
    # The erasure itself can be noted; a file of some 8 MB cannot be rewritten.
    os.truncate(filler, filler.stat().st_size - (512 << 10))
    began = time.monotonic()
    answer = server.call("DELETE", "/api/v1/consumers/u:user1", key=key)
    took = time.monotonic() - began
    assert (answer.status, answer.json()["code"]) == (503, "erasure_waits"), answer.body
    assert took < 40, f"{took:.0f} s"
    assert server.call("GET", "/api/v1/dashboard?period=24h", key=key).status == 200
    filler.unlink()

    def is_erased() -> bool:
        return server.call("DELETE", "/api/v1/consumers/u:user1", key=key).status in (200, 404)

    wait_for("it is erased", is_erased, 120, 1)
    wait_for("half is left", lambda: len(read_paths(server, key)) == 5_000, every=0.5)
    wait_for("all is well", lambda: server.problems() == [], every=0.5)

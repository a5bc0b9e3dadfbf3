"""Disk problems: a log or a file on it is damaged, or it is full."""

import contextlib
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

import folder
from posting import create_key, make_batch, make_hit, post, read_hits, read_paths, settle, wait_for
from sealed import flip_a_byte, make_sealed
from server import BROKEN, Connection, Server

# An unreadable log.


def truncate_half(log: bytes) -> bytes:
    return log[: len(log) // 2]


def truncate_to_a_byte(log: bytes) -> bytes:
    return log[:1]


def empty(log: bytes) -> bytes:
    return b""


def noise(log: bytes) -> bytes:
    return random.Random(1).randbytes(len(log))


def noise_in_the_middle(log: bytes) -> bytes:
    third = len(log) // 3
    return log[:third] + random.Random(2).randbytes(third) + log[2 * third :]


def one_bit(log: bytes) -> bytes:
    at = len(log) * 2 // 3
    return log[:at] + bytes([log[at] ^ 0x10]) + log[at + 1 :]


def noise_behind(log: bytes) -> bytes:
    return log + random.Random(3).randbytes(5_000)


@pytest.mark.parametrize(
    "damage",
    [truncate_half, truncate_to_a_byte, empty, noise, noise_in_the_middle, one_bit, noise_behind],
    ids=lambda damage: damage.__name__,
)
def test_a_bad_log_of_the_active_file_loses_nothing(servers, damage):
    # No checkpoint by itself: the hits are only in the log.
    server = servers(checkpoint_ms=600_000).start()
    key, other = create_key(server), create_key(server)
    paths = []
    for turn in range(3):
        paths += (more := [f"/{turn}/{n}" for n in range(200)])
        post(server, key, more, user="alice")
        settle(server)
    post(server, other, ["/other"])
    settle(server)
    server.kill()
    (log,) = (server.data / "hits").glob("active-*.duckdb.wal")
    before = log.read_bytes()
    assert len(before) > 10_000, "the rows are not in the log, so nothing is shown here"
    log.write_bytes(damage(before))

    server.start()
    settle(server)
    assert read_paths(server, key) == sorted(paths)
    assert read_paths(server, other) == ["/other"]
    assert server.problems() == []
    # It continues as if nothing had happened: also over another crash, and a clean end.
    post(server, key, ["/after"])
    server.kill()
    server.start()
    settle(server)
    assert read_paths(server, key) == sorted([*paths, "/after"])
    # A log that was set aside holds rows, so the next erasure deletes it.
    assert server.call("DELETE", "/api/v1/consumers/u:alice", key=key).must().json()["erased"] == len(paths)
    assert not [name for name in folder.file_names(server.data) if ".bad-" in name]
    server.stop()
    assert folder.find_rows(server.data, "alice") == []
    server.start()
    assert read_paths(server, key) == ["/after"]


def test_a_log_that_is_set_aside_is_said(servers):
    server = servers(checkpoint_ms=600_000).start()
    key = create_key(server)
    post(server, key, [f"/{n}" for n in range(500)])
    settle(server)
    server.kill()
    (log,) = (server.data / "hits").glob("active-*.duckdb.wal")
    log.write_bytes(noise_in_the_middle(log.read_bytes()))
    server.start()
    assert [name for name in folder.file_names(server.data) if ".wal.bad-" in name]
    assert "set aside" in server.log()
    settle(server)
    assert len(read_hits(server, key)) == 500


def test_an_active_file_that_is_gone_is_said(servers):
    server = servers(checkpoint_ms=50, active_rows=20).start()
    key = create_key(server)
    sealed = [f"/sealed/{number}" for number in range(20)]
    post(server, key, sealed)
    wait_for("a file is sealed", lambda: folder.sealed_files(server.data) and len(folder.active_files(server.data)) == 1)
    post(server, key, ["/in/the/file"])
    settle(server)
    wait_for("the inbox is trimmed", lambda: server.metric("inbox_bytes") == 0)
    server.kill()
    (active,) = folder.active_files(server.data)
    active.unlink()
    server.start()
    # The hits are lost, which is reported; new ones are kept.
    wait_for("health says it", lambda: any("lost" in problem for problem in server.problems()))
    assert server.call("GET", "/api/health").status == 500
    post(server, key, ["/after"])
    settle(server)
    assert read_paths(server, key) == sorted([*sealed, "/after"])


# A damaged sealed file.


def cut_off_the_end(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 4_096)


def overwrite_the_head(file: Path) -> None:
    with file.open("r+b") as out:
        out.write(random.Random(4).randbytes(12_288))


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    "damage", [flip_a_byte, cut_off_the_end, overwrite_the_head, remove], ids=lambda damage: damage.__name__
)
def test_a_damaged_sealed_file_is_named_and_the_rest_served(servers, damage):
    server, key, paths = make_sealed(servers)
    name = sorted(paths)[2]
    damage(server.data / "hits" / name)
    server.start()
    wait_for("health names it", lambda: any(name in problem for problem in server.problems()))
    health = server.call("GET", "/api/health").must(500).json()
    assert health["status"] == "unhealthy"
    rest = sorted(path for file, batch in paths.items() if file != name for path in batch)
    assert read_paths(server, key) == rest
    assert len(server.call("GET", "/api/data", key=key).must().json()) == len(rest)
    # New hits are kept, and a restart reports the same.
    post(server, key, ["/after"])
    settle(server)
    server.restart()
    wait_for("health names it again", lambda: any(name in problem for problem in server.problems()))
    assert read_paths(server, key) == sorted([*rest, "/after"])


def test_an_undamaged_folder_is_well(servers):
    """The counter-example to the test above: intact files are not reported."""
    server, key, paths = make_sealed(servers)
    server.start()
    time.sleep(4)
    assert server.problems() == []
    assert len(read_paths(server, key)) == sum(map(len, paths.values()))


# A full disk.


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 48 MB if we may mount one."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", where], capture_output=True)
    yield where if mounted.returncode == 0 else None
    if mounted.returncode == 0:
        subprocess.run(["umount", "-l", where], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    # The server uses some of it meanwhile.
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as out:
        out.write(bytes(max(0, free - leave_bytes)))
    return filler


def answers(server: Server) -> bool:
    with contextlib.suppress(*BROKEN):
        return bool(server.call("GET", "/api/health").status)
    return False


def assert_refused(answer, codes: list[str]) -> None:
    assert answer.status == 503, (answer.status, answer.body)
    assert answer.json()["code"] in codes, answer.body
    assert answer.json()["status"] == 503 and len(answer.json()["message"]) > 20
    assert int(answer.headers["Retry-After"]) > 0


def test_little_free_disk_refuses_hits_and_nothing_else(servers, small_disk):
    server = servers("disk/data" if small_disk else "data", disk_free_percent=25, disk_free_bytes="1MB")
    server.log_path = server.data.parent.parent / "server.log"
    if not small_disk:
        # Without the right to mount, a limit that the machine's disk cannot meet shows the refusal, but not the
        # recovery.
        server.settings["disk_free_percent"] = 99
        server.start()
        assert_refused(
            server.call("POST", "/api/requests", make_batch([make_hit("/x")]), create_key(server)), ["disk_low"]
        )
        pytest.xfail("not allowed to mount a small disk: only the refusal was shown")
    server.start()
    key = create_key(server)
    post(server, key, ["/before"])
    settle(server)
    filler = fill(small_disk, leave_bytes=8 << 20)
    wait_for(
        "hits are refused",
        lambda: server.call("POST", "/api/requests", make_batch([make_hit("/early")]), key).status == 503,
    )
    batch = make_batch([make_hit("/while/full")])
    assert_refused(server.call("POST", "/api/requests", batch, key), ["disk_low"])
    # Existing data can be read and erased, and is reported as endangered.
    assert "/before" in read_paths(server, key)
    assert any("disk" in problem for problem in server.problems())
    assert server.call("DELETE", "/api/v1/consumers/u:nobody", key=key).status == 404
    filler.unlink()
    wait_for("hits are kept again", lambda: server.call("POST", "/api/requests", batch, key).status == 200)
    settle(server)
    assert read_paths(server, key).count("/while/full") == 1
    wait_for("it is well", lambda: server.problems() == [])


def test_a_disk_that_is_full_to_the_last_byte_loses_nothing(servers, small_disk):
    if not small_disk:
        pytest.xfail("not allowed to mount a small disk")
    server = servers("disk/data", disk_free_percent=1, disk_free_bytes="64KB", active_rows=3_000, checkpoint_ms=50, merge_at=3)
    server.log_path = server.data.parent.parent / "server.log"
    server.start()
    key = create_key(server)
    acknowledged: list[str] = []
    refused = 0
    connection = Connection(server.port)
    filler = small_disk / "filler"
    numbers = iter(range(1_000_000))
    pending: dict | None = None
    for turn in range(3):
        # Only a few pages are left, in the middle of whatever it is doing.
        fill(small_disk, leave_bytes=random.Random(turn).randrange(0, 600_000))
        until, full_answers = time.monotonic() + 20, 0
        while full_answers < 15 and time.monotonic() < until:
            if pending is None:
                number = next(numbers)
                pending = make_batch([make_hit(f"/{number}/{n}/{'x' * 200}") for n in range(100)], f"batch-{number}")
            answer = connection.call("POST", "/api/requests", pending, key)
            if answer.status == 503:
                assert_refused(answer, ["disk_low", "write_failed"])
                full_answers += 1
                fill(small_disk, leave_bytes=0)
                time.sleep(0.02)
            else:
                answer.must()
                acknowledged += [hit["path"] for hit in pending["requests"]]
                pending = None
        assert full_answers, "the disk never was full"
        refused += full_answers
        if turn == 1:
            server.kill()
            server.start(wait=False)
            # It starts, or it reports why it cannot.
            wait_for("it does one or the other", lambda: not server.is_running() or answers(server))
            assert (
                server.is_running()
                or "disk is full" in server.log()[-1_000:]
                or "No space left" in server.log()[-1_000:]
            )
        filler.unlink()
        if not server.is_running():
            server.start()
        server.wait_until_ready()
        connection.close()

        if pending:

            def posted_again(batch=pending) -> bool:
                return connection.call("POST", "/api/requests", batch, key).status == 200

            wait_for("hits are kept again", posted_again)
            acknowledged += [hit["path"] for hit in pending["requests"]]
            pending = None
        wait_for("everything is applied", lambda: server.metric("inbox_records") == 0)
    assert refused and acknowledged
    assert read_paths(server, key) == sorted(acknowledged)
    wait_for("it is well", lambda: server.problems() == [])
    server.kill()
    server.start()
    settle(server)
    assert read_paths(server, key) == sorted(acknowledged)
    server.stop()

"""`api-analytics repair` makes a folder whole of what is left of it, and says what is not."""

import re
import signal
import subprocess
import time

import pytest

import folder
from attacks.test_lost_files import DATABASES, SETTINGS, empty, fill, put_back, refused, remove, take, tear
from posting import create_project, post, read_paths, settle, wait_for
from server import Server, binary, clean_environment, must_run, run


def repair(server: Server) -> str:
    said = must_run("repair", "--yes", data=server.data)
    return said


def paths_of(server: Server, project: int) -> list[str]:
    """Through a key that only the operator can make."""
    said = must_run("key", "add", "--project", str(project), data=server.data)
    key = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", said)[0]
    return read_paths(server, key)


@pytest.mark.parametrize("loss", [remove, empty, tear], ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("names", [DATABASES[:1], DATABASES[1:], DATABASES], ids="+".join)
def test_a_folder_without_a_database_is_made_whole(servers, names, loss):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    for name in names:
        loss(server.data, name)
    refused(server)
    said = repair(server)
    assert f"{sum(map(len, paths.values()))} hits" in said, said
    assert "Every record is in a file" in said, said
    server.start()
    if "meta.sqlite" in names:
        assert re.findall(r"Recovered project (\d)", said) == ["1", "2"]
        for project, posted in zip((1, 2), paths.values(), strict=True):
            assert paths_of(server, project) == sorted(posted)
    else:
        for key, posted in paths.items():
            assert read_paths(server, key) == sorted(posted)
    assert server.problems() == []
    assert create_project(server, "next")[0] == 3
    server.restart()
    assert server.problems() == []


def test_a_whole_folder_is_left_alone(servers):
    server = servers(**SETTINGS).start()
    fill(server)
    held = run("repair", "--yes", data=server.data)
    assert held.returncode != 0 and "stop it first" in held.stderr
    server.stop()
    before = take(server.data, "inbox.sqlite")
    assert "nothing to repair" in repair(server)
    assert take(server.data, "inbox.sqlite") == before
    remove(server.data, "inbox.sqlite")
    asked = run("repair", data=server.data, stdin=subprocess.DEVNULL)
    assert asked.returncode != 0 and "--yes" in asked.stderr


@pytest.mark.parametrize("name", DATABASES)
def test_an_older_copy_is_made_whole(servers, name):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    older = take(server.data, name)
    server.start()
    later, key = create_project(server, "later")
    for number in range(5):
        post(server, key, more := [f"/later/{number}/{n}" for n in range(100)])
        paths.setdefault(key, []).extend(more)
    settle(server)
    server.stop()
    put_back(server.data, name, older)
    refused(server)
    said = repair(server)
    server.start()
    for number, (key, posted) in enumerate(paths.items()):
        if name == "meta.sqlite" and number == 2:
            assert "Recovered project 3" in said
            assert paths_of(server, later) == sorted(posted)
        else:
            assert read_paths(server, key) == sorted(posted)
    assert create_project(server, "next")[0] == later + 1
    assert server.problems() == []


def test_what_was_erased_stays_erased_also_without_both_databases(servers):
    """A file that an erasure has replaced, and that a crash left, must not bring anything back."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    first, second = paths
    settle(server)
    server.stop()
    old = {path.name: path.read_bytes() for path in folder.sealed_files(server.data)}
    assert folder.find_rows(server.data, "user1"), "nothing to erase, which proves nothing"
    server.start()
    erased = server.call("DELETE", "/api/v1/consumers/u:user1", key=first).must().json()["erased"]
    assert erased == 100
    post(server, first, ["/after"], user="user1")
    settle(server)
    server.stop()
    for name in ("inbox.sqlite",):
        remove(server.data, name)
    for name, content in old.items():
        if not (server.data / "hits" / name).exists():
            (server.data / "hits" / name).write_bytes(content)
    repair(server)
    server.start()
    kept = sorted([*(path for path in paths[first] if not path.startswith("/1/")), "/after"])
    assert read_paths(server, first) == kept
    assert read_paths(server, second) == sorted(paths[second])


def test_a_repair_that_is_killed_is_begun_again(servers):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    remove(server.data, "inbox.sqlite")
    kills = 0
    for turn in range(40):
        process = subprocess.Popen(
            [binary(), "repair", "--yes", f"--data={server.data}"],
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.02 + turn * 0.02)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if turn % 2 else signal.SIGTERM)
            kills += 1
        if process.wait(30) == 0:
            break
    assert kills >= 3, kills
    run("repair", "--yes", data=server.data)
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    assert server.problems() == []
    assert len(list(server.data.glob("repaired-*"))) == 1

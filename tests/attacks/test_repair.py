"""`api-analytics repair` rebuilds a whole folder from what is left of it, and reports what is lost."""

import re
import shutil
import signal
import sqlite3
import subprocess
import time

import duckdb
import pytest

import folder
from attacks.losses import DATABASES, SETTINGS, every_loss, fill, put_back, refused, remove, take
from posting import create_project, post, read_paths, settle, wait_for
from server import Server, binary, clean_environment, must_run, run


def repair(server: Server) -> str:
    said = must_run("repair", "--yes", data=server.data)
    return said


def fill_active(server: Server, paths: dict[str, list[str]]) -> None:
    """Everything else is sealed, and only the active file has the newest hits."""
    wait_for("one active file is left", lambda: len(folder.active_files(server.data)) == 1)
    for turn in range(9):
        for key, posted in paths.items():
            post(server, key, more := [f"/newest/{turn}/{number}" for number in range(100)])
            posted += more
        settle(server)
        wait_for("the inbox lets go of them", lambda: server.metric("inbox_bytes") == 0)
        wait_for("one active file is left", lambda: len(folder.active_files(server.data)) == 1)
        # How many batches go into one transaction is chance: with these the file may just have been full, and been sealed.
        if server.metric("active_rows") > 0:
            return
    raise AssertionError("whatever is posted, the active file is empty")


def paths_of(server: Server, project: int) -> list[str]:
    """Through a key that only the operator can create."""
    said = must_run("key", "add", "--project", str(project), data=server.data)
    key = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", said)[0]
    return read_paths(server, key)


@every_loss
def test_a_folder_without_a_database_is_made_whole(servers, names, loss):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    for name in names:
        loss(server.data, name)
    refused(server)
    said = repair(server)
    assert f"{sum(map(len, paths.values()))} hits" in said, said
    assert "Every record up to 12 is in a file" in said, said
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
    """A file that an erasure has replaced, and that a crash left behind, must not restore anything."""
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
        if process.wait(90) == 0:
            break
    assert kills >= 3, kills
    run("repair", "--yes", data=server.data)
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    assert server.problems() == []
    assert len(list(server.data.glob("repaired-*"))) == 1


def test_an_erasure_is_applied_again_to_a_file_that_comes_back(servers):
    """A file with only erased hits has no successor: only the ledger knows of it."""
    server = servers(**SETTINGS | {"merge_at": 1_000}).start()
    _, key = create_project(server, "shop")
    post(server, key, [f"/gone/{number}" for number in range(400)], user="gone")
    settle(server)
    wait_for("it is sealed", lambda: folder.sealed_files(server.data))
    post(server, key, ["/kept"], user="kept")
    settle(server)
    server.kill()
    (sealed,) = folder.sealed_files(server.data)
    content = sealed.read_bytes()
    server.start()
    assert server.call("DELETE", "/api/v1/consumers/u:gone", key=key).must().json()["erased"] == 400
    post(server, key, ["/again"], user="gone")
    settle(server)
    server.stop()
    assert not sealed.exists()
    sealed.write_bytes(content)
    assert folder.find_rows(server.data, "/gone/")
    remove(server.data, "inbox.sqlite")
    repair(server)
    assert not folder.find_rows(server.data, "/gone/")
    server.start()
    assert read_paths(server, key) == ["/again", "/kept"]


def test_a_log_that_was_cut_costs_what_stood_in_it_alone(servers):
    """A former bug: 387,000 of 403,001 hits were lost, and only health said so."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.kill()
    log = server.data / "inbox.sqlite-wal"
    assert log.stat().st_size > 100_000, "nothing stands in the log, which proves nothing"
    log.write_bytes(log.read_bytes()[:4_096])
    said = refused(server)
    assert "log was cut" in said, said
    said = repair(server)
    # Everything was applied before: it is in the data files.
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    ids = [hit["hit_id"] for key in paths for hit in server.call("GET", "/api/v1/hits?limit=1", key=key).must().json()["hits"]]
    key = next(iter(paths))
    post(server, key, ["/after"])
    settle(server)
    newest = server.call("GET", "/api/v1/hits?limit=1", key=key).must().json()["hits"][0]
    assert newest["path"] == "/after" and newest["hit_id"] not in ids
    assert server.problems() == []


def test_records_that_are_in_no_file_are_said_until_an_operator_takes_note(servers):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    fill_active(server, paths)
    server.kill()
    for file in folder.active_files(server.data):
        file.unlink()
    server.start()
    wait_for("health says it", lambda: any("are in no file" in problem for problem in server.problems()))
    said = [problem for problem in server.problems() if "are in no file" in problem]
    first, last = map(int, re.search(r"records (\d+) to (\d+)", said[0]).groups())
    server.restart()
    assert [problem for problem in server.problems() if "are in no file" in problem] == said
    server.stop()
    assert f"records {first} to {last}" in repair(server)
    server.start()
    assert server.problems() == []
    posted = sorted(path for more in paths.values() for path in more)
    kept = sorted(path for key in paths for path in read_paths(server, key))
    assert kept and len(kept) < len(posted)
    # A record is a batch: exactly the reported ones are missing.
    assert len(posted) - len(kept) == 100 * (last - first + 1)


def stray(server: Server, name: str = "sealed-00000900.duckdb") -> str:
    """A copy of a sealed file that no manifest names."""
    source = folder.sealed_files(server.data)[0]
    (server.data / "hits" / name).write_bytes(source.read_bytes())
    return name


def test_a_file_that_nothing_names_is_set_aside_noted_and_erased(servers):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    first, _second = paths
    server.stop()
    # Not a data file at all: nobody can say what it holds.
    (server.data / "hits" / "sealed-00000900.duckdb").write_bytes(b"hits of nobody knows whom" * 1_000)
    server.start()
    aside = server.data / "hits" / "set-aside" / "sealed-00000900.duckdb"
    assert aside.exists()
    health = server.call("GET", "/api/health").must(200).json()
    assert health["status"] == "healthy" and any("set aside" in note for note in health["notes"]), health
    server.restart()
    assert aside.exists() and server.call("GET", "/api/health").must().json()["notes"]
    server.call("DELETE", "/api/v1/consumers/u:user1", key=first).must()
    assert not aside.exists()
    assert "notes" not in server.call("GET", "/api/health").must().json()


def test_a_copy_of_what_is_held_is_removed_at_the_start(servers):
    """The trace of a crash: a file whose hits are all in named files."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    name = stray(server)
    server.start()
    assert name not in folder.file_names(server.data)
    assert not (server.data / "hits" / "set-aside").exists()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    assert server.problems() == []


def test_what_a_later_version_wrote_stops_the_start(servers):
    server = servers(**SETTINGS).start()
    fill(server)
    server.stop()
    sealed = folder.sealed_files(server.data)[0]
    whole = sealed.read_bytes()
    with duckdb.connect(str(sealed)) as database:
        database.execute("UPDATE progress SET format = 999")
    with sqlite3.connect(server.data / "inbox.sqlite") as inbox:
        inbox.execute("UPDATE files SET bytes = ? WHERE id = ?", [sealed.stat().st_size, int(sealed.name[7:15])])
    inbox.close()
    before = len(server.log())
    server.start(wait=False)
    assert server.process.wait(90) != 0
    assert "has format 999" in server.log()[before:] and "Start the newer version" in server.log()[before:]
    sealed.write_bytes(whole)
    with sqlite3.connect(server.data / "inbox.sqlite") as inbox:
        inbox.execute("UPDATE files SET bytes = ? WHERE id = ?", [len(whole), int(sealed.name[7:15])])
        last = inbox.execute("SELECT max(last_seq) FROM files").fetchone()[0] + 1_000
        record = bytes([99, 1]) + b"\0" * 40
        frame = len(record).to_bytes(4, "little") + (0).to_bytes(4, "little")
        inbox.execute("INSERT INTO records VALUES (?, ?, ?)", [last, last, frame + record])
    inbox.close()
    before = len(server.log())
    server.start(wait=False)
    assert server.process.wait(90) != 0
    assert "has version 99" in server.log()[before:] and "Start the newer version" in server.log()[before:]


def test_an_erasure_reaches_into_what_a_repair_has_kept(servers):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    first, _second = paths
    server.stop()
    remove(server.data, "meta.sqlite")
    repair(server)
    server.start()
    said = must_run("key", "add", "--project", "1", data=server.data)
    key = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", said)[0]
    (kept,) = server.data.glob("repaired-*")
    assert list(kept.glob("hits/*.duckdb"))
    wait_for("it is noted", lambda: any("repair" in note for note in server.call("GET", "/api/health").must().json().get("notes", [])))
    assert server.call("DELETE", "/api/v1/consumers/u:user1", key=key).must().json()["erased"] == 100
    # An empty active file may remain: nothing of the project is in it.
    assert not list(kept.glob("inbox*")) and not list(kept.glob("hits/sealed-*"))
    for path in kept.glob("hits/*.duckdb"):
        with folder.open_copy(path) as database:
            assert database.execute("SELECT count(*) FROM hits WHERE project = 1").fetchone() == (0,)
    server.stop()
    left = folder.find_rows(server.data, "user1")
    # The other project's.
    assert left
    server.start()
    assert len(read_paths(server, key)) == len(paths[first]) - 100


def test_records_of_an_older_inbox_fill_a_gap_between_files(servers):
    """A sealed file is lost too, and the older copy of the inbox still has some of its records."""
    server = servers(**SETTINGS | {"merge_at": 1_000, "checkpoint_ms": 600_000}).start()
    _, key = create_project(server, "shop")

    def batch(number: int) -> list[str]:
        post(server, key, more := [f"/{number}/{n}" for n in range(100)])
        settle(server)
        return more

    posted = [batch(number) for number in range(2)]
    older = take(server.data, "inbox.sqlite")
    posted += [batch(number) for number in range(2, 9)]
    wait_for("two files are sealed", lambda: len(folder.sealed_files(server.data)) >= 2)
    server.stop()
    lost = folder.sealed_files(server.data)[0]
    lost.unlink()
    put_back(server.data, "inbox.sqlite", older)
    refused(server)
    said = repair(server)
    first, last = map(int, re.search(r"  records? (\d+)(?: to (\d+))?", said).groups(default=0))
    missing = max(last, first) - first + 1
    assert first == 3, said
    server.start()
    kept = read_paths(server, key)
    assert kept == sorted(path for number, more in enumerate(posted, 1) for path in more if not 3 <= number < 3 + missing)
    assert server.problems() == []


def test_an_active_file_that_is_damaged_stops_the_start_and_costs_its_own_records(servers):
    """A former bug: it was set aside at the start, with hits that nothing else had."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    fill_active(server, paths)
    server.kill()
    (active,) = folder.active_files(server.data)
    content = active.read_bytes()
    active.write_bytes(b"x" * 12_288 + content[12_288:])
    said = refused(server)
    assert f"hits/{active.name} cannot be read" in said and active.exists()
    active.write_bytes(content)
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    server.kill()
    active.write_bytes(b"x" * 12_288 + content[12_288:])
    refused(server)
    said = repair(server)
    assert f"cannot be read: hits/{active.name}" in said
    first, last = map(int, re.search(r"  records? (\d+)(?: to (\d+))?", said).groups(default=0))
    server.start()
    kept = sum(len(read_paths(server, key)) for key in paths)
    assert sum(map(len, paths.values())) - kept == 100 * (max(first, last) - first + 1)
    assert server.problems() == []


def test_a_project_that_stands_in_no_table_is_noted_and_recovered(servers):
    server = servers(**SETTINGS).start()
    fill(server)
    server.stop()
    with sqlite3.connect(server.data / "meta.sqlite") as meta:
        meta.execute("DELETE FROM keys WHERE project = 2")
        meta.execute("DELETE FROM projects WHERE id = 2")
    meta.close()
    server.start()
    notes = server.call("GET", "/api/health").must().json()["notes"]
    assert [note for note in notes if note.startswith("project 2 has hits")], notes
    server.stop()
    assert "Recovered project 2" in repair(server)
    server.start()
    assert len(paths_of(server, 2)) == 600


def test_lost_keys_of_the_ledger_are_said(servers):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    first = next(iter(paths))
    server.call("DELETE", "/api/v1/consumers/u:user1", key=first).must()
    server.stop()
    for name in DATABASES:
        remove(server.data, name)
    said = repair(server)
    assert "1 erasures of users or addresses could not be applied again" in said, said
    server.start()
    assert not [path for path in paths_of(server, 1) if path.startswith("/1/")]


def test_a_frozen_file_that_is_missing_is_not_made_anew(servers):
    """A former bug: an empty file took its name, and its loss looked like damage."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    fill_active(server, paths)
    server.stop()
    (active,) = folder.active_files(server.data)
    with sqlite3.connect(server.data / "inbox.sqlite") as inbox:
        last = int.from_bytes(inbox.execute("SELECT value FROM state WHERE name = 'trimmed_to'").fetchone()[0], "little")
        inbox.execute("UPDATE files SET kind = 'frozen', last_seq = ? WHERE kind = 'active'", [last])
    inbox.close()
    active.unlink()
    server.start()
    assert [problem for problem in server.problems() if active.name in problem and "missing" in problem], server.problems()
    assert not active.exists()
    server.stop()
    assert f"hits/{active.name} is missing" in repair(server)
    server.start()
    assert server.problems() == []


def test_a_folder_without_data_files_stops_the_start_until_it_is_repaired(servers):
    """Most likely their disk is not mounted; if it were served empty, new hits would end up beneath it."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    wait_for("the inbox lets go of them", lambda: server.metric("inbox_bytes") == 0)
    server.stop()
    (server.data / "hits").rename(server.data / "elsewhere")
    assert "none of the" in refused(server)
    assert not (server.data / "hits").exists(), "a start that stops makes nothing"
    (server.data / "elsewhere").rename(server.data / "hits")
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    server.stop()
    shutil.rmtree(server.data / "hits")
    refused(server)
    assert "records 1 to 12" in repair(server)
    server.start()
    assert server.problems() == []
    assert [read_paths(server, key) for key in paths] == [[], []]
    for key in paths:
        post(server, key, ["/after"])
    settle(server)
    assert [read_paths(server, key) for key in paths] == [["/after"], ["/after"]]

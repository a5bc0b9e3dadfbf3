"""A backup is taken while the server runs under load, and restored equal; hits erased since stay erased."""

import shutil
import threading
import time
import uuid
from pathlib import Path

import folder
from posting import create_key, make_batch, make_hit, post, read_hits, read_paths, settle, wait_for
from sealed import flip_a_byte, make_sealed
from server import Connection, Server, run


class Posters:
    """Threads that post numbered batches in order: each has acknowledged a prefix of what it sent."""

    def __init__(self, server: Server, key: str, threads: int = 3):
        self.server, self.key = server, key
        self.sent, self.acknowledged = [0] * threads, [0] * threads
        self.stopping, self.errors = threading.Event(), []
        self.threads = [threading.Thread(target=self.post, args=(number,), daemon=True) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def post(self, number: int) -> None:
        connection = Connection(self.server.port)
        try:
            while not self.stopping.is_set():
                batch = self.sent[number]
                self.sent[number] += 1
                hits = [make_hit(f"/{number}/{batch}/{n}", user=f"user{n}") for n in range(20)]
                connection.call("POST", "/api/requests", make_batch(hits), self.key).must()
                self.acknowledged[number] += 1
                time.sleep(0.005)
        except BaseException as problem:
            self.errors.append(problem)

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        if self.errors:
            raise self.errors[0]

    def assert_prefix(self, paths: list[str], at_least: list[int], at_most: list[int]) -> None:
        """Asserts that batches are complete, in order, without a gap or a repetition."""
        batches: dict[int, list[int]] = {number: [] for number in range(len(self.sent))}
        for path in paths:
            _, number, batch, _ = path.split("/")
            batches[int(number)].append(int(batch))
        for number, found in batches.items():
            count = len(found) // 20
            assert sorted(found) == [batch for batch in range(count) for _ in range(20)], f"thread {number} has holes"
            assert at_least[number] <= count <= at_most[number], (number, at_least[number], count, at_most[number])


def test_a_backup_under_load_is_restored_equal(servers, tmp_path):
    server = servers(active_rows=1_000, checkpoint_ms=50, merge_at=3).start()
    key = create_key(server)
    posters = Posters(server, key)
    backups = []
    for turn in range(2):
        time.sleep(1)
        before = list(posters.acknowledged)
        made = run("backup", tmp_path / f"backup{turn}", data=server.data)
        assert made.returncode == 0, made.stderr
        backups.append((tmp_path / f"backup{turn}", before, [count + 1 for count in posters.sent]))
    posters.stop()
    settle(server)
    posters.assert_prefix(read_paths(server, key), posters.acknowledged, posters.acknowledged)

    originals = {hit["hit_id"]: hit for hit in read_hits(server, key)}
    for turn, (backup, at_least, at_most) in enumerate(backups):
        names = {path.name for path in folder.all_files(backup)}
        assert {"inbox.sqlite", "meta.sqlite"} <= names
        other = servers(f"restored{turn}")
        restored = run("restore", backup, data=other.data)
        assert restored.returncode == 0, restored.stderr
        other.start()
        settle(other)
        hits = read_hits(other, key)
        assert f"{len(hits)} hits" in restored.stdout
        posters.assert_prefix([hit["path"] for hit in hits], at_least, at_most)
        # A hit keeps its id and everything else.
        assert all(originals[hit["hit_id"]] == hit for hit in hits)
        assert other.problems() == []
        # The copy's ids continue above: none is given twice.
        post(other, key, ["/0/0/new"])
        settle(other)
        names = [int(hit["hit_id"]) for hit in read_hits(other, key)]
        assert len(set(names)) == len(names) == len(hits) + 1
        other.stop()
    # The copied folder is unchanged, and an existing backup is not overwritten.
    assert run("backup", backups[0][0], data=server.data).returncode == 1
    assert server.problems() == []


def test_a_backup_of_a_stopped_server_works_too(servers, tmp_path):
    server = servers().start()
    key = create_key(server)
    post(server, key, ["/a", "/b"])
    server.stop()
    assert run("backup", tmp_path / "backup", data=server.data).returncode == 0
    other = servers("restored")
    assert run("restore", tmp_path / "backup", data=other.data).returncode == 0
    other.start()
    assert read_paths(other, key) == ["/a", "/b"]


def test_what_was_erased_after_a_backup_stays_erased(servers, tmp_path):
    server = servers(active_rows=500, checkpoint_ms=50).start()
    key, doomed = create_key(server), create_key(server)
    for turn in range(4):
        post(server, key, [f"/alice/{turn}/{n}" for n in range(100)], user="alice")
        post(server, key, [f"/bob/{turn}/{n}" for n in range(100)], user="bob")
        post(server, doomed, [f"/doomed/{turn}/{n}" for n in range(100)], user="alice")
        settle(server)
    assert server.call("DELETE", "/api/v1/consumers/u:bob", key=key).must().json()["erased"] == 400
    assert run("backup", tmp_path / "backup", data=server.data).returncode == 0
    assert server.call("DELETE", "/api/v1/consumers/u:alice", key=key).must().json()["erased"] == 400
    assert server.call("DELETE", "/api/v1/project", key=doomed).must().json()["erased"] == 400
    post(server, key, ["/after/the/backup"], user="alice")
    settle(server)
    newest = max(int(hit["hit_id"]) for hit in read_hits(server, key))
    server.stop()
    ledger = (server.data / "erasures.jsonl").read_text()
    assert len(ledger.splitlines()) == 3 and "alice" not in ledger
    kept = tmp_path / "ledger.jsonl"
    shutil.copy(server.data / "erasures.jsonl", kept)

    # Over the folder that knows of the erasures.
    restored = run("restore", tmp_path / "backup", data=server.data)
    assert restored.returncode == 0, restored.stderr
    assert "2 erasures made since" in restored.stdout
    (aside,) = tmp_path.glob("data.before-restore-*")
    assert str(aside) in restored.stdout
    assert folder.find_rows(server.data, "alice") == []
    assert folder.find_bytes(server.data, "alice") == []
    server.start()
    # Hits after the backup are not in it; those erased before it aren't either, of course.
    assert read_paths(server, key) == []
    assert server.call("GET", "/api/data", key=doomed).status == 401
    post(server, key, ["/alice/new"], user="alice")
    settle(server)
    assert read_paths(server, key) == ["/alice/new"]
    assert int(read_hits(server, key)[0]["hit_id"]) > newest
    server.stop()

    # In a place without the ledger everything is back, unless it is passed.
    knows_nothing, is_told = servers("knows-nothing"), servers("is-told")
    assert run("restore", tmp_path / "backup", data=knows_nothing.data).returncode == 0
    knows_nothing.start()
    assert len(read_paths(knows_nothing, key)) == 400 and len(read_paths(knows_nothing, doomed)) == 400
    told = run("restore", tmp_path / "backup", "--erasures", kept, data=is_told.data)
    assert told.returncode == 0 and "2 erasures made since" in told.stdout
    is_told.start()
    assert read_paths(is_told, key) == []
    assert is_told.call("GET", "/api/data", key=doomed).status == 401


def test_what_was_erased_during_a_backup_stays_erased(servers, tmp_path):
    """An erasure that falls between a backup's snapshot of the files and the end of its copying."""
    server = servers(active_rows=10_000, checkpoint_ms=50).start()
    key = create_key(server)
    users = [f"user{n}" for n in range(10)]
    for turn in range(4):
        hits = [make_hit(f"/{uuid.uuid4()}/{turn}/{n}", user=users[n % 10]) for n in range(5_000)]
        server.call("POST", "/api/requests", make_batch(hits), key).must()
        settle(server)
    wait_for("a sealed file", lambda: server.metric("sealed_files") >= 1)
    # Start and end of each, by name.
    erased: dict[str, tuple[float, float]] = {}
    backups: dict[Path, tuple[float, float]] = {}
    done = threading.Event()

    def erase() -> None:
        connection = Connection(server.port)
        for user in users[:8]:
            if done.is_set():
                return
            began = time.monotonic()
            connection.call("DELETE", f"/api/v1/consumers/u:{user}", key=key).must()
            erased[user] = (began, time.monotonic())

    eraser = threading.Thread(target=erase, daemon=True)
    eraser.start()
    while eraser.is_alive() and len(backups) < 8:
        backup, began = tmp_path / f"backup{len(backups)}", time.monotonic()
        assert run("backup", backup, data=server.data).returncode == 0
        backups[backup] = (began, time.monotonic())
    done.set()
    eraser.join(60)
    server.stop()

    def meets(backup: Path) -> bool:
        began, ended = backups[backup]
        return any(began < erasure_ended and erasure_began < ended for erasure_began, erasure_ended in erased.values())

    at_once = [backup for backup in backups if meets(backup)]
    assert at_once, "no erasure fell into a backup"
    for backup in at_once[:3]:
        other = servers(f"restored-{backup.name}")
        told = run("restore", backup, "--erasures", server.data / "erasures.jsonl", data=other.data)
        assert told.returncode == 0, told.stderr
        other.start()
        left = {hit["user_id"] for hit in read_hits(other, key)}
        assert not left & erased.keys(), f"{backup.name}: erased and back: {sorted(left & erased.keys())}"
        assert left == set(users) - erased.keys()
        other.stop()


def test_a_damaged_backup_is_refused_and_nothing_is_changed(servers, tmp_path):
    server, key, paths = make_sealed(servers)
    assert run("backup", tmp_path / "backup", data=server.data).returncode == 0
    victim = folder.sealed_files(tmp_path / "backup")[0]
    flip_a_byte(victim)
    refused = run("restore", tmp_path / "backup", data=server.data)
    assert refused.returncode == 1 and victim.name in refused.stderr
    victim.unlink()
    refused = run("restore", tmp_path / "backup", data=server.data)
    assert refused.returncode == 1 and victim.name in refused.stderr
    empty_folder = tmp_path / "empty"
    empty_folder.mkdir()
    refused = run("restore", empty_folder, data=server.data)
    assert refused.returncode == 1 and "not a backup" in refused.stderr
    server.start()
    assert read_paths(server, key) == sorted(path for batch in paths.values() for path in batch)
    assert not list(tmp_path.glob("data.before-restore-*"))

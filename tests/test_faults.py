"""A disk that fails at random moments: reads and writes that fail, fall short, or are torn by the end of the process.

`faults/faults.c` is preloaded into the server and does that. FAULT_ROUNDS=200 makes a longer run, FAULT_SEED repeats one.
"""

import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from posting import create_key, make_batch, make_hit, post, read_hits, read_paths, settle, wait_for
from server import BROKEN, ROOT, Connection, Server, run

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "20"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
# How often a call meets its fault. A torn write ends the process, so it is rare.
MODES = {"eio_read": 3, "eio_write": 4, "eio_sync": 4, "enospc": 3, "short": 2, "torn": 40, "torn_metadata": 1}
SETTINGS = {"active_rows": 700, "checkpoint_ms": 50, "merge_at": 3, "calm_rows": 300, "calm_seconds": 1}


class Disk:
    """The faults of one server's disk, on and off."""

    def __init__(self, library: Path, server: Server, folder: Path):
        self.control = folder / "faults"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAULTS_FOLDER": str(server.data),
            "FAULTS_CONTROL": str(self.control),
        }

    def fail(self, mode: str) -> None:
        # Replaced atomically: the shim may read it at any moment.
        fresh = self.control.with_suffix(".new")
        fresh.write_text(f"{mode} {MODES[mode]}\n")
        fresh.rename(self.control)

    def heal(self) -> None:
        self.control.unlink(missing_ok=True)


class Posters:
    """Clients that repeat each post until it is answered. No two hits have the same path."""

    def __init__(self, server: Server, key: str, count: int = 3):
        self.server, self.key = server, key
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.answers: Counter[int | str] = Counter()
        self.stopping = threading.Event()
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self.guard, args=(number,), daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def guard(self, number: int) -> None:
        try:
            self.post(number)
        except BaseException as problem:
            self.errors.append(problem)

    def post(self, number: int) -> None:
        connection = Connection(self.server.port, timeout=10)
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            paths = [f"/{number}/{turn}/{n}/{'x' * 40}" for n in range(20)]
            batch = make_batch([make_hit(path, user=f"user{turn % 50}") for path in paths])
            self.sent.update(paths)
            while not self.stopping.is_set():
                try:
                    answer = connection.call("POST", "/api/requests", batch, self.key)
                except BROKEN as problem:
                    self.answers[type(problem).__name__] += 1
                    time.sleep(0.02)
                    continue
                self.answers[answer.status] += 1
                if answer.status == 200:
                    self.acknowledged.update(paths)
                    break
                assert answer.status in (500, 503), (answer.status, answer.body)
                time.sleep(0.02)

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        if self.errors:
            raise self.errors[0]


@pytest.fixture
def disk(tmp_path):
    """`disk(server)` gives the server a disk that can fail."""
    library = tmp_path / "faults.so"
    source = ROOT / "tests" / "faults" / "faults.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)

    def attach(server: Server) -> Disk:
        faults = Disk(library, server, tmp_path)
        server.environment = faults.environment
        return faults

    return attach


def becomes_ready(server: Server) -> bool:
    """Waits until it answers, or has ended: False."""
    until = time.monotonic() + 120
    while time.monotonic() < until and server.is_running():
        try:
            server.call("GET", "/api/health")
            return True
        except BROKEN:
            time.sleep(0.02)
    assert not server.is_running(), f"neither ready nor ended:\n{server.log()[-3_000:]}"
    return False


def start_or_repair(server: Server, said: list[str]) -> bool:
    """Starts it; if it refuses, repairs the folder as told. True if that was needed."""
    server.start(wait=False)
    if becomes_ready(server):
        return False
    log = server.log()[-4_000:]
    assert "repair" in log, f"it refused to start and did not say what to do:\n{log}"
    repaired = run("repair", "--yes", data=server.data)
    assert repaired.returncode == 0, f"{repaired.stdout}\n{repaired.stderr}"
    said.append(repaired.stdout)
    server.start()
    return True


def test_the_faults_are_really_met(servers, disk):
    """Before their absence proves anything: the server sees each, reports it and continues."""
    server = servers(**SETTINGS)
    faults = disk(server)
    server.start()
    key = create_key(server)
    batch = make_batch([make_hit("/once")])
    assert server.call("POST", "/api/requests", batch, key).status == 200
    for mode in ("eio_write", "enospc"):
        faults.fail(mode)

        def refused() -> bool:
            return server.call("POST", "/api/requests", make_batch([make_hit("/never")]), key).status in (500, 503)

        wait_for(f"a post meets {mode}", refused)
        faults.heal()

        def kept() -> bool:
            return server.call("POST", "/api/requests", make_batch([make_hit("/later")]), key).status == 200

        wait_for("hits are kept again", kept)


def test_a_log_that_cannot_be_written_stops_nothing(servers, disk, tmp_path):
    """A former bug: a full disk under the log ended the threads that number and apply hits."""
    server = servers(**SETTINGS)
    faults = disk(server)
    # Faults of the data folder, and of the log.
    logs = tmp_path / "logs"
    logs.mkdir()
    server.log_path = logs / "log"
    server.environment["FAULTS_FOLDER"] = str(logs)
    server.settings["log"] = "debug"
    server.start()
    key = create_key(server)
    faults.fail("enospc")
    written = server.log_path.stat().st_size
    for turn in range(100):
        server.call("POST", "/api/requests", make_batch([make_hit(f"/{turn}")]), key).must()
    settle(server)
    assert len(read_hits(server, key)) == 100
    assert server.problems() == []
    faults.heal()
    assert server.log_path.stat().st_size >= written
    server.stop()


def test_a_start_on_a_disk_that_cannot_be_read_loses_nothing(servers, disk):
    """A former bug: the active file was set aside after a failed read, and its hits were lost."""
    server = servers(**SETTINGS | {"active_rows": 100_000, "calm_rows": 100_000})
    faults = disk(server)
    server.start()
    key = create_key(server)
    paths = [f"/{number}" for number in range(500)]
    for at in range(0, 500, 50):
        server.call("POST", "/api/requests", make_batch([make_hit(path) for path in paths[at : at + 50]]), key).must()
    settle(server)
    wait_for("the inbox lets go of them", lambda: server.metric("inbox_bytes") == 0)
    server.kill()
    refused = 0
    for turn in range(12):
        server.environment["FAULTS_SEED"] = str(turn)
        faults.fail("eio_read")
        server.start(wait=False)
        if becomes_ready(server):
            server.kill()
        else:
            refused += 1
    assert refused, "the disk has never failed at a start, which proves nothing"
    faults.heal()
    server.start()
    settle(server)
    assert sorted(hit["path"] for hit in read_hits(server, key)) == sorted(paths)
    assert server.problems() == []


def test_a_checkpoint_that_is_cut_off_while_it_overwrites_metadata_loses_nothing(servers, disk, tmp_path):
    """A former bug: the active file could not be opened any more, and the inbox had let go of its hits."""
    server = servers(**SETTINGS | {"active_rows": 100_000, "calm_rows": 100_000})
    faults = disk(server)
    server.start()
    key = create_key(server)
    posted: list[str] = []
    lost_without_the_copy = 0
    for turn in range(8):
        # Into the data file, so that nothing else has them.
        for number in range(5):
            posted.append(f"/{turn}/{number}")
            server.call("POST", "/api/requests", make_batch([make_hit(posted[-1])]), key).must()
        settle(server)
        wait_for("the inbox lets go of them", lambda: server.metric("inbox_bytes") == 0)
        server.kill()
        server.environment["FAULTS_SEED"] = str(turn)
        faults.fail("torn_metadata")
        server.start()
        posted.append(f"/{turn}/last")
        last = make_batch([make_hit(posted[-1])])
        answered = False
        # The end may overtake the answer.
        with contextlib.suppress(*BROKEN):
            server.call("POST", "/api/requests", last, key).must()
            answered = True
        wait_for("the checkpoint is cut off", lambda: not server.is_running())
        faults.heal()
        # It would be lost: the same folder without the copy of the metadata.
        other = servers(f"without-{turn}", **server.settings)
        sockets = shutil.ignore_patterns("*.sock")
        shutil.copytree(server.data, other.data, ignore=sockets, dirs_exist_ok=True)
        for copied in (other.data / "hits").glob("*.metadata"):
            copied.unlink()
        other.start(wait=False)
        lost_without_the_copy += refuses(other)
        server.start()
        if not answered:
            server.call("POST", "/api/requests", last, key).must()
        settle(server)
        assert sorted(hit["path"] for hit in read_hits(server, key)) == sorted(posted)
    assert lost_without_the_copy >= 2, "the file is readable all the same, which proves nothing"
    assert server.problems() == []
    assert "the metadata of the one before it was put back" in server.log()


def refuses(server: Server) -> bool:
    """Whether a start ends with "holds hits that nothing else has", rather than being ready."""
    if becomes_ready(server):
        server.kill()
        return False
    return "holds hits that nothing else has" in server.log()


def test_a_disk_that_fails_at_random_loses_no_acknowledged_hit(servers, disk):
    print(f"FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS}", file=sys.stderr)
    chance = random.Random(SEED)
    server = servers(**SETTINGS)
    faults = disk(server)
    server.environment["FAULTS_SEED"] = str(SEED)
    server.start()
    key = create_key(server)
    posters = Posters(server, key)
    said: list[str] = []
    met: Counter[str] = Counter()
    for turn in range(ROUNDS):
        mode = list(MODES)[turn % len(MODES)]
        time.sleep(chance.random() * 0.3)
        faults.fail(mode)
        time.sleep(0.2 + chance.random() * 0.8)
        faults.heal()
        met[mode] += 1
        if mode == "torn" and server.is_running():
            # The write that ends it comes a little later.
            met["torn and alive"] += 1
        if not server.is_running() or chance.random() < 0.5:
            if server.is_running():
                server.kill()
            server.process.wait()
            met["repaired"] += start_or_repair(server, said)
        if posters.errors:
            raise posters.errors[0]
    posters.stop()
    # A start finds any remaining problem.
    if server.is_running():
        server.kill()
    met["repaired"] += start_or_repair(server, said)
    settle(server)
    print(f"{ROUNDS} rounds", dict(met), dict(posters.answers), file=sys.stderr)
    kept = Counter(hit["path"] for hit in read_hits(server, key))
    assert not [path for path, count in kept.items() if count > 1], "hits are there twice"
    assert not kept.keys() - posters.sent, "hits that nobody posted"
    lost = posters.acknowledged - kept.keys()
    words = "\n".join([*said, *server.problems()])
    named = re.search(r"records? \d+|damaged|cannot be read", words)
    assert not lost or named, f"{len(lost)} of {len(posters.acknowledged)} acknowledged hits are lost, unsaid:\n{words}"
    assert not lost, f"{len(lost)} acknowledged hits are lost, and said to be: {words}"
    assert len(posters.acknowledged) > 1_000, "too few hits to prove anything"


def test_a_stop_does_not_wait_for_a_disk_that_is_gone(servers):
    """Acknowledged hits are in the inbox; the next start moves them into a data file."""
    server = servers(active_rows=50).start()
    key = create_key(server)
    post(server, key, [f"/before/{n}" for n in range(20)])
    settle(server)
    wait_for("the inbox lets go of them", lambda: server.metric("inbox_bytes") == 0)
    hits = server.data / "hits"
    gone = hits.with_name("hits-gone")
    hits.rename(gone)
    posted = [f"/after/{n}" for n in range(100)]
    post(server, key, posted)
    wait_for("a problem", server.problems, every=0.2)
    server.stop()
    assert "the next start does it" in server.log()
    gone.rename(hits)
    server.start()
    settle(server)
    assert read_paths(server, key) == sorted([*posted, *(f"/before/{n}" for n in range(20))])

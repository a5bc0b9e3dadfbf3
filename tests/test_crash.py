"""`kill -9` at random moments and at chosen ones, again and again, under load: what was acknowledged is there exactly
once, what was not at most once, what was erased nowhere.

Sealing, merging, checkpoints and erasing are made frequent by settings, and the kills are aimed by watching the data
folder, so that they fall into each; what each kill interrupted is read from what it left behind, and counted.
"""

import contextlib
import os
import random
import re
import sys
import time
from collections import Counter

import pytest

import folder
from crash_load import Load, Model, assert_is
from posting import create_key, read_hits, settle, wait_for
from server import Server

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "50"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
PROJECTS = 4

# Phases that every run must have interrupted at least once: see `folder.Interrupted`.
PHASES = [
    "starting", "unapplied", "log_unwritten", "untrimmed", "checkpointed", "frozen", "sealing", "merging", "erasure_waiting",
    "erasing", "deleting", "raising",
]  # fmt: skip

# Events that the load must have met.
MUST_HAPPEN = [
    "erasures", "deletions", "privacy raises", "repeated batches", "repeated after an erasure", "tries that broke", "batches given up", "reads",
]  # fmt: skip

# One round in several is aimed at a phase, the others are random.
AIMS = [
    "random",
    "merging",
    "erasing",
    "checkpointed",
    "random",
    "starting",
    "sealing",
    "random",
    "deleting",
    "raising",
    "sealing",
]

SETTINGS = {
    "active_rows": 300,
    "checkpoint_ms": 50,
    "merge_at": 3,
    "merged_rows": 1_000_000,
    "merge_piece_rows": 3_000,
    "merge_piece_text_bytes": "100KB",
    "active_age_seconds": 5,
    "project_creations_per_hour": 1_000,
}


def test_kills_lose_nothing_double_nothing_and_bring_nothing_back(servers):
    print(f"CRASH_SEED={SEED} CRASH_ROUNDS={ROUNDS}", file=sys.stderr)
    chance = random.Random(SEED)
    server = servers(**SETTINGS).start()
    load = Load(server.port, [create_key(server) for _ in range(PROJECTS)], SEED)
    load.start()
    interrupted: Counter[str] = Counter()
    began = time.monotonic()
    rounds = 0
    while rounds < ROUNDS or (missed(interrupted) and rounds < ROUNDS + 30):
        # At the end the phases never met are aimed at.
        aim = AIMS[rounds % len(AIMS)] if rounds < ROUNDS else aim_at(missed(interrupted)[0])
        # Only then it is clear which of the two it does.
        server.settings["merge_at"] = 1_000 if aim == "sealing" else SETTINGS["merge_at"]
        if rounds:
            server.start(wait=False)
        was_ready = run_into(aim, server, load, chance)
        found = folder.what_was_interrupted(server.data, was_ready, may_merge=aim != "sealing")
        interrupted.update(found.phases())
        interrupted["aimed: " + aim] += 1
        load.check()
        rounds += 1
    server.settings["merge_at"] = SETTINGS["merge_at"]
    server.start()
    took = time.monotonic() - began
    load.finish()
    print(f"{rounds} kills in {took:.0f} s", dict(interrupted), dict(load.counts), file=sys.stderr)

    settle(server)
    assert server.problems() == []
    check_all(server, load)
    # Nobody waits for an erasure any more, so none is in progress.
    wait_for("the erasures are true", lambda: is_quiet(server))
    # A deletion that a kill cut off is completed without anybody asking.
    wait_for("the deletions are true", lambda: not is_deleting(server), seconds=120)
    for key in load.deleted.values():
        assert server.call("GET", "/api/data", key=key).status in (401, 429)
    # So is raising a privacy level.
    wait_for("the privacy levels are true", lambda: not is_raising(server), seconds=120)
    for key in load.raised:
        assert not [hit for hit in read_hits(server, key) if hit["address"]], "an address is there above its privacy level"
    # However many files the kills and erasures left, a few remain.
    wait_for("the files are merged", lambda: server.metric("sealed_files") <= 16, seconds=120)
    check_all(server, load)
    assert not missed(interrupted), f"{rounds} kills never fell into {missed(interrupted)}: {dict(interrupted)}"
    assert not (idle := [what for what in MUST_HAPPEN if not load.counts[what]]), idle

    # The same again from the files themselves, without the server.
    server.stop()
    check_files(server, load)
    log = server.log()
    assert not re.search(r"panicked|\blost\b|could not be (detached|removed)", log), log[-4_000:]
    assert not [name for name in folder.file_names(server.data) if name.endswith((".sealing", ".merging", ".erasing"))]


def missed(interrupted: Counter[str]) -> list[str]:
    return [phase for phase in PHASES if not interrupted[phase]]


def aim_at(phase: str) -> str:
    aims = {"erasure_waiting": "erasing", "frozen": "sealing", "untrimmed": "checkpointed"}
    return aims.get(phase, phase if phase in AIMS else "random")


def run_into(aim: str, server: Server, load: Load, chance: random.Random) -> bool:
    """Lets the server run until the target moment, or for a time, and kills it. False if it was not ready."""
    if aim == "starting":
        time.sleep(chance.random() * 0.3)
        was_ready = is_ready(server)
        server.kill()
        return was_ready
    server.wait_until_ready()
    delay = chance.random() * 0.03
    if aim == "random":
        time.sleep(chance.random() * 1.2)
    elif aim == "sealing":
        # Erasures have priority and take longer.
        load.may_erase.clear()
        watch(lambda: is_waiting_for_nothing(server, "erasures"), 8)
        watch(lambda: is_making(server), 2)
        time.sleep(delay)
    elif aim == "checkpointed":
        watch(lambda: has_log(server), 1)
        watch(lambda: not has_log(server), 1)
    elif aim == "deleting":
        load.delete_now.set()
        watch(lambda: is_deleting(server), 2)
        load.delete_now.clear()
    elif aim == "raising":
        load.raise_now.set()
        watch(lambda: is_raising(server), 2)
        load.raise_now.clear()
    elif aim == "erasing":
        before = folder.ledger_seqs(server.data)
        load.erase_now.set()
        watch(lambda: folder.ledger_seqs(server.data) - before, 2)
        watch(lambda: is_making(server), 0.2)
        load.erase_now.clear()
        time.sleep(chance.random() * 0.02)
    elif aim == "merging":
        # Merging happens in quiet moments.
        load.may_post.clear()
        load.may_erase.clear()
        watch(lambda: is_quiet(server), 8)
        watch(lambda: is_making(server), 2.5)
        time.sleep(delay / 3)
    server.kill()
    load.may_post.set()
    load.may_erase.set()
    return True


def is_making(server: Server) -> bool:
    return any(name.endswith((".sealing", ".merging", ".erasing")) for name in folder.file_names(server.data))


def has_log(server: Server) -> bool:
    return any(name.startswith("active-") and name.endswith(".wal") for name in folder.file_names(server.data))


def is_deleting(server: Server) -> bool:
    with contextlib.suppress(folder.Torn):
        return bool(folder.query_meta(server.data, "SELECT 1 FROM projects WHERE deleting = 1"))
    return False


def is_raising(server: Server) -> bool:
    with contextlib.suppress(folder.Torn):
        return bool(folder.query_meta(server.data, f"SELECT 1 FROM projects WHERE {folder.RAISING}"))
    return False


def is_quiet(server: Server) -> bool:
    return is_waiting_for_nothing(server, "erasures", "files WHERE kind = 'frozen'")


def is_waiting_for_nothing(server: Server, *tables: str) -> bool:
    """Nothing waits to be erased, or to be sealed."""
    time.sleep(0.05)
    with contextlib.suppress(folder.Torn):
        return all(folder.query_inbox(server.data, f"SELECT count(*) FROM {table}") == [(0,)] for table in tables)
    return False


def is_ready(server: Server) -> bool:
    """Whether it has logged that it is ready."""
    return server.log().count(" is ready: ") > server_starts(server)


def server_starts(server: Server) -> int:
    """How often it had logged that before this start: kept on the server, read once per start."""
    started = getattr(server, "ready_before", {})
    pid = server.process.pid
    if pid not in started:
        started = {pid: server.log().count(" is ready: ")}
        server.ready_before = started
    return started[pid]


def watch(condition, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.001)
    return False


def check_all(server: Server, load: Load) -> None:
    """The server's answers equal the model, for every project, field by field."""
    total = 0
    for model in load.models:
        hits = read_hits(server, model.key)
        compare(Counter(hit["path"] for hit in hits), model)
        for hit in hits:
            path = hit["path"]
            assert_is(hit, model.acknowledged.get(path) or model.unknown[path])
        assert len({hit["hit_id"] for hit in hits}) == len(hits)
        pages, page = [], 1
        while rows := server.call("GET", f"/api/data?compact=true&page={page}", key=model.key).must().json()[1:]:
            pages += rows
            page += 1
        assert sorted(row[1] for row in pages) == sorted(hit["path"] for hit in hits)
        total += len(hits)
    assert total > 1_000, f"only {total} hits were kept: that proves little"


def check_files(server: Server, load: Load) -> None:
    """Each hit is in the named files exactly once."""
    assert load.deleted
    by_project: dict[int, Counter[str]] = {}
    for project, path in folder.read_paths(server.data):
        by_project.setdefault(project, Counter())[path] += 1
    for number, model in enumerate(load.models, start=1):
        compare(by_project.pop(number, Counter()), model)
    # The only other project may be one that the load had not deleted yet when it ended.
    assert not by_project.keys() & load.deleted.keys(), (
        f"deleted projects have hits: {by_project.keys() & load.deleted.keys()}"
    )
    for user in sorted(set().union(*(model.erased for model in load.models))):
        assert f'"{user}"' not in (server.data / "erasures.jsonl").read_text(), "the ledger names whom it erased"


def compare(kept: Counter[str], model: Model) -> None:
    gone = model.being_erased | model.erased
    must = {path for path, user in model.acknowledged.items() if user not in gone}
    must_not = {path for path, user in (model.acknowledged | model.unknown).items() if user in model.erased}
    assert not (lost := sorted(must - kept.keys())), f"{len(lost)} acknowledged hits are lost: {lost[:5]}"
    assert not (back := sorted(must_not & kept.keys())), f"{len(back)} erased hits are there: {back[:5]}"
    assert not (twice := sorted(path for path, count in kept.items() if count > 1)), (
        f"{len(twice)} hits are there twice: {twice[:5]}"
    )
    assert not (strange := sorted(kept.keys() - model.acknowledged.keys() - model.unknown.keys())), (
        f"nobody posted {strange[:5]}"
    )


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"/a": 1, "/b": 1}, None),
        ({"/a": 1, "/b": 1, "/maybe": 1}, None),
        ({"/b": 1}, "1 acknowledged hits are lost"),
        ({"/a": 2, "/b": 1}, "1 hits are there twice"),
        ({"/a": 1, "/b": 1, "/maybe": 2}, "1 hits are there twice"),
        ({"/a": 1, "/b": 1, "/gone": 1}, "1 erased hits are there"),
        ({"/a": 1, "/b": 1, "/gone/maybe": 1}, "1 erased hits are there"),
        ({"/a": 1, "/b": 1, "/going": 1}, None),
        ({"/a": 1, "/b": 1, "/strange": 1}, "nobody posted"),
    ],
)
def test_the_comparison_finds_what_it_looks_for(kept, said):
    model = Model(
        "key",
        acknowledged={"/a": "alice", "/b": "bob", "/gone": "erased", "/going": "asked"},
        unknown={"/maybe": "bob", "/gone/maybe": "erased"},
        being_erased={"asked"},
        erased={"erased"},
    )
    with contextlib.nullcontext() if said is None else pytest.raises(AssertionError, match=said):
        compare(Counter(kept), model)

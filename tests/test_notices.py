"""Incidents and their notices with real processes: what fails is told, what is over is told, each with a signature that
holds, through refusals; and a server that is killed inside incidents forgets none and invents none.
"""

import os
import random
import sys
import time
from collections import Counter
from datetime import datetime

import pytest

from hosts import Receiver, Targets
from posting import create_project, wait_for
from server import Server

ROUNDS = int(os.environ.get("NOTICE_ROUNDS", "6"))
SEED = int(os.environ.get("NOTICE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
# The shortest interval that a monitor may have.
INTERVAL_S = 20
MONITORS = 40
# Fewer than make a monitor flap, not counting the last one, to "up": its incident would stay open for 20 checks.
CHANGES = 4


@pytest.fixture
def targets():
    targets = Targets()
    yield targets
    targets.http.shutdown()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.http.shutdown()


def watch(server: Server, key: str, url: str, name: str) -> int:
    settings = {"kind": "http", "url": url, "name": name, "interval_s": INTERVAL_S, "timeout_ms": 10_000, "down_after": 1, "up_after": 1}
    return server.call("POST", "/api/v1/monitors", settings, key).must(201).json()["id"]


def add_webhook(server: Server, key: str, receiver: Receiver) -> int:
    made = server.call("POST", "/api/v1/channels", {"config": {"kind": "webhook", "url": receiver.url}}, key).must(201).json()
    receiver.secret = made["secret"]
    return made["channel"]["id"]


def incidents(server: Server, key: str, query: str = "") -> list[dict]:
    return server.call("GET", f"/api/v1/incidents?limit=500{query}", key=key).must().json()["incidents"]


def deliveries(server: Server, key: str, channel: int) -> list[dict]:
    """All, oldest first."""
    found, before = [], ""
    while True:
        page = server.call("GET", f"/api/v1/channels/{channel}/deliveries?limit=200{before}", key=key).must().json()
        found += page["deliveries"]
        if page["next"] is None:
            return found[::-1]
        before = f"&before={page['next']}"


def to_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def test_an_outage_is_told_once_and_so_is_its_end(servers, targets, receiver):
    server = servers(allow_networks="127.0.0.1/32").start()
    _, key = create_project(server, "shop")
    channel = add_webhook(server, key, receiver)
    tested = server.call("POST", f"/api/v1/channels/{channel}/test", key=key).must().json()
    assert (tested["delivered"], tested["status"]) == (True, 200), tested
    assert [one.event["type"] for one in receiver.taken()] == ["test"]

    receiver.refusals = [(500, {})]
    targets.failing.add("api")
    monitor = watch(server, key, targets.url("api"), "API")
    [opening] = wait_for("the opening is taken", lambda: receiver.taken()[1:], seconds=INTERVAL_S + 60)
    [incident] = incidents(server, key, "&state=open")
    assert (incident["monitor"], incident["cause"], incident["failure"], incident["status"]) == (monitor, "down", "status", 503)
    data = opening.event["data"]
    assert (opening.event["type"], data["subject"], data["project"]) == ("incident.opened", "API", "shop")
    assert opening.id == data["id"] == f"monitor-{incident['id']}-1"

    # A restarted server sends nothing again.
    server.restart()
    receiver.refusals = [(429, {"Retry-After": "7"})]
    targets.failing.clear()
    [_, resolved] = wait_for("the end is taken", lambda: receiver.taken()[2:] and receiver.taken()[1:], seconds=INTERVAL_S + 60)
    assert (resolved.event["type"], resolved.id) == ("incident.resolved", f"monitor-{incident['id']}-2")
    assert resolved.event["data"]["thread"] == data["thread"]

    tries = receiver.received[1:]
    assert all(one.signed for one in receiver.received)
    assert [(one.id, one.status) for one in tries] == [(opening.id, 500), (opening.id, 200), (resolved.id, 429), (resolved.id, 200)]
    # 5 s, give or take a fifth; or as long as the service asked for. A third try would come after 16 s at least.
    assert 3.5 < tries[1].at - tries[0].at < 16, tries
    assert 6.5 < tries[3].at - tries[2].at < 16, tries
    [closed] = incidents(server, key)
    assert closed["state"] == "closed" and closed["duration_ms"] % (INTERVAL_S * 1_000) == 0
    wait_for("both are noted", lambda: [one["state"] for one in deliveries(server, key, channel)] == ["delivered"] * 2)
    told = [[try_["status"] for try_ in one["tries"]] for one in deliveries(server, key, channel)]
    assert told == [[500, 200], [429, 200]]
    assert server.problems() == []


def test_kills_inside_incidents_forget_no_transition_and_invent_none(servers, targets, receiver):
    print(f"NOTICE_SEED={SEED} NOTICE_ROUNDS={ROUNDS}", file=sys.stderr)
    chance = random.Random(SEED)
    server = servers(allow_networks="127.0.0.1/32").start()
    _, key = create_project(server, "shop")
    channel = add_webhook(server, key, receiver)
    names = [f"t{number}" for number in range(MONITORS)]
    monitors = {watch(server, key, targets.url(name), name): name for name in names}
    targets.failing |= set(chance.sample(names, MONITORS // 2))
    wait_for("incidents are open", lambda: incidents(server, key, "&state=open"), seconds=INTERVAL_S + 60)
    under_way = 0
    changes = [name for name in names for _ in range(CHANGES)]
    chance.shuffle(changes)
    # So that some are left for the last round, which begins after some 7 s for each before it.
    changes_a_turn = len(changes) / (ROUNDS * 30)
    for _ in range(ROUNDS):
        # Two monitors a second are checked: while it runs some open and some close.
        until = time.monotonic() + 3 + chance.random() * 6
        while time.monotonic() < until:
            if changes and chance.random() < changes_a_turn:
                targets.failing ^= {changes.pop()}
            time.sleep(0.2)
        under_way += len(incidents(server, key, "&state=open"))
        time.sleep(chance.random())
        server.kill()
        time.sleep(chance.random() * 2)
        server.start()
    assert under_way > ROUNDS, "no kill fell into an incident"
    targets.failing.clear()
    recovered_ms = time.time() * 1_000
    # The server may have been down whenever one of them should have been checked until now.
    is_checked = lambda: all(newest_ms(server, key, one) > recovered_ms for one in monitors)  # noqa: E731
    wait_for("every monitor is checked anew", is_checked, seconds=2 * INTERVAL_S + 60, every=1)
    wait_for("every incident is over", lambda: not incidents(server, key, "&state=open"), seconds=2 * INTERVAL_S + 60)
    is_told = lambda: all(one["state"] == "delivered" for one in deliveries(server, key, channel))  # noqa: E731
    wait_for("everybody is told", is_told, seconds=90)

    expected = set()
    for incident in incidents(server, key):
        answer = server.call("GET", f"/api/v1/incidents/{incident['id']}", key=key).must().json()
        changes = [transition["change"] for transition in answer["transitions"]]
        assert (changes[0], changes[-1]) == ("opened", "closed") and len(changes) < 4, answer
        for number, transition in enumerate(answer["transitions"], 1):
            if transition["muted"] is None:
                expected.add(f"monitor-{incident['id']}-{number}")
    received = Counter(one.id for one in receiver.taken())
    told = {one["notice"] for one in deliveries(server, key, channel)}
    assert len(expected) > MONITORS
    assert told == expected == set(received), (told ^ expected, expected ^ set(received))
    assert all(one.signed for one in receiver.received)
    twice = [id for id, times in received.items() if times > 1]
    # Only those being sent at a kill.
    assert len(twice) <= ROUNDS, twice
    print(f"{ROUNDS} kills, {len(expected)} transitions, {len(twice)} told twice", file=sys.stderr)
    for monitor in monitors:
        check_uptime(server, key, monitor)


def newest_ms(server: Server, key: str, monitor: int) -> float:
    """The time of the monitor's last check, in milliseconds since 1970. 0 before the first one."""
    check = server.call("GET", f"/api/v1/monitors/{monitor}", key=key).must().json()["last_check"]
    return to_ms(check["at"]) if check else 0


def check_uptime(server: Server, key: str, monitor: int) -> None:
    """The milliseconds of each state equal a plain computation from the results."""
    def look() -> tuple | None:
        before = time.time()
        shown = server.call("GET", f"/api/v1/monitors/{monitor}", key=key).must().json()
        after = time.time()
        page = server.call("GET", f"/api/v1/monitors/{monitor}/checks?limit=1000", key=key).must().json()
        # A check may have ended in between.
        is_same = page["checks"][0]["at"] == (shown["last_check"] or {}).get("at")
        return (before, shown, after, page) if is_same else None

    before, shown, after, page = wait_for("no check ends meanwhile", look, every=0.2)
    results = [(to_ms(check["at"]), check["outcome"]) for check in page["checks"]][::-1]
    lasted: Counter[str] = Counter()
    for (at, outcome), (next_at, _) in zip(results, results[1:], strict=False):
        lasted[outcome] += min(next_at - at, 2 * INTERVAL_S * 1_000)
    # It lasts until now.
    newest, outcome = results[-1]
    assert outcome == "up", results
    days = shown["bars"]
    assert len(days) == 90
    assert sum(day["down_ms"] for day in days) == shown["uptime"][0]["down_ms"] == lasted["down"], (results, shown)
    up = sum(day["up_ms"] for day in days)
    assert lasted["up"] + (before * 1_000 - newest) - 5 <= up <= lasted["up"] + (after * 1_000 - newest) + 5, (results, up)
    for day in days[:-1]:
        assert sum(day[f"{state}_ms"] for state in ("up", "degraded", "down", "maintenance", "unknown")) == 86_400_000

"""Three servers whose networks to PostgreSQL and ClickHouse are cut in every way: they go on taking hits, lose and double nothing,
another one leads, an outage is told once, and a revoked key shows nothing for longer than is promised."""

import os
import random
import re
import signal
import sys
import time
from collections import Counter

import pytest

from clickhouse import ClickHouse
from cluster import Posts, leaders
from hosts import Receiver, Targets
from postgres import Postgres
from posting import create_project, make_batch, make_hit, read_paths, settle, wait_for
from relay import Relay
from server import Server

SECONDS = float(os.environ.get("CUT_SECONDS", "0"))
SEED = int(os.environ.get("CUT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

# Ten seconds are promised, and the machine is busy.
LEADS = 25
# Thirty.
SHOWS = 60


def to_postgres(url: str) -> tuple[Relay, str]:
    """A network, and the address of the database there."""
    address, folder = url.split("?host=")
    relay = Relay(f"{folder}/.s.PGSQL.5432")
    return relay, address.replace("localhost", f"127.0.0.1:{relay.port}")


def to_clickhouse(url: str) -> tuple[Relay, str]:
    port = int(re.search(r":(\d+)/", url)[1])
    relay = Relay(port)
    return relay, url.replace(f":{port}/", f":{relay.port}/")


class Three:
    def __init__(self, servers):
        self.postgres = Postgres()
        self.clickhouse = None
        self.servers: list[Server] = []
        self.to_postgres: dict[Server, Relay] = {}
        self.to_clickhouse: dict[Server, Relay] = {}
        self.make = servers

    def start(self, folder) -> "Three":
        self.clickhouse = ClickHouse(folder)
        for number in range(3):
            meta_relay, meta = to_postgres(self.postgres.url)
            hits_relay, hits = to_clickhouse(self.clickhouse.url)
            settings = {"registration": "open", "allow_networks": "127.0.0.1/32"}
            server = self.make(f"data{number}", meta=meta, hits=hits, **settings).start()
            self.servers.append(server)
            self.to_postgres[server], self.to_clickhouse[server] = meta_relay, hits_relay
        wait_for("one leads", lambda: len(leaders(self.servers)) == 1)
        return self

    def leader(self) -> Server:
        return wait_for("one leads", lambda: leaders(self.servers))[0]

    def mend(self) -> None:
        for relay in (*self.to_postgres.values(), *self.to_clickhouse.values()):
            relay.set("pass")

    def close(self) -> None:
        for relay in (*self.to_postgres.values(), *self.to_clickhouse.values()):
            relay.close()
        self.postgres.close()
        if self.clickhouse:
            self.clickhouse.close()


@pytest.fixture
def three(servers, tmp_path):
    made = Three(servers)
    try:
        yield made.start(tmp_path / "clickhouse")
    finally:
        for server in made.servers:
            server.close()
        made.close()


def test_networks_are_cut(three):
    targets, receiver = Targets(), Receiver()
    _, key = create_project(three.servers[0], "shop")
    hook = {"config": {"kind": "webhook", "url": receiver.url}}
    receiver.secret = three.servers[0].call("POST", "/api/v1/channels", hook, key).must(201).json()["secret"]
    watched = {"kind": "http", "interval_s": 20, "timeout_ms": 10_000, "down_after": 1, "up_after": 1, "name": "a"}
    three.servers[0].call("POST", "/api/v1/monitors", watched | {"url": targets.url("a")}, key).must(201)
    revoked = three.servers[0].call("POST", "/api/v1/keys", {"can": "everything"}, key).must(201).json()
    for server in three.servers:
        wait_for("all know it", lambda: server.call("GET", "/api/v1/dashboard", key=revoked["key"]).status == 200)  # noqa: B023
    # Each insert makes a thousand files, which the end of the test deletes.
    posts = Posts(three.servers, key, threads=2, pause_s=1)
    leader = three.leader()
    [one, other] = [server for server in three.servers if server is not leader]

    # The leader's packets to PostgreSQL are lost, and nobody is told.
    cut_off = time.monotonic()
    three.to_postgres[leader].set("hang")
    targets.failing.add("a")
    one.call("DELETE", f"/api/v1/keys/{revoked['id']}", key=key).must(204)
    assert one.call("GET", "/api/v1/dashboard", key=revoked["key"]).status == 401
    assert leader.call("GET", "/api/v1/dashboard", key=revoked["key"]).status == 200, "it can't know"
    [second] = wait_for("another one leads", lambda: leaders([one, other]), seconds=LEADS)
    print(f"another leads after {time.monotonic() - cut_off:.1f} s", file=sys.stderr)

    # A third one loses ClickHouse: first no byte arrives, then it is refused.
    [third] = [server for server in (one, other) if server is not second]
    for mode in ("hang", "refuse"):
        three.to_clickhouse[third].set(mode)
        third.call("POST", "/api/requests", make_batch([make_hit(f"/{mode}")]), key).must()
        time.sleep(1)
        assert third.metric("inbox_records") > 0
    posts.acknowledged += ["/hang", "/refuse"]
    assert third.call("GET", "/api/v1/dashboard", key=key).status == 503
    three.to_clickhouse[third].set("pass")
    wait_for("it shows hits again", lambda: third.call("GET", "/api/v1/dashboard", key=key).status == 200)

    # The one that was cut off shows nothing after 30 s, and takes hits.
    refused = lambda: leader.call("GET", "/api/v1/dashboard", key=revoked["key"]).status == 503  # noqa: E731
    wait_for("it shows nothing", refused, seconds=SHOWS, every=0.2)
    print(f"it shows nothing after {time.monotonic() - cut_off:.1f} s", file=sys.stderr)
    assert time.monotonic() - cut_off < SHOWS
    leader.call("POST", "/api/requests", make_batch([make_hit("/cut off")]), key).must()
    posts.acknowledged.append("/cut off")
    wait_for("the outage is told", lambda: len(receiver.taken()) == 1, seconds=60)
    three.to_postgres[leader].set("pass")
    known = lambda: leader.call("GET", "/api/v1/dashboard", key=revoked["key"]).status == 401  # noqa: E731
    wait_for("it knows what was revoked", known)
    assert leaders(three.servers) == [second], "it does not take the lead back"

    # A slow network changes nothing.
    for relay in three.to_postgres.values():
        relay.set("pass", delay_s=0.2)
    time.sleep(2)
    assert leaders(three.servers) == [second]
    three.mend()

    # The leader itself stands still, and wakes up.
    second.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    targets.failing.clear()
    try:
        [fourth] = wait_for("another one leads", lambda: leaders([leader, third]), seconds=LEADS)
    finally:
        second.process.send_signal(signal.SIGCONT)
    print(f"another leads after {time.monotonic() - stopped:.1f} s", file=sys.stderr)
    wait_for("the end is told", lambda: len(receiver.taken()) == 2, seconds=90)
    assert leaders(three.servers) == [fourth]

    cut_at_random(three)
    posts.finish()
    three.mend()
    for server in three.servers:
        settle(server)
    for server in three.servers:
        stored = Counter(read_paths(server, key))
        assert stored == Counter(posts.acknowledged), (stored - Counter(posts.acknowledged), Counter(posts.acknowledged) - stored)
    # Each was told once, and nobody told it again.
    assert len({notice.id for notice in receiver.taken()}) == len(receiver.taken()) == 2
    for server in three.servers:
        found = server.call("GET", "/api/v1/incidents", key=key).must().json()["incidents"]
        assert [incident["state"] for incident in found] == ["closed"], found
    for host in (targets, receiver):
        host.http.shutdown()


def cut_at_random(three: Three) -> None:
    if SECONDS == 0:
        return
    print(f"CUT_SEED={SEED} CUT_SECONDS={SECONDS}", file=sys.stderr)
    chance = random.Random(SEED)
    until = time.monotonic() + SECONDS
    relays = [*three.to_postgres.values(), *three.to_clickhouse.values()]
    while time.monotonic() < until:
        for relay in chance.sample(relays, 2):
            relay.set(chance.choice(["hang", "refuse", "pass"]), chance.choice([0.0, 0.2]))
        time.sleep(chance.random() * 12)
        three.mend()
        wait_for("one leads", lambda: len(leaders(three.servers)) == 1, seconds=60, every=0.5)

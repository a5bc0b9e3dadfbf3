"""Several servers that share one PostgreSQL and one ClickHouse database: killed at random, they lose nothing, double nothing,
tell an outage once, and refuse everywhere what was revoked at one of them."""

import os
import random
import sys
import time
from collections import Counter

import pytest

from cluster import Posts, leaders, listed
from hosts import Receiver, Targets
from posting import create_project, make_batch, make_hit, read_paths, settle, wait_for
from server import Server, must_run, run

SECONDS = float(os.environ.get("CRASH_SECONDS_SERVERS", "60"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


@pytest.fixture
def three(servers, postgres, clickhouse) -> list[Server]:
    settings = {"meta": postgres.url, "hits": clickhouse.url, "registration": "open", "allow_networks": "127.0.0.1/32"}
    made = [servers(f"data{number}", **settings) for number in range(3)]
    for server in made:
        server.start()
    return made


# Counts how often each job ended.
WATCH_JOBS = """
    CREATE TABLE job_ends (name TEXT NOT NULL);
    CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO job_ends VALUES (NEW.name); RETURN NULL; END $$;
    CREATE TRIGGER note_end AFTER INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION note_end();
    DELETE FROM jobs;
"""

def test_three_servers_are_killed_at_random(three, postgres):
    print(f"CRASH_SEED={SEED} CRASH_SECONDS_SERVERS={SECONDS}", file=sys.stderr)
    chance = random.Random(SEED)
    targets, receiver = Targets(), Receiver()
    postgres.run(WATCH_JOBS)
    number, key = create_project(three[0], "shop")
    hook = {"config": {"kind": "webhook", "url": receiver.url}}
    made = three[1].call("POST", "/api/v1/channels", hook, key).must(201).json()
    receiver.secret, channel = made["secret"], made["channel"]["id"]
    watched = {"kind": "http", "interval_s": 20, "timeout_ms": 10_000, "down_after": 1, "up_after": 1}
    for name in ("a", "b", "c"):
        settings = watched | {"url": targets.url(name), "name": name}
        three[2].call("POST", "/api/v1/monitors", settings, key).must(201)
    posts = Posts(three, key)
    targets.failing.update(["a", "b", "c"])
    kills, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(0.5 + chance.random() * 3)
        server = chance.choice(three)
        server.kill()
        time.sleep(chance.random() * 2)
        server.start()
        kills += 1
    posts.finish()
    for server in three:
        settle(server)
    print(f"{kills} kills, {len(posts.acknowledged)} hits", file=sys.stderr)
    assert kills > 1 and len(posts.acknowledged) > 100
    for server in three:
        stored = Counter(read_paths(server, key))
        assert stored == Counter(posts.acknowledged), (stored - Counter(posts.acknowledged), Counter(posts.acknowledged) - stored)

    # Each outage is told once, by whichever server found it, and so is its end.
    opened = lambda: {one.id for one in receiver.taken()}  # noqa: E731
    wait_for("three outages are told", lambda: len(opened()) == 3, seconds=120)
    targets.failing.clear()
    wait_for("their ends are told", lambda: len(opened()) == 6, seconds=120)
    for server in three:
        found = server.call("GET", "/api/v1/incidents", key=key).must().json()["incidents"]
        assert [one["state"] for one in found] == ["closed"] * 3, found
    deliveries = three[0].call("GET", f"/api/v1/channels/{channel}/deliveries", key=key).must().json()["deliveries"]
    assert len(deliveries) == 6
    # Daily and hourly jobs ran once, whoever led.
    daily = ("keep_hits", "inactivity", "trim_checks", "forget_expired_sessions", "forget_unconfirmed")
    wait_for("the jobs ran", lambda: set(daily) <= set(postgres.run("SELECT name FROM jobs")), seconds=120, every=0.2)
    ends = dict(line.split("|") for line in postgres.run("SELECT name, count(*) FROM job_ends GROUP BY 1"))
    assert {name: ends.get(name) for name in daily} == dict.fromkeys(daily, "1"), ends
    # The servers have three numbers, and kept them.
    wait_for("all are alive", lambda: listed(three[0]) == {0: "alive", 1: "alive", 2: "alive"})
    wait_for("one leads", lambda: len(leaders(three)) == 1)

    # A key that one revokes, all refuse; and what is erased at one was put in at another.
    added = three[0].call("POST", "/api/v1/keys", {"can": "ingest"}, key).must(201).json()
    for server in three:
        server.call("POST", "/api/requests", make_batch([make_hit("/last", "someone")]), added["key"]).must()
    three[1].call("DELETE", f"/api/v1/keys/{added['id']}", key=key).must(204)
    began = time.monotonic()
    for server in three:
        refused = lambda: server.call("POST", "/api/requests", make_batch([make_hit("/x")]), added["key"]).status == 401  # noqa: B023, E731
        wait_for("the key is refused", refused, seconds=5)
    print(f"refused by all after {time.monotonic() - began:.3f} s", file=sys.stderr)
    erased = three[2].call("DELETE", "/api/v1/consumers/u:someone", key=key).must().json()["erased"]
    assert erased == len(posts.acknowledged) + 3
    # Taken while the revocation was on its way to the others.
    assert all(set(read_paths(server, key)) <= {"/x"} for server in three)
    for host in (targets, receiver):
        host.http.shutdown()


def test_a_server_that_is_gone_is_followed_and_can_be_drained(three, servers, postgres, clickhouse):
    number, key = create_project(three[0], "shop")
    [leader] = wait_for("one leads", lambda: leaders(three))
    others = [server for server in three if server is not leader]
    post = {"body": make_batch([make_hit("/late", "someone")]), "key": key}
    leader.call("POST", "/api/requests", **post).must()
    # A heartbeat that reaches a follower counts.
    nightly = {"kind": "heartbeat", "name": "nightly", "period_s": 3_600}
    made = others[0].call("POST", "/api/v1/monitors", nightly, key).must(201).json()
    signal = made["heartbeat_url"].split("/api/", 1)[1]
    others[1].call("GET", f"/api/{signal}/success").must()

    def last_success(server: Server):
        return server.call("GET", f"/api/v1/monitors/{made['id']}", key=key).must().json()["signals"]["succeeded_at"]

    for server in three:
        wait_for("all show it", lambda: last_success(server))  # noqa: B023

    leader.kill()
    began = time.monotonic()
    wait_for("another one leads", lambda: leaders(others), seconds=25)
    print(f"another leads after {time.monotonic() - began:.2f} s", file=sys.stderr)
    # Its disk may hold hits of the consumer, so an erasure is not answered.
    refused = others[0].call("DELETE", "/api/v1/consumers/u:someone", key=key)
    assert (refused.status, refused.json()["code"]) == (503, "erasure_waits"), refused.body
    wait_for("it is said", lambda: "gone" in listed(others[0]).values())
    flags = ["--meta", postgres.url, "--hits", clickhouse.url]
    running = run("drain", "--data", others[0].data, *flags)
    assert running.returncode != 0 and "stop it first" in running.stderr
    drained = must_run("drain", "--data", leader.data, *flags)
    assert "may be deleted" in drained
    assert sorted(listed(others[0]).values()) == ["alive", "alive", "drained"]
    # Its hits may be erased already.
    erased = lambda: others[0].call("DELETE", "/api/v1/consumers/u:someone", key=key).status in (200, 404)  # noqa: E731
    wait_for("they are erased", erased)
    assert read_paths(others[0], key) == []

    # A new folder gets a number of its own, a chosen one must be free, and files cannot be shared.
    settings = {"meta": postgres.url, "hits": clickhouse.url}
    fourth = servers("fourth", **settings).start()
    assert sorted(listed(fourth)) == [0, 1, 2, 3]
    fourth.stop()
    taken = run("serve", "--data", fourth.data.parent / "fifth", *flags, "--node", "1", "--listen", "127.0.0.1:0")
    assert taken.returncode != 0 and "writes as node 1" in taken.stderr, taken.stderr
    files = run("serve", "--data", fourth.data.parent / "sixth", "--meta", postgres.url, "--listen", "127.0.0.1:0")
    assert files.returncode != 0 and "another server uses" in files.stderr, files.stderr


def test_a_list_shows_what_others_store_and_nothing_that_they_erased(three):
    one, other, _ = three
    _, key = create_project(one, "shop")
    post = lambda user: one.call("POST", "/api/requests", make_batch([make_hit("/a", user)]), key).must()  # noqa: E731
    post("alice")
    settle(one)

    def names() -> set[str]:
        found = other.call("GET", "/api/v1/lists/top_consumers?period=all", key=key)
        return {row["user"] for row in found.must().json()["rows"]} if found.status != 401 else set()

    wait_for("the other one lists her", lambda: names() == {"alice"})
    post("bob")
    settle(one)
    wait_for("the other one lists him", lambda: names() == {"alice", "bob"}, seconds=15)
    # The answer to an erasure is true at every server.
    one.call("DELETE", "/api/v1/consumers/u:alice", key=key).must()
    assert names() == {"bob"}


def test_no_server_shows_what_a_raised_privacy_level_would_not_have_kept(three):
    one, other, _ = three
    _, key = create_project(one, "shop")
    wait_for("the other one knows the key", lambda: other.call("GET", "/api/v1/project", key=key).status == 200)
    post = lambda: other.call("POST", "/api/requests", make_batch([make_hit("/a") | {"created_at": "half past nine"}]), key).must(400)  # noqa: E731
    post()

    def health() -> str:
        return other.call("GET", "/api/v1/ingest-health", key=key).must().body.decode()

    assert "half past nine" in health()
    one.call("PATCH", "/api/v1/project", {"privacy_level": 1}, key).must()
    assert "half past nine" not in health()
    post()
    assert "half past nine" not in health() and "aaaa aaaa aaaa" in health()


def test_a_server_that_is_cut_off_takes_hits_and_shows_nothing(three, postgres):
    number, key = create_project(three[0], "shop")
    three[1].call("GET", "/api/v1/project", key=key).must()
    wait_for("one leads", lambda: len(leaders(three)) == 1)
    led = leaders(three)
    postgres.crash()
    three[1].call("POST", "/api/requests", make_batch([make_hit("/meanwhile")]), key).must()
    three[1].call("GET", "/api/v1/dashboard", key=key).must()

    def refused():
        answer = three[1].call("GET", "/api/v1/dashboard", key=key)
        return answer.status == 503 and answer.json()["code"] == "database_away"

    wait_for("it no longer shows anything", refused, seconds=90, every=0.5)
    three[1].call("POST", "/api/requests", make_batch([make_hit("/later")]), key).must()
    postgres.start()
    wait_for("it does again", lambda: three[1].call("GET", "/api/v1/dashboard", key=key).status == 200)
    for server in three:
        settle(server)
    assert read_paths(three[0], key) == ["/later", "/meanwhile"]
    # It has results that the others do not have.
    wait_for("the one that led leads again", lambda: leaders(three) == led, seconds=120)

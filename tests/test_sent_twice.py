"""A client that got no answer sends its batch again, and a load balancer gives it to another server: each batch counts once, whenever
the servers that have it come to store it."""

import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from posting import create_project, make_batch, make_hit, read_paths, settle, wait_for
from server import Server


@pytest.fixture
def two(servers, postgres, clickhouse) -> list[Server]:
    settings = {"meta": postgres.url, "hits": clickhouse.url, "registration": "open"}
    return [servers(f"data{number}", **settings).start() for number in range(2)]


def send(server: Server, batch: dict, key: str) -> None:
    answer = server.call("POST", "/api/requests", batch, key).must().json()
    assert answer["accepted"] == len(batch["requests"]), answer


def batches(count: int, name: str) -> list[dict]:
    return [make_batch([make_hit(f"/{name}/{number}/{place}") for place in range(3)]) for number in range(count)]


def paths(sent: list[dict]) -> Counter:
    return Counter(hit["path"] for batch in sent for hit in batch["requests"])


def stored(server: Server, key: str) -> Counter:
    return Counter(read_paths(server, key))


def kept_hashes(stopped: Server) -> int:
    """Groups of batches whose hashes are in the inbox."""
    with closing(sqlite3.connect(stopped.data / "inbox.sqlite")) as inbox:
        return inbox.execute("SELECT count(*) FROM batch_hashes").fetchone()[0]


def test_a_batch_that_two_servers_acknowledge_counts_once(two, postgres):
    one, other = two
    _, key = create_project(one, "shop")
    _, other_key = create_project(one, "garden")
    sent = batches(20, "now")
    for number, batch in enumerate(sent):
        send(two[number % 2], batch, key)
        send(two[1 - number % 2], batch, key)
    # Without an id nothing tells a batch that was sent again from one like it.
    unnamed = {"framework": "FastAPI", "requests": [make_hit("/unnamed")]}
    for server in two:
        send(server, unnamed, key)
    # The same id in another project is another batch.
    send(one, sent[0], other_key)
    for server in two:
        settle(server)
    assert stored(one, key) == stored(other, key) == paths(sent) + Counter({"/unnamed": 2})
    assert stored(other, other_key) == paths(sent[:1])
    assert sum(server.metric("hits_elsewhere_total") for server in two) == 60
    assert postgres.run("SELECT count(*) FROM taken_batches") == ["21"]
    # One that comes much later, and after a start, is known as well.
    other.stop()
    other.start()
    send(other, sent[0], key)
    settle(other)
    assert stored(one, key) == paths(sent) + Counter({"/unnamed": 2})


def test_a_server_that_died_with_a_batch_does_not_store_it_again(two, clickhouse):
    one, other = two
    _, key = create_project(one, "shop")
    wait_for("the other one knows the key", lambda: other.call("GET", "/api/v1/project", key=key).status == 200)
    clickhouse.close()
    both, only_one, only_other = batches(10, "both"), batches(5, "one"), batches(5, "other")
    for batch in both + only_one:
        send(one, batch, key)
    wait_for("it tried to store them", lambda: "hits wait in the inbox" in str(one.call("GET", "/api/health").body))
    one.kill()
    assert kept_hashes(one) > 0
    for batch in only_other + both:
        send(other, batch, key)
    clickhouse.start()
    settle(other)
    # They are the dead one's if it asked for them before it died: then they are in its folder.
    assert paths(only_other) <= stored(other, key)
    one.start()
    settle(one)
    assert stored(other, key) == paths(both + only_one + only_other)
    assert one.metric("hits_elsewhere_total") + other.metric("hits_elsewhere_total") == 30
    one.stop()
    assert kept_hashes(one) == 0


def test_batches_wait_while_nobody_knows_who_has_them(two, postgres):
    one, other = two
    _, key = create_project(one, "shop")
    wait_for("the other one knows the key", lambda: other.call("GET", "/api/v1/project", key=key).status == 200)
    postgres.crash()
    sent = batches(10, "meanwhile")
    for batch in sent:
        for server in two:
            send(server, batch, key)
    asked = lambda: "asking PostgreSQL" in str(one.call("GET", "/api/health").body)  # noqa: E731
    wait_for("it says why hits wait", asked)
    assert one.metric("inbox_records") == 10
    postgres.start()
    for server in two:
        settle(server)
    wait_for("pages show again", lambda: one.call("GET", "/api/v1/project", key=key).status == 200)
    assert stored(one, key) == paths(sent)
    assert [server.metric("batches_unasked_total") for server in two] == [0, 0]

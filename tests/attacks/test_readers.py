"""Readers that request as much as they may, as often as they can."""

import random
import threading
from collections import Counter
from urllib.parse import quote

import pytest

from posting import create_key, make_batch, make_hit, settle
from server import BROKEN, Connection, Server

HITS, READERS = 40_000, 12
SECONDS = 8
# As many wildcards as one query may have, of a kind that makes a careless matcher backtrack.
COSTLY = " ".join(f"-path:*a*e*{number}*" for number in range(10, 35))


@pytest.fixture
def library(servers) -> tuple[Server, str]:
    """A server with a project of many different paths."""
    server = servers(demo="off").start()
    key = create_key(server)
    connection = Connection(server.port)
    chance = random.Random(3)
    for _ in range(HITS // 1_000):
        hits = [make_hit("/" + "".join(chance.choices("abcde", k=60)), user=f"u{chance.randrange(500)}") for _ in range(1_000)]
        connection.call("POST", "/api/requests", make_batch(hits), key).must()
    settle(server)
    return server, key


class Readers:
    """Clients that call again as soon as they have an answer."""

    def __init__(self, server: Server, key: str, path: str):
        self.server, self.key, self.path = server, key, path
        self.answers: Counter[int | str] = Counter()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.read, daemon=True) for _ in range(READERS)]
        for thread in self.threads:
            thread.start()

    def read(self) -> None:
        connection = Connection(self.server.port, timeout=60)
        while not self.stopping.is_set():
            try:
                answer = connection.call("GET", self.path, key=self.key)
                self.answers[answer.status] += 1
            except BROKEN as problem:
                self.answers[type(problem).__name__] += 1

    def stop(self) -> Counter:
        self.stopping.set()
        for thread in self.threads:
            thread.join(90)
        return self.answers


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/hits?format=csv&q={quote(COSTLY)}",
        f"/api/v1/dashboard?period=24h&q={quote(COSTLY)}",
        "/api/v1/dashboard?period=24h&rows=500",
        "/api/v1/hits?limit=10000",
    ],
    ids=["export", "filtered page", "page", "list"],
)
def test_readers_do_not_starve_a_neighbour(library, neighbour, path):
    """A former bug: one reader made the engine fail for everybody: health 500, pages of others failed."""
    server, key = library
    unwell = []
    with neighbour(server, page_seconds=4):
        readers = Readers(server, key, path)
        for _ in range(SECONDS * 4):
            health = server.call("GET", "/api/health")
            if health.status != 200:
                unwell.append(health.body)
            readers.stopping.wait(0.25)
        answers = readers.stop()
    assert not unwell, unwell[:2]
    assert answers[200] > 0, f"the attack did nothing: {answers}"
    assert set(answers) <= {200, 429, 503}, answers
    assert "made anew" not in server.log()


def test_a_question_with_too_many_wildcards_is_refused_at_once(library):
    server, key = library
    q = " ".join(f"-path:*a*e*{number}*" for number in range(10, 60))
    answer = server.call("GET", f"/api/v1/hits?q={quote(q)}", key=key)
    assert (answer.status, answer.json()["code"]) == (400, "invalid_query"), answer.body
    assert "wildcard" in answer.json()["message"] or "*" in answer.json()["message"], answer.body

"""Attacks on a real server, each of which once succeeded, and the neighbour who must not notice any of them."""

import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from posting import create_key, make_batch, make_hit
from server import BROKEN, Connection, Server

# A page that takes longer than this may be one that the attack has slowed down.
PAGE_SECONDS = 2.0
# An attack slows down page after page, or one without end. A busy machine delays one of them for a moment.
SLOW_PAGES = 1 / 20


@dataclass
class Neighbour:
    """Another project of the same server: posts and looks at its dashboard all the while.

    Every post must be accepted, and pages must come within `page_seconds`, but for one in twenty, which may take five times
    as long; `stop` asserts both.
    """

    server: Server
    page_seconds: float = PAGE_SECONDS
    posted: int = 0
    pages: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.key = create_key(self.server)
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.guard, args=(work,), daemon=True) for work in (self.post, self.look)]

    def start(self) -> "Neighbour":
        # The first page also reads what every later one has in memory.
        self.page(Connection(self.server.port))
        for thread in self.threads:
            thread.start()
        return self

    def guard(self, work) -> None:
        connection = Connection(self.server.port, timeout=30)
        while not self.stopping.wait(0.05):
            try:
                work(connection)
            except BROKEN as problem:
                self.problems.append(f"{work.__name__}: {problem!r}")
            except Exception as problem:
                self.problems.append(f"{work.__name__}: {problem!r}")
                return

    def post(self, connection: Connection) -> None:
        hits = [make_hit(f"/neighbour/{number}", user=f"user{number}") for number in range(20)]
        answer = connection.call("POST", "/api/requests", make_batch(hits, str(uuid.uuid4())), self.key)
        if answer.status != 200:
            self.problems.append(f"post: {answer.status} {answer.body[:200]!r}")
            return
        self.posted += 20

    def page(self, connection: Connection):
        return connection.call("GET", "/api/v1/dashboard?period=24h", key=self.key)

    def look(self, connection: Connection) -> None:
        began = time.monotonic()
        answer = self.page(connection)
        took = time.monotonic() - began
        if answer.status != 200:
            self.problems.append(f"page: {answer.status} {answer.body[:200]!r}")
        self.pages.append(took)

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "the neighbour got no answer within 60 s"
        assert not self.problems, f"{len(self.problems)} problems of the neighbour, the first: {self.problems[:3]}"
        assert self.posted and self.pages, "the neighbour did nothing, which proves nothing"
        slow = sorted((page for page in self.pages if page > self.page_seconds), reverse=True)
        assert len(slow) <= max(1, len(self.pages) * SLOW_PAGES), f"{len(slow)} of the neighbour's {len(self.pages)} pages were slow: {slow}"
        assert not slow or slow[0] <= 5 * self.page_seconds, f"a page of the neighbour took {slow[0]:.2f} s"


@pytest.fixture
def neighbour():
    """`with neighbour(server): attack` asserts at its end that the neighbour noticed nothing."""
    @contextmanager
    def run(server: Server, page_seconds: float = PAGE_SECONDS):
        beside = Neighbour(server, page_seconds).start()
        try:
            yield beside
        except BaseException:
            beside.stopping.set()
            raise
        beside.stop()

    return run

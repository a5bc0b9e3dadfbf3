"""The client of the crash test: posts to several projects over kept-alive connections, tries again until it is answered,
erases consumers, and keeps a plain model of what it was promised.

It knows nothing of files or kills; while the server is away its calls break, and it makes them again.
"""

import itertools
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from posting import make_batch
from server import BROKEN, Answer, Connection

STATUSES = [200, 201, 204, 301, 404, 422, 500]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass
class Model:
    """The content that one project must have. A path identifies a hit; no two hits share one."""

    key: str
    # Paths to their consumer, of hits whose batch was answered with 200.
    acknowledged: dict[str, str] = field(default_factory=dict)
    # Paths whose batch was sent and never answered: present once or not at all.
    unknown: dict[str, str] = field(default_factory=dict)
    # Consumers whose erasure was sent: their hits may be disappearing.
    being_erased: set[str] = field(default_factory=set)
    # Consumers whose erasure was answered: no hit of theirs is left.
    erased: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def hit_of(path: str, user: str) -> dict:
    """Every field is derived from the path, so that a returned hit can be checked without storing it."""
    number = sum(path.encode())
    return {
        "path": path,
        "user_id": user,
        "method": METHODS[number % len(METHODS)],
        "status": STATUSES[number % len(STATUSES)],
        "response_time": number % 1_000 + 0.25,
        "hostname": f"host{number % 3}.example.com",
        "ip_address": f"203.0.113.{number % 250}",
        "user_agent": f"agent/{number % 20}",
        "request_size": number,
    }


def assert_is(hit: dict, user: str) -> None:
    """Asserts that a hit from `/api/v1/hits` equals the one posted."""
    posted = hit_of(hit["path"], user)
    shown = {
        "path": hit["path"],
        "user_id": hit["user_id"],
        "method": hit["method"],
        "status": hit["status"],
        "response_time": hit["duration_ms"],
        "hostname": hit["host"],
        "ip_address": hit["address"],
        "user_agent": hit["user_agent"],
        "request_size": hit["request_size"],
    }
    assert shown == posted


class Load:
    """Threads that post, erase and read until they are told to stop."""

    def __init__(self, port: int, keys: list[str], seed: int):
        self.port, self.seed = port, seed
        self.models = [Model(key) for key in keys]
        self.counts: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self.stopping = threading.Event()
        # Cleared at times: no batch is begun; no erasure or deletion is.
        self.may_post, self.may_erase = threading.Event(), threading.Event()
        self.may_post.set()
        self.may_erase.set()
        # Deleted projects: number to key, and whether the deletion was answered.
        self.deleted: dict[int, str] = {}
        self.delete_now = threading.Event()
        # Set for a moment: every eraser erases now.
        self.erase_now = threading.Event()
        self.raise_now = threading.Event()
        # Keys of projects whose privacy level was raised by a call that a kill cut off.
        self.raised: list[str] = []
        self.numbers = itertools.count()
        self.threads: list[threading.Thread] = []

    def start(self, posters: int = 4, erasers: int = 3, deleters: int = 1, readers: int = 1) -> None:
        workers = (self.post, posters), (self.erase, erasers), (self.delete, deleters), (self.read, readers), (self.raise_level, 1)
        for work, count in workers:
            for number in range(count):
                chance = random.Random(f"{self.seed} {work.__name__} {number}")
                thread = threading.Thread(
                    target=self.guard, args=(work, chance), name=f"{work.__name__}{number}", daemon=True
                )
                thread.start()
                self.threads.append(thread)

    def guard(self, work, chance: random.Random) -> None:
        try:
            work(Connection(self.port, timeout=30), chance)
        except BaseException as problem:
            self.errors.append(problem)

    def finish(self, seconds: float = 180) -> None:
        """Completes every call begun; the server must be running."""
        self.stopping.set()
        self.may_post.set()
        self.may_erase.set()
        for thread in self.threads:
            thread.join(seconds)
            assert not thread.is_alive(), f"{thread.name} got no answer within {seconds} s"
        self.check()

    def check(self) -> None:
        if self.errors:
            raise self.errors[0]

    # The work of each thread.

    def post(self, connection: Connection, chance: random.Random) -> None:
        answered: list[tuple[Model, dict, int]] = []
        while not self.stopping.is_set():
            if not self.may_post.wait(0.1):
                continue
            model = chance.choice(self.models)
            batch = self.new_batch(chance, [f"user{chance.randrange(50)}"])
            if chance.random() < 0.05:
                self.post_once(connection, model, batch)
                continue
            accepted = self.post_until_answered(connection, model, batch)
            answered.append((model, batch, accepted))
            if chance.random() < 0.1:
                # A client that lost the answer posts again, perhaps much later, and gets the same answer.
                old_model, old_batch, old_accepted = chance.choice(answered[-200:])
                again = self.post_until_answered(connection, old_model, old_batch)
                assert again == old_accepted, f"a repeated batch was answered {again} in place of {old_accepted}"
                self.counts["repeated batches"] += 1
            time.sleep(chance.random() * 0.03)

    def erase(self, connection: Connection, chance: random.Random) -> None:
        while not self.stopping.is_set():
            model = chance.choice(self.models)
            user = f"erased{next(self.numbers)}"
            batches = [
                self.new_batch(chance, [user, f"user{chance.randrange(50)}"]) for _ in range(chance.randrange(1, 4))
            ]
            for batch in batches:
                self.may_post.wait()
                self.post_until_answered(connection, model, batch)
                self.erase_now.wait(chance.random() * 0.2)
            # Long enough for its hits to be sealed, or not.
            self.erase_now.wait(chance.random() * 2)
            self.may_erase.wait()
            with model.lock:
                model.being_erased.add(user)
            self.counts["erasures sent"] += 1
            self.until_answered(connection, "DELETE", f"/api/v1/consumers/u:{user}", None, model.key)
            with model.lock:
                model.erased.add(user)
            self.counts["erasures"] += 1
            if chance.random() < 0.5:
                # A late repetition of a batch does not restore erased hits.
                self.post_until_answered(connection, model, chance.choice(batches))
                self.counts["repeated after an erasure"] += 1

    def delete(self, connection: Connection, chance: random.Random) -> None:
        """Projects are created and deleted."""
        while not self.stopping.is_set():
            try:
                made = connection.call("POST", "/api/v1/projects", {"name": "to be deleted"}).must(201).json()
            except BROKEN:
                time.sleep(0.02)
                continue
            model = Model(made["key"])
            for _ in range(3):
                self.post_until_answered(connection, model, self.new_batch(chance, ["someone"]))
                self.delete_now.wait(chance.random() * 0.5)
            self.delete_now.wait(4)
            self.may_erase.wait()
            self.deleted[made["project_id"]] = model.key
            self.until_deleted(connection, model.key)
            self.counts["deletions"] += 1

    def raise_level(self, connection: Connection, chance: random.Random) -> None:
        """Projects start at privacy level 0; later no address may be left."""
        while not self.stopping.is_set():
            try:
                made = connection.call("POST", "/api/v1/projects", {"name": "to be raised"}).must(201).json()
            except BROKEN:
                time.sleep(0.02)
                continue
            model = Model(made["key"])
            for _ in range(3):
                self.post_until_answered(connection, model, self.new_batch(chance, ["someone"]))
                self.raise_now.wait(chance.random() * 0.5)
            self.raise_now.wait(3)
            self.may_erase.wait()
            raised, was_cut_off = self.again(connection, "PATCH", "/api/v1/project", {"privacy_level": 2}, model.key)
            raised.must()
            self.counts["privacy raises"] += 1
            if was_cut_off:
                # A job does the rest, and nobody waits for it.
                self.counts["privacy raises cut off"] += 1
                self.raised.append(model.key)
                continue
            try:
                hits = connection.call("GET", "/api/v1/hits?limit=1000", key=model.key)
            except BROKEN:
                self.raised.append(model.key)
                continue
            if hits.status == 200:
                shown = hits.json()["hits"]
                assert len(shown) == len(model.acknowledged), "raising a level erases addresses and not hits"
                assert not [hit for hit in shown if hit["address"]], "an address is there after its erasure was answered"
            self.deleted[made["project_id"]] = model.key
            self.until_deleted(connection, model.key)

    def until_deleted(self, connection: Connection, key: str) -> None:
        answer, was_cut_off = self.again(connection, "DELETE", "/api/v1/project", None, key)
        # Its key is unknown from the moment at which the deletion begins: nobody can ask twice.
        if answer.status == 401 and was_cut_off:
            self.counts["deletions cut off"] += 1
            return
        assert answer.must().json()["erased"] > 0

    def read(self, connection: Connection, chance: random.Random) -> None:
        """Readers hold files that are being replaced. They see no hit twice and none that was erased before."""
        while not self.stopping.is_set():
            model = chance.choice(self.models)
            with model.lock:
                erased = set(model.erased)
            try:
                answer = connection.call("GET", "/api/v1/hits?limit=2000", key=model.key)
            except BROKEN:
                time.sleep(0.02)
                continue
            if answer.status == 503:
                continue
            hits = answer.must().json()["hits"]
            paths = Counter(hit["path"] for hit in hits)
            twice = [path for path, count in paths.items() if count > 1]
            assert not twice, f"read twice: {twice[:5]}"
            back = [hit["path"] for hit in hits if hit["user_id"] in erased]
            assert not back, f"read after its erasure was answered: {back[:5]}"
            self.counts["reads"] += 1
            time.sleep(0.05)

    # Calls.

    def new_batch(self, chance: random.Random, users: list[str]) -> dict:
        number = next(self.numbers)
        # One batch in 25 has paths of maximum length, whose files are split by size.
        fat = "/" + "x" * 2_000 if chance.random() < 0.04 else ""
        hits = [hit_of(f"/{number}/{index}{fat}", chance.choice(users)) for index in range(chance.randrange(1, 40))]
        return make_batch(hits, batch_id=f"batch-{self.seed}-{number}")

    def post_once(self, connection: Connection, model: Model, batch: dict) -> None:
        """Like the original's clients: does not retry an unanswered post."""
        paths = {hit["path"]: hit["user_id"] for hit in batch["requests"]}
        with model.lock:
            model.unknown.update(paths)
        try:
            answer = connection.call("POST", "/api/requests", batch, model.key)
        except BROKEN:
            self.counts["batches given up"] += 1
            return
        if answer.status == 503:
            return
        answer.must()
        with model.lock:
            for path in paths:
                del model.unknown[path]
            model.acknowledged.update(paths)

    def post_until_answered(self, connection: Connection, model: Model, batch: dict) -> int:
        answer = self.until_answered(connection, "POST", "/api/requests", batch, model.key)
        accepted = answer["accepted"]
        assert accepted == len(batch["requests"]), answer
        with model.lock:
            model.acknowledged.update({hit["path"]: hit["user_id"] for hit in batch["requests"]})
        self.counts["batches"] += 1
        return accepted

    def until_answered(self, connection: Connection, method: str, path: str, body: object, key: str) -> dict:
        answer, _ = self.again(connection, method, path, body, key)
        if answer.status == 404 and method == "DELETE":
            # An earlier try, whose answer was lost in a kill, has erased everything.
            self.counts["erased before the answer"] += 1
            return {}
        return answer.must().json()

    def again(self, connection: Connection, method: str, path: str, body: object, key: str) -> tuple[Answer, bool]:
        """Repeats the call while the server is down or says to retry; returns whether it was repeated."""
        was_cut_off = False
        while True:
            try:
                answer = connection.call(method, path, body, key)
            except BROKEN:
                self.counts["tries that broke"] += 1
                was_cut_off = True
                time.sleep(0.02)
                continue
            if answer.status != 503:
                return answer, was_cut_off
            self.counts["tries refused"] += 1
            was_cut_off = True
            time.sleep(0.05)

"""Every client against every case of `client-cases/`: servers that fail, keys that are wrong, processes that end.

A case is a script for a server of ours (`sink`: its answers in order, after which it answers as the product), what the test does (`do`),
and what must have arrived and been printed at the end (`expect`). `contract/README.md` lists the words. Most of a case's time is waiting,
so several run at once, each with its own server and app.
"""

import contextlib
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import sink as sinks
from running import APPS, ROWS, App, most_lines
from sink import Sink, Step

CASES = {path.stem: json.loads(path.read_text()) for path in sorted((APPS.parent / "client-cases").glob("*.json"))}
CLIENTS = [row for row in ROWS if row.get("client_cases")]
KEY = "the-secret-key"
#: Seconds that whatever has a time may take longer where other tests use the processors.
BUSY = 2.0


def to_step(answer: "dict[str, Any]") -> Step:
    """The sink's behaviour for one request."""
    if answer.get("hang"):
        return sinks.hang
    if answer.get("dribble"):
        return sinks.dribble
    if answer.get("garbage"):
        return sinks.garbage
    if answer.get("keep"):
        if answer.get("reset"):
            return sinks.keep_then_reset
        return sinks.answer_and_close if answer.get("close") else sinks.answer_as_product
    if answer.get("reset"):
        return sinks.reset
    headers = dict(answer.get("headers", {}))
    body = answer["text"].encode() if "text" in answer else b"x" * answer["bytes"] if "bytes" in answer else None

    def step(sink: Sink, connection: Any, post: Any) -> bool:
        if "retry_in" in answer:
            headers["Retry-After"] = formatdate(time.time() + answer["retry_in"], usegmt=True)
        return sinks.answer(answer["status"], body, headers)(sink, connection, post)

    return step


class Run:
    """A case with a client, run to its end; `problems` says what differs from `expect`."""

    def __init__(self, case: "dict[str, Any]", client: "dict[str, Any]", folder: Path, log: Path) -> None:
        self.client = client
        self.sink = Sink()
        self.sink.script = [to_step(answer) for answer in case["sink"]]
        self.problems: list[str] = []
        self.next = 1000  # above 404, whose item the apps do not have
        self.app = App(folder, client, self.sink.url, case.get("key", KEY), log)
        self.began = time.monotonic()
        try:
            for action in case["do"]:
                self.do(action)
            self.judge(case["expect"])
        except Exception as error:
            self.problems.append(repr(error))
        finally:
            self.app.kill()
            with contextlib.suppress(OSError):
                self.sink.stop()

    def do(self, action: "dict[str, Any]") -> None:
        seconds = action.get("seconds", 30) + BUSY
        if "requests" in action:
            self.app.items(self.next, action["requests"])
            self.next += action["requests"]
        elif "wait_kept" in action:
            self.sink.wait_for_hits(action["wait_kept"], seconds)
        elif "wait_posts" in action:
            self.sink.wait_for_posts(action["wait_posts"], seconds)
        elif "wait" in action:
            time.sleep(action["wait"])
        elif "sink_down" in action:
            self.sink.stop()
        elif "sink_up" in action:
            self.sink.start()
        elif "stop" in action:
            took = self.app.stop()
            if took > action["within"] + BUSY:
                self.problems.append(f"the process took {took:.1f} s to end")
        else:
            raise ValueError(f"unknown action {action}")

    def judge(self, expect: "dict[str, Any]") -> None:
        posts = self.sink.posts
        hits = self.sink.hits()
        printed = self.app.printed()
        ids = {}
        for post in posts:
            ids.setdefault(post.body["batch_id"], set()).add(json.dumps(post.body["requests"]))
        found = {
            "posts": len(posts),
            "batch_ids": len(ids),
            "sizes": [len(post.body["requests"]) for post in posts],
            "largest": max((len(post.body["requests"]) for post in posts), default=0),
            "kept": len(hits),
            "dropped": self.sink.dropped,
            "connections": self.sink.connections,
            "printed": len(printed.splitlines()),
            "first_kept": int(hits[0]["path"].rpartition("/")[2]) if hits else None,
        }
        for name, value in expect.items():
            if name == "gaps":
                self.within(name, value, [b.at - a.at for a, b in zip(posts, posts[1:])])
            elif name == "first_after":
                self.within(name, [value], [posts[0].at - self.began])
            elif name == "said":
                self.problems += [f"{word} was not said: {printed}" for word in value if word not in printed]
            elif name == "first_kept":
                if not hits or not value[0] <= found[name] <= value[1]:
                    self.problems.append(f"{name}: {found[name]} is not within {value}")
            elif name == "printed" and value == 0:
                if found[name] > most_lines(self.client):
                    self.problems.append(f"it printed {printed}")
            elif found[name] != value:
                self.problems.append(f"{name}: {found[name]} instead of {value}")
        # In every case:
        paths = [hit["path"] for hit in hits]
        if len(set(paths)) != len(paths):
            self.problems.append("a hit was counted twice")
        if paths != sorted(paths, key=lambda path: int(path.rpartition("/")[2])):
            self.problems.append("hits came out of order")
        if KEY in printed:
            self.problems.append("the key was printed")
        for post in posts:
            body, headers = post.body, post.headers
            if not (
                headers["x-auth-token"] == KEY
                and headers["user-agent"].startswith("api-analytics-")
                and post.path == "/api/requests"
                and len(body["batch_id"]) == 32
                and body["sent_at"].endswith("Z")
                and "api_key" not in body
            ):
                self.problems.append(f"a post that is not as PROTOCOL.md says: {headers}, {body['batch_id']}")
        if any(len(bodies) > 1 for bodies in ids.values()) and "first_kept" not in expect:
            self.problems.append("one batch_id with different hits")

    def within(self, name: str, ranges: "list[list[float]]", values: "list[float]") -> None:
        for (low, high), value in zip(ranges, values):
            if not low <= value <= high + BUSY:
                self.problems.append(f"{name}: {value:.2f} s is not within {low} and {high} s")
        if len(values) < len(ranges):
            self.problems.append(f"{name}: only {values}")


@pytest.fixture(scope="module")
def runs(folder: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Any:
    """The runs of the tests that were chosen, started together."""
    logs = tmp_path_factory.mktemp("logs")
    chosen = {item.name for item in request.session.items}
    started: dict[tuple[str, str], Future[Run]] = {}
    with ThreadPoolExecutor(7) as pool:
        # Those with the longest waits first, and of each client another, since a case may be a load.
        names = sorted(CASES, key=lambda name: name not in ("hang", "dribble", "queue-full", "500-hits"))
        for place in range(len(names)):
            for number, client in enumerate(CLIENTS):
                name = names[(place + number * 4) % len(names)]
                if f"test_case[{client['name']}-{name}]" in chosen:
                    log = logs / f"{client['name']}-{name}"
                    started[client["name"], name] = pool.submit(Run, CASES[name], client, folder, log)
        yield started


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("app", CLIENTS, ids=lambda app: app["name"])
def test_case(app: "dict[str, Any]", name: str, runs: Any) -> None:
    run = runs[app["name"], name].result()
    assert not run.problems, f"{CASES[name]['name']}: {run.problems}\n{run.app.printed()[-2000:]}"

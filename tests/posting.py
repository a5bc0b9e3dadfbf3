"""Hits as a client posts them and as the server gives them back."""

import json
import time
import uuid

from server import Answer, Server


def create_key(server: Server) -> str:
    """A new project's key, as in the original."""
    return server.call("GET", "/api/generate").must().json()


def create_project(server: Server, name: str = "") -> tuple[int, str]:
    """A new project's number and key."""
    made = server.call("POST", "/api/v1/projects", {"name": name}).must(201).json()
    return made["project_id"], made["key"]


def make_hit(path: str, user: str | None = None, **more: object) -> dict:
    hit = {"path": path, "method": "GET", "status": 200, "response_time": 12.5}
    if user:
        hit["user_id"] = user
    return hit | more


def make_batch(hits: list[dict], batch_id: str | None = None) -> dict:
    return {"framework": "FastAPI", "batch_id": batch_id or str(uuid.uuid4()), "requests": hits}


def post(server: Server, key: str, paths: list[str], user: str | None = None) -> Answer:
    """One batch that must be accepted completely."""
    answer = server.call("POST", "/api/requests", make_batch([make_hit(path, user) for path in paths]), key).must()
    assert answer.json()["accepted"] == len(paths), answer.body
    return answer


def read_hits(server: Server, key: str, query: str = "") -> list[dict]:
    """All hits, newest first."""
    answer = server.call("GET", f"/api/v1/hits?format=ndjson{query}", key=key).must()
    return [json.loads(line) for line in answer.body.splitlines()]


def read_paths(server: Server, key: str) -> list[str]:
    return sorted(hit["path"] for hit in read_hits(server, key))


def wait_for(what: str, condition, seconds: float = 60, every: float = 0.02):
    """The first true answer of `condition`; an assertion with the last one if there is none in time: many times longer than it takes,
    unless the time is what a test is about."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < until, f"not within {seconds} s: {what} (last: {answer!r})"
        time.sleep(every)


def settle(server: Server) -> None:
    """Waits until everything acknowledged is visible."""
    wait_for("every record applied", lambda: server.metric("inbox_records") == 0)

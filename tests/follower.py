"""A program that follows `/api/v1/tail`, and comes back with the position that it has reached."""

import contextlib
import http.client
import json
import threading
import time

from posting import wait_for
from server import BROKEN, Server


class Follower:
    def __init__(self, server: Server, key: str, query: str = "", after: str = ""):
        self.server, self.key, self.query = server, key, query
        self.paths: list[str] = []
        self.hits: list[dict] = []
        self.events: list[str] = []
        # Of each hit, when it came.
        self.came: dict[str, float] = {}
        # Requests that were left out; None: not counted.
        self.missed: list[int | None] = []
        self.last_id = after
        self.ended = False
        self.connections = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        if not after:
            wait_for("it follows", lambda: self.last_id)

    def run(self) -> None:
        while not self.ended:
            with contextlib.suppress(*BROKEN):
                self.follow()
            time.sleep(0.1)

    def follow(self) -> None:
        http_to = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=40)
        headers = {"X-AUTH-TOKEN": self.key} | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        http_to.request("GET", f"/api/v1/tail?{self.query}", headers=headers)
        answer = http_to.getresponse()
        if answer.status != 200:
            http_to.close()
            return
        self.connections += 1
        kind = "message"
        while not self.ended:
            line = answer.readline().decode()
            if not line:
                break
            name, _, text = line.rstrip("\n").partition(": ")
            if name == "id":
                self.last_id = text
            elif name == "event":
                kind = text
            elif name == "data" and kind == "missed":
                self.missed.append(json.loads(text)["requests"])
            elif name == "data" and kind == "message":
                hit = json.loads(text)
                assert self.last_id.split("@")[0].split(",")[0] == hit["hit_id"]
                self.hits.append(hit)
                self.paths.append(hit["path"])
                self.came[hit["path"]] = time.monotonic()
            elif name == "data":
                self.events.append(kind)
            elif not name:
                kind = "message"
        http_to.close()

    def wait(self, count: int, seconds: float = 60) -> None:
        wait_for(f"{count} hits", lambda: len(self.paths) >= count or None, seconds)

    def close(self) -> None:
        self.ended = True

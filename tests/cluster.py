"""Several servers that share PostgreSQL and ClickHouse: who leads, and a client that posts to all of them."""

import threading
import time

from posting import make_batch, make_hit
from server import BROKEN, Connection, Server


def listed(server: Server) -> dict[int, str]:
    return {one["node"]: one["state"] for one in server.call("GET", "/api/health").json().get("servers", [])}


def leaders(servers: list[Server]) -> list[Server]:
    def leads(server: Server) -> bool:
        found = server.call("GET", "/api/health").json().get("servers", [])
        return any(one["this"] and one["leads"] for one in found)

    return [server for server in servers if leads(server)]


class Posts:
    """Posts to each server in turn. A batch that is not answered goes to the next one, as behind a load balancer, and so does each
    fifth one whose answer is lost on the way back."""

    def __init__(self, servers: list[Server], key: str, threads: int = 4, pause_s: float = 0.02):
        self.servers, self.key, self.pause_s = servers, key, pause_s
        self.acknowledged: list[str] = []
        self.errors: list[BaseException] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.guard, args=(number,), daemon=True) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def guard(self, number: int) -> None:
        try:
            self.work(number)
        except BaseException as problem:
            self.errors.append(problem)

    def work(self, number: int) -> None:
        connections = [Connection(server.port, timeout=30) for server in self.servers]
        sent = 0
        while not self.stopping.is_set():
            sent += 1
            paths = [f"/{number}/{sent}/{place}" for place in range(3)]
            # Ids keep them apart from learned routes.
            batch = make_batch([make_hit(path, "someone") for path in paths])
            to = sent
            answers_wanted = 2 if sent % 5 == 0 else 1
            while answers_wanted:
                try:
                    answer = connections[to % len(connections)].call("POST", "/api/requests", batch, self.key)
                except BROKEN:
                    time.sleep(0.05)
                else:
                    assert answer.status in (200, 503), answer
                    if answer.status == 200:
                        answers_wanted -= 1
                    else:
                        time.sleep(0.2)
                to += 1
            self.acknowledged += paths
            time.sleep(self.pause_s)

    def finish(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive()
        if self.errors:
            raise self.errors[0]

"""Against the product's own server: what was served equals what `/api/data` returns."""

import http.client
import threading
import time
from collections import Counter
from datetime import datetime, timezone

from product import Product
from running import Running
from test_processes import UVICORN, each_once


def rows_of(product: Product, count: int, seconds: float = 60.0) -> "Counter[tuple[str, int]]":
    return Counter((row["path"], row["status"]) for row in product.wait_for_rows(count, seconds))


def test_field_by_field(product: Product, running: Running) -> None:
    app = running.start(UVICORN, product.url, product.key)
    connection = http.client.HTTPConnection("127.0.0.1", app.port)
    headers = {"x-user": "alice", "content-type": "application/json", "user-agent": "tests/2 'é'"}
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    before = datetime.now(timezone.utc)
    connection.request("POST", "/orders?secret=1", b'{"a": 1}', headers)
    assert connection.getresponse().status == 200
    app.stop()
    (row,) = product.wait_for_rows(1)
    created_at = datetime.fromisoformat(row.pop("created_at").replace("Z", "+00:00"))
    assert abs((created_at - before).total_seconds()) < 60
    assert 0 <= row.pop("response_time") < 10_000
    assert row == {
        "hostname": "127.0.0.1",
        "ip_address": "127.0.0.1",
        "path": "/orders",
        "user_agent": "tests/2 'é'",
        "method": 1,
        "status": 200,
        "location": "",
        "user_id": "alice",
    }


def test_a_release_adds_a_deploy_once(product: Product, running: Running) -> None:
    for release in ("v1", "v2", "v1"):
        app = running.start(UVICORN, product.url, product.key, API_ANALYTICS_RELEASE=release)
        app.get_all(["/"] * 3, threads=1)
        app.stop()
    product.wait_for_rows(9)
    assert product.deploys() == [("v2", "requests"), ("v1", "requests")]


def test_restarts_of_the_server_under_load(product: Product, running: Running) -> None:
    """Each hit once, although posts are cut in the middle: that is what `batch_id` is for."""
    app = running.start(UVICORN, product.url, product.key)
    served: dict[str, int] = {}

    def load() -> None:
        served.update(app.get_all([f"/items/{n}" for n in range(8000)], threads=20))

    loading = threading.Thread(target=load)
    loading.start()
    for _ in range(3):
        time.sleep(1.0)
        product.stop()
        product.start()
    loading.join()
    rows = rows_of(product, len(served), 120)
    app.stop()
    assert len(served) == 8000
    assert rows == each_once(served)


def test_sigterm_to_the_app_under_load_loses_nothing_that_was_answered(
    product: Product, running: Running
) -> None:
    app = running.start(UVICORN, product.url, product.key)
    served: set[str] = set()
    stopping = threading.Event()

    def work(worker: int) -> None:
        number = 0
        connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
        try:
            while not stopping.is_set():
                path = f"/items/{worker}{number:06d}"
                connection.request("GET", path)
                connection.getresponse().read()
                served.add(path)
                number += 1
        except OSError:
            pass  # the app has gone

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(1, 9)]
    for worker in workers:
        worker.start()
    time.sleep(2.0)
    app.stop()
    stopping.set()
    for worker in workers:
        worker.join()
    rows = Counter(row["path"] for row in product.wait_for_rows(len(served)))
    assert len(served) > 100
    assert set(rows) >= served
    # A request whose answer was cut by the end of the app may be there as well, one a connection.
    assert len(set(rows) - served) <= len(workers)
    assert set(rows.values()) == {1}

"""The same requests to an app of each framework: the server must have the hits of `apps/requests.json`, and no others."""

import json
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from product import Product
from running import APPS, App

TABLE = json.loads((APPS / "requests.json").read_text())
NODE = json.loads((APPS / "apps.json").read_text())


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import os

    product = Product(os.environ["API_ANALYTICS_BIN"], tmp_path_factory.mktemp("server"))
    yield product
    product.stop()


def new_key(product: Product) -> str:
    with urllib.request.urlopen(f"{product.url}/api/generate") as answer:
        return str(json.load(answer))


def hits(product: Product, key: str) -> "list[dict[str, Any]]":
    """All hits, oldest first."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        request = urllib.request.Request(
            f"{product.url}/api/v1/hits?limit=1000{after}", headers={"X-AUTH-TOKEN": key}
        )
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        found += page["hits"]
        if not page.get("next"):
            return found[::-1]
        after = f"&after={page['next']}"


def wait_for_hits(product: Product, key: str, count: int, seconds: float = 10.0) -> "list[dict[str, Any]]":
    deadline = time.monotonic() + seconds
    while True:
        found = hits(product, key)
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


@pytest.mark.parametrize("app", NODE, ids=lambda app: app["name"])
def test_each_request_becomes_the_hit_of_the_table(
    app: "dict[str, Any]", product: Product, folder: Path, tmp_path: Path
) -> None:
    key = new_key(product)
    running = App(folder, app, product.url, key, tmp_path / "log")
    lacks = app.get("lacks", [])
    table = [row for row in TABLE if row.get("feature") not in lacks]
    try:
        if app.get("warm_up"):  # its first request prepares it
            running.items(1, 1)
        for row in table:
            status = running.request(row)
            if status is not None and row["hit"]:
                assert status == row["hit"]["status"], row["name"]
        time.sleep(0.3)  # what the callers left
        took = running.stop()
    finally:
        running.kill()
    assert took < 3
    expected = [row for row in table if row["hit"]]
    found = wait_for_hits(product, key, len(expected))
    if app.get("warm_up"):
        del found[0]
    assert len(found) == len(expected), [hit["path"] for hit in found]
    problems = []
    for row in expected:
        path = row["hit"].get("path", row["path"])
        method = row.get("method", "GET")
        (hit,) = [hit for hit in found if (hit["path"], hit["method"]) == (path, method)]
        wanted = {**row["hit"], "path": path, "framework": app["framework"], "host": "127.0.0.1",
                  "address": "127.0.0.1", "user_agent": "conformance/1"}  # fmt: skip
        for field, value in wanted.items():
            if field in lacks:
                continue
            low, high = value if isinstance(value, list) else (value, value)
            if hit[field] is None or not low <= hit[field] <= high:
                problems.append((row["name"], field, value, hit[field]))
    assert not problems, problems
    assert running.printed() == ""


@pytest.mark.parametrize("name", ["express-5", "fastify-5", "koa-3", "hono-node"])
def test_200_at_once_through_a_restart_of_the_server_each_counted_once(
    name: str, product: Product, folder: Path, tmp_path: Path
) -> None:
    (app,) = [app for app in NODE if app["name"] == name]
    key = new_key(product)
    running = App(folder, app, product.url, key, tmp_path / "log")
    broken: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            running.items(1000 + worker * 20, 20)
        except BaseException as error:
            broken.append(error)

    try:
        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(200)]
        for worker in workers:
            worker.start()
        product.stop(9)
        time.sleep(0.5)
        product.start()
        for worker in workers:
            worker.join()
        found = wait_for_hits(product, key, 4000, 20)
        running.stop()
    finally:
        running.kill()
    assert not broken, broken[0]
    assert Counter(hit["path"] for hit in found) == {f"/items/{number}": 1 for number in range(1000, 5000)}
    assert running.printed() == ""

"""The same requests to an app of each framework: the server must have the hits of `apps/requests.json`, and no others."""

import http.client
import itertools
import json
import os
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from product import Product
from running import APPS, ROWS, App, most_lines
from test_client_cases import BUSY

TABLE = json.loads((APPS / "requests.json").read_text())


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Any:
    product = Product(os.environ["API_ANALYTICS_BIN"], tmp_path_factory.mktemp("server"))
    yield product
    product.stop()


def new_key(product: Product) -> str:
    """A project's key. Each asks from another address, as one may only make so many a minute."""
    address = f"127.0.0.{next(_addresses)}"
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30, source_address=(address, 0))
    connection.request("GET", "/api/generate")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    key = json.load(answer)
    connection.close()
    return str(key)


_addresses = itertools.cycle(range(2, 250))


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


def wait_for_hits(product: Product, key: str, count: int, seconds: float = 60.0) -> "list[dict[str, Any]]":
    deadline = time.monotonic() + seconds
    while True:
        found = hits(product, key)
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def lacking(folder: Path, app: "dict[str, Any]") -> bool:
    return "needs" in app and not (folder / app["needs"]).exists()


def skip_if_lacking(folder: Path, app: "dict[str, Any]") -> None:
    if lacking(folder, app):
        pytest.skip(f"no package of {app['needs']} for this machine")


def problems_of(app: "dict[str, Any]", product: Product, folder: Path, log: Path) -> "list[Any]":
    """Runs the app, sends it the table's requests; what the server's hits have differently, and what the app printed."""
    key = new_key(product)
    running = App(folder, app, product.url, key, log)
    lacks = app.get("lacks", [])
    table = [row for row in TABLE if row.get("feature") not in lacks]
    problems: list[Any] = []
    try:
        if app.get("warm_up"):  # its first request prepares it
            running.items(1, 1)
        for row in table:
            status = running.request(row)
            if status is not None and row["hit"] and status != row["hit"]["status"]:
                problems.append((row["name"], status))
        time.sleep(1.2)  # what the callers left
        took = running.stop()
    finally:
        running.kill()
    if took > 3 + BUSY:
        problems.append(f"it took {took:.1f} s to end")
    if running.printed():
        problems.append(running.printed())
    expected = [row for row in table if row["hit"]]
    found = wait_for_hits(product, key, len(expected))
    if app.get("warm_up"):
        del found[0]
    if len(found) != len(expected):
        return [*problems, [(hit["method"], hit["path"], hit["status"]) for hit in found]]
    for row in expected:
        path = row["hit"].get("path", row["path"])
        method = row.get("method", "GET")
        (hit,) = [hit for hit in found if (hit["path"], hit["method"]) == (path, method)] or [{"path": "none"}]
        wanted = {"path": path, **row["hit"], "framework": app["framework"], "host": "127.0.0.1",
                  "address": "127.0.0.1", "user_agent": "conformance/1"}  # fmt: skip
        for field, value in wanted.items():
            if field in lacks or f"{row.get('feature')}.{field}" in lacks:
                continue
            low, high = value if isinstance(value, list) else (value, value)
            if hit.get(field) is None or not low <= hit[field] <= high:
                problems.append((row["name"], field, value, hit.get(field)))
    return problems


@pytest.fixture(scope="module")
def runs(
    product: Product, folder: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Any:
    """The runs of the apps that were chosen. A few at once, since most of their time is waiting."""
    logs = tmp_path_factory.mktemp("logs")
    chosen = {item.name for item in request.session.items}
    with ThreadPoolExecutor(3) as pool:
        yield {
            app["name"]: pool.submit(problems_of, app, product, folder, logs / app["name"])
            for app in ROWS
            if f"test_each_request_becomes_the_hit_of_the_table[{app['name']}]" in chosen and not lacking(folder, app)
        }


@pytest.mark.parametrize("app", ROWS, ids=lambda app: app["name"])
def test_each_request_becomes_the_hit_of_the_table(app: "dict[str, Any]", runs: Any, folder: Path) -> None:
    skip_if_lacking(folder, app)
    problems = runs[app["name"]].result()
    assert not problems, problems


@pytest.mark.parametrize("app", [row for row in ROWS if row.get("restart")], ids=lambda app: app["name"])
def test_200_at_once_through_a_restart_of_the_server_each_counted_once(
    app: "dict[str, Any]", product: Product, folder: Path, tmp_path: Path
) -> None:
    skip_if_lacking(folder, app)
    key = new_key(product)
    running = App(folder, app, product.url, key, tmp_path / "log")
    broken: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            running.items(1000 + worker * 20, 20)
        except BaseException as error:
            broken.append(error)

    away = float(os.environ.get("AWAY_SECONDS", "0.5"))
    try:
        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(200)]
        for worker in workers:
            worker.start()
        product.stop(9)
        time.sleep(away)
        product.start()
        for worker in workers:
            worker.join()
        last = 5000
        if app.get("posts_with_requests"):
            running.items(last, 1)
            last += 1
        # Tries are up to 30 s apart by then.
        found = wait_for_hits(product, key, last - 1000, 60 + min(away, 30))
        running.stop()
    finally:
        running.kill()
    assert not broken, broken[0]
    assert Counter(hit["path"] for hit in found) == {f"/items/{number}": 1 for number in range(1000, last)}
    assert len(running.printed().splitlines()) <= most_lines(app), running.printed()

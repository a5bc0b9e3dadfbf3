"""Shared by the tests: a server that fails on demand, the product's server, and running apps."""

import atexit
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from product import Product
from running import Running
from sink import Sink

from api_analytics.queue import queue


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No settings from outside; and a test's leftovers are not posted during the next."""
    monkeypatch.delenv("API_ANALYTICS_KEY", raising=False)
    monkeypatch.delenv("API_ANALYTICS_SERVER_URL", raising=False)
    caplog.set_level(logging.INFO, "api_analytics")
    # Queues of tests leave hits behind, for which the end of the test run should not wait.
    monkeypatch.setattr(atexit, "register", lambda function: function)
    yield
    for client in list(queue._clients.values()):
        client.stopped = True
    queue.incoming.clear()
    with queue._lock:
        queue._clients.clear()
        queue._set_room()
        # The two seconds that ends of apps share are those of a process, not of all tests.
        queue._exit_by = None


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    binary = os.environ.get("API_ANALYTICS_BIN")
    if not binary:
        if os.environ.get("CI") == "true":
            pytest.fail("API_ANALYTICS_BIN must name the server's binary when CI=true")
        pytest.skip("API_ANALYTICS_BIN does not name the server's binary")
    folder = tmp_path / "server"
    folder.mkdir()
    product = Product(binary, folder)
    yield product
    product.stop()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.stop_all()

"""Fixtures of every test in this folder: a folder, servers that end with the test, and ports of its own."""

from pathlib import Path

import pytest

from clickhouse import ClickHouse
from postgres import Postgres
from server import Server, binary

# The files that take longest, longest first. They begin before the others, so that no worker is left with a long one at the end.
LONG = [
    "test_crash.py", "test_cut_network.py", "test_servers.py", "test_clickhouse.py", "test_channels.py", "test_notices.py",
    "test_replicas.py", "test_slow_bodies.py", "test_fat_texts.py", "test_following.py", "test_server_versions.py",
    "test_unread_answers.py", "test_readers.py", "test_faults.py", "test_backup.py", "test_formats.py", "test_acme.py",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(autouse=True)
def _there_is_a_binary() -> None:
    binary()


@pytest.fixture
def servers(tmp_path: Path):
    """Makes servers: `servers(active_rows=300)`. They are killed when the test ends, however it ends."""
    made: list[Server] = []

    def make(name: str = "data", **settings) -> Server:
        server = Server(tmp_path / name, **settings)
        made.append(server)
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(servers) -> Server:
    """A running server with every setting at its default."""
    return servers().start()


@pytest.fixture
def postgres():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def clickhouse(tmp_path):
    server = ClickHouse(tmp_path / "clickhouse")
    yield server
    server.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its servers' logs."""
    outcome = yield
    report = outcome.get_result()
    folder = item.funcargs.get("tmp_path") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and folder:
        for log in sorted(folder.rglob("*.log")):
            report.sections.append((log.name, log.read_text(errors="replace")[-4_000:]))

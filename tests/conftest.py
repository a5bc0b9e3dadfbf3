"""Fixtures of every test in this folder: a folder, servers that end with the test, and ports of its own."""

from pathlib import Path

import pytest

from server import Server, binary


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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its servers' logs."""
    outcome = yield
    report = outcome.get_result()
    folder = item.funcargs.get("tmp_path") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and folder:
        for log in sorted(folder.rglob("*.log")):
            report.sections.append((log.name, log.read_text(errors="replace")[-4_000:]))

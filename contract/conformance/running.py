"""Apps of `contract/apps`, started by their command lines in a folder that has the clients under test and their frameworks."""

import http.client
import importlib
import json
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional

from ports import free_port

APPS = Path(__file__).parent.parent / "apps"


# A row for each app; `contract/README.md` says what it holds.
ROWS = json.loads((APPS / "apps.json").read_text())
# Variables that each language adds to the environment of its apps; filled in by `prepare`.
environments: "dict[str, dict[str, str]]" = {}


def language(row: "dict[str, Any]") -> str:
    return str(row.get("language", "node"))


def most_lines(row: "dict[str, Any]") -> int:
    """The lines that a client may print of an outage: one, in the logging of its language, if it has one."""
    return 1 if row.get("logs") else 0


def prepare(folder: Path, rows: "list[dict[str, Any]]") -> None:
    """Puts into the folder what these rows' languages need, of all languages at once."""
    names = sorted({language(row) for row in rows})
    modules = [importlib.import_module(f"languages.{name}") for name in names]
    with ThreadPoolExecutor() as pool:
        environments.update(zip(names, pool.map(lambda module: module.prepare(folder), modules)))


class App:
    """One running app."""

    def __init__(self, folder: Path, app: "dict[str, Any]", server_url: str, key: str, log: Path) -> None:
        self.port = free_port()
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                app["command"],
                cwd=folder,
                stdout=out,
                stderr=out,
                env={
                    "PATH": os.environ["PATH"],
                    "PORT": str(self.port),
                    "API_ANALYTICS_KEY": key,
                    "API_ANALYTICS_SERVER_URL": server_url,
                    **environments.get(language(app), {}),
                    **app.get("env", {}),
                },
            )
        deadline = time.monotonic() + 180
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, self.printed()
                assert time.monotonic() < deadline, self.printed()
                time.sleep(0.05)

    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)

    def request(self, request: "dict[str, Any]") -> Optional[int]:
        """Sends one request of the table; its status, or None if the caller left before there was one."""
        connection = self.connect()
        body = b"x" * request["body_bytes"] if "body_bytes" in request else None
        headers = {"User-Agent": "conformance/1", **request.get("headers", {})}
        if body:
            headers["Content-Type"] = "text/plain"
        began = time.monotonic()
        connection.request(request.get("method", "GET"), request["path"], body, headers)
        leave_after = request.get("leave_after")
        if leave_after is None:
            response = connection.getresponse()
            response.read()
            connection.close()
            return response.status
        assert connection.sock is not None
        connection.sock.settimeout(leave_after)
        try:
            while time.monotonic() < began + leave_after and connection.sock.recv(1000):
                pass
        except TimeoutError:
            pass
        connection.close()
        return None

    def items(self, first: int, count: int) -> None:
        """`GET /items/N` for each number, on one kept-alive connection."""
        connection = self.connect()
        for number in range(first, first + count):
            connection.request("GET", f"/items/{number}")
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
        connection.close()

    def stop(self, seconds: float = 60.0) -> float:
        """Sends SIGTERM, which the apps take to close their server; the seconds until the process has ended."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(seconds)
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

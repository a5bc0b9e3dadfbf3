"""Apps of `contract/apps`, started by their command lines in a folder that has the client under test and their frameworks."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Optional

APPS = Path(__file__).parent.parent / "apps"


def make_folder(folder: Path) -> Path:
    """The apps beside a node_modules of links to the installed frameworks and the unpacked client."""
    shutil.copytree(APPS, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for module in Path(os.environ["NODE_FRAMEWORKS"]).iterdir():
        if not module.name.startswith("."):
            (modules / module.name).symlink_to(module)
    client = modules / "api-analytics-client"
    client.mkdir()
    subprocess.run(
        ["tar", "xzf", os.environ["NODE_CLIENT"], "-C", client, "--strip-components=1"], check=True
    )
    return folder


class App:
    """One running app."""

    def __init__(self, folder: Path, app: "dict[str, Any]", server_url: str, key: str, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
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
                    "NODE_ENV": "test",  # Express prints each error otherwise
                    **app.get("env", {}),
                },
            )
        deadline = time.monotonic() + 60
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
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

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

    def stop(self, seconds: float = 20.0) -> float:
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

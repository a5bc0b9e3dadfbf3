"""The product's own server, started from the binary that `API_ANALYTICS_BIN` names."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Optional

from ports import free_port


class Product:
    """A server with a data folder and one project, which can be killed and restarted."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._process: Optional[subprocess.Popen[bytes]] = None
        self.port = free_port()
        self.start()
        self.key: str = self._get("/api/generate", {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        log = (self._folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [
                self._binary,
                "serve",
                "--listen",
                f"127.0.0.1:{self.port}",
                "--data",
                str(self._folder / "data"),
            ],
            stdout=log,
            stderr=log,
            cwd=self._folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("API_ANALYTICS_")},
                "API_ANALYTICS_DEMO": "off",
            },
        )
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(self.url + "/api/health", timeout=5).close()
                return
            except OSError:
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def stop(self, how: int = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(90)

    def log(self) -> str:
        return (self._folder / "server.log").read_text(errors="replace")

    def rows(self) -> "list[dict[str, Any]]":
        """All rows of `/api/data`."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self._get(
                f"/api/data?page={len(rows) // 50_000 + 1}", {"X-AUTH-TOKEN": self.key}
            )
            rows += page
            if len(page) < 50_000:
                return rows

    def deploys(self) -> "list[tuple[str, str]]":
        """Version and source of each deploy, latest first."""
        answer = self._get("/api/v1/deploys", {"X-AUTH-TOKEN": self.key})
        return [(deploy["version"], deploy["source"]) for deploy in answer["deploys"]]

    def wait_for_rows(self, count: int, seconds: float = 60.0) -> "list[dict[str, Any]]":
        """Waits for at least `count` rows, then returns all."""
        return self._wait(lambda rows: len(rows) >= count, seconds)

    def _wait(
        self, met: "Callable[[list[dict[str, Any]]], bool]", seconds: float
    ) -> "list[dict[str, Any]]":
        deadline = time.monotonic() + seconds
        while True:
            rows = self.rows()
            if met(rows):
                return rows
            assert time.monotonic() < deadline, f"only {len(rows)} rows came\n{self.log()[-2000:]}"
            time.sleep(0.1)

    def _get(self, path: str, headers: "dict[str, str]") -> Any:
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=90) as response:
            return json.load(response)

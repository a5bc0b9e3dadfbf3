"""Starts apps in real server processes and makes real requests to them."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Optional

from ports import free_port

import api_analytics

HERE = Path(__file__).parent
# Where these tests found the client: the source folder, or an installed wheel.
SOURCE = Path(api_analytics.__file__).parent.parent


class App:
    """One started app: a server process, perhaps with workers."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until_up(self, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, self.log()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                # A path that the app's middleware is told to leave out would be cheating; this one
                # is answered before the middleware: an unknown method on the wire.
                connection.connect()
                connection.close()
                return
            except OSError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def get(
        self, path: str, method: str = "GET", headers: "Optional[dict[str, str]]" = None
    ) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def get_all(self, paths: "Iterable[str]", threads: int) -> "dict[str, int]":
        """Requests each path once, over this many kept-alive connections at once."""
        waiting = list(paths)
        served: dict[str, int] = {}
        lock = threading.Lock()
        broken: list[BaseException] = []

        def work() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                while True:
                    with lock:
                        if not waiting:
                            return
                        path = waiting.pop()
                    connection.request("GET", path)
                    response = connection.getresponse()
                    response.read()
                    if response.status == 500:
                        connection.close()  # as some servers do after an unhandled exception
                    with lock:
                        served[path] = response.status
            except BaseException as error:
                broken.append(error)
            finally:
                connection.close()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert not broken, (broken[0], self.log()[-3000:])
        return served

    def stop(self, how: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Sends the signal, waits for the end, returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(seconds)


class Running:
    """Starts processes with the client's source on their path, and ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._apps: list[App] = []

    def start(self, command: "list[str]", server_url: str, key: str, **env: str) -> App:
        """`{port}` in the command becomes a free port."""
        port = free_port()
        log = self._folder / f"app-{len(self._apps)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *(part.replace("{port}", str(port)) for part in command)],
                stdout=out,
                stderr=out,
                cwd=HERE,
                env=environment(server_url, key, **env),
                # A run in the background ignores it, and hands that on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            )
        app = App(process, port, log)
        self._apps.append(app)
        app.wait_until_up()
        return app

    def stop_all(self) -> None:
        for app in self._apps:
            if app.process.poll() is None:
                app.process.terminate()
                try:
                    app.process.wait(10)
                except subprocess.TimeoutExpired:
                    app.process.kill()
                    app.process.wait()


def environment(server_url: str, key: str, **more: str) -> "dict[str, str]":
    return {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "PYTHONUNBUFFERED": "1",
        "API_ANALYTICS_SERVER_URL": server_url,
        "API_ANALYTICS_KEY": key,
        **more,
    }


def run_script(
    script: str, server_url: str, key: str = "k", **env: str
) -> "subprocess.CompletedProcess[str]":
    """Runs Python code in a process of its own, with the client's source on its path."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment(server_url, key, **env),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

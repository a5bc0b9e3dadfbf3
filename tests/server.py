"""A real server in a process of its own: started, asked over TCP, killed, stopped.

Everything is on loopback, on a port and in folders of its own. Nothing here knows what a test is about; what lies in
the data folder is `folder.py`'s business.
"""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# Below the kernel's ports for outgoing connections: while a killed server is down nobody else gets its port. Nor does a test that
# runs at the same time, as each of pytest's workers has ports of its own.
WORKER, WORKERS = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
PORTS = range(20_000 + int(WORKER.removeprefix("gw")), 32_000, int(WORKERS))
UNUSED_PORTS: list[int] = []


def binary() -> str:
    """The server's binary; without one a test fails instead of being skipped."""
    path = os.environ.get("API_ANALYTICS_BIN", "")
    if not path:
        raise AssertionError(
            "API_ANALYTICS_BIN is not set: it names the server's binary, such as target/debug/api-analytics"
        )
    if not os.access(path, os.X_OK):
        raise AssertionError(f"API_ANALYTICS_BIN: {path} is not a program")
    return path


def clean_environment() -> dict[str, str]:
    """Our environment without any setting of the server, and with the engine's library from the build."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("API_ANALYTICS_")}
    for name in ("LISTEN_FDS", "LISTEN_PID", "RUST_LOG"):
        environment.pop(name, None)
    library = ROOT / ".duckdb"
    beside = Path(binary()).parent / "libduckdb.so"
    if library.is_dir() and not beside.exists():
        environment["LD_LIBRARY_PATH"] = f"{library}:{environment.get('LD_LIBRARY_PATH', '')}"
    environment["NO_COLOR"] = "1"
    # Its hits would be in every count and every folder.
    environment["API_ANALYTICS_DEMO"] = "off"
    return environment


def free_port() -> int:
    """A port that is not in use, another one each time: who got one before may not use it yet."""
    for _ in range(200):
        if not UNUSED_PORTS:
            UNUSED_PORTS.extend(random.SystemRandom().sample(PORTS, len(PORTS)))
        port = UNUSED_PORTS.pop()
        with contextlib.closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def run(*arguments: object, data: Path | None = None, timeout: float = 180, **options) -> subprocess.CompletedProcess:
    """Runs a subcommand to its end; the caller checks `returncode`."""
    command = [binary(), *map(str, arguments)]
    if data is not None:
        command += ["--data", str(data)]
    options.setdefault("env", clean_environment())
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)


def must_run(*arguments: object, data: Path | None = None, **options) -> str:
    """Runs a subcommand that must succeed, and returns its output."""
    done = run(*arguments, data=data, **options)
    assert done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Answer(NamedTuple):
    """The server's answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    def must(self, status: int = 200) -> "Answer":
        assert self.status == status, f"{self.status} in place of {status}: {self.body[:2_000]!r}"
        return self


class Connection:
    """One kept-alive connection. Failures raise `OSError` or `http.client.HTTPException`; the next call reconnects."""

    def __init__(self, port: int, timeout: float = 60):
        self.port, self.timeout = port, timeout
        self.http: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: object = None, key: str | None = None, **headers: str) -> Answer:
        if self.http is None:
            self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            headers["X-AUTH-TOKEN"] = key
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            self.http.request(method, path, body=body, headers=headers)
            response = self.http.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            self.close()
            raise
        return answer

    def close(self) -> None:
        if self.http is not None:
            self.http.close()
            self.http = None


# The errors of a call while the server is down.
BROKEN = (OSError, http.client.HTTPException)


class Server:
    """A server on a data folder. `settings` are flags, named as in the configuration file: `active_rows=300`."""

    def __init__(
        self, data: Path, *, port: int | None = None, socket_handed_over: socket.socket | None = None, **settings
    ):
        self.data = data
        self.port = port or (socket_handed_over.getsockname()[1] if socket_handed_over else free_port())
        self.settings = settings
        # Beside `clean_environment`: a preloaded library, for example.
        self.environment: dict[str, str] = {}
        self.handed_over = socket_handed_over
        self.log_path = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        return [binary(), "serve", f"--data={self.data}", f"--listen=127.0.0.1:{self.port}", *flags]

    def start(self, wait: bool = True) -> "Server":
        assert self.process is None or self.process.poll() is not None, "it runs already"
        command, options = self.command(), {}
        if self.handed_over is not None:
            command = [sys.executable, "-c", HAND_OVER, str(self.handed_over.fileno()), *command]
            options["pass_fds"] = [self.handed_over.fileno()]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment() | self.environment, **options)
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self, seconds: float = 90) -> None:
        """Waits until it answers, healthy or not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, (
                f"the server ended with {self.process.returncode}:\n{self.log()[-3_000:]}"
            )
            with contextlib.suppress(*BROKEN):
                connection = Connection(self.port, timeout=seconds)
                connection.call("GET", "/api/health")
                connection.close()
                return
            time.sleep(0.01)
        raise AssertionError(f"the server was not ready within {seconds} s:\n{self.log()[-3_000:]}")

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 90) -> None:
        """SIGTERM, and a clean exit."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        assert code == 0, f"the server ended with {code}:\n{self.log()[-3_000:]}"

    def restart(self) -> "Server":
        self.stop()
        return self.start()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def close(self) -> None:
        """Ends the process, however the test ended."""
        if self.is_running():
            self.kill()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def call(self, method: str, path: str, body: object = None, key: str | None = None, **headers: str) -> Answer:
        connection = Connection(self.port)
        try:
            return connection.call(method, path, body, key, **headers)
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """A number of `/metrics`, found by the end of its name."""
        text = self.call("GET", "/metrics").must().body.decode()
        for line in text.splitlines():
            if not line.startswith("#") and line.split(" ")[0].endswith(name):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"/metrics has no {name}")

    def problems(self) -> list[str]:
        return self.call("GET", "/api/health").json().get("problems", [])

    def memory_bytes(self) -> int:
        """Resident memory."""
        return self._memory("VmRSS")

    def peak_memory_bytes(self) -> int:
        """The peak resident memory since `reset_peak_memory`."""
        return self._memory("VmHWM")

    def reset_peak_memory(self) -> int:
        """Resets the peak to the current resident memory, and returns that."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.peak_memory_bytes()

    def _memory(self, name: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"the kernel does not say {name} of the server")


# systemd's way: the socket is file 3, and the variables name the process that it is for.
HAND_OVER = """
import os, sys
number, command = int(sys.argv[1]), sys.argv[2:]
if number == 3:
    os.set_inheritable(3, True)
else:
    os.dup2(number, 3, inheritable=True)
    os.close(number)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(command[0], command)
"""

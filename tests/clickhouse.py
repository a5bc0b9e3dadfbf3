"""ClickHouse's engine behind the HTTP front of the store's tests, as a process that can be killed."""

import signal
import subprocess
from pathlib import Path

from server import free_port

SCRIPT = Path(__file__).resolve().parent.parent / "crates" / "store" / "tests" / "clickhouse_front" / "run.sh"


class ClickHouse:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # One that no connection gets while a killed one is down.
        self._port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"clickhouse://127.0.0.1:{self._port}/stats"

    def start(self) -> None:
        command = [SCRIPT, self.folder, str(self._port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline().strip()
        assert line, "ClickHouse did not start"
        self._port = int(line)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)

"""A PostgreSQL server that goes with the test."""

import subprocess
import threading
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "test-postgres.sh"


class Postgres:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen([SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self._ask("stats")

    def _ask(self, line: str) -> str:
        # A host that a server calls may crash it, while a test waits for its start.
        with self._lock:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().strip()
        assert answer, "PostgreSQL did not start"
        return answer

    def run(self, statement: str) -> list[str]:
        """The lines of a statement's answer."""
        [*_, psql] = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
        command = [psql, self.url, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    def crash(self) -> None:
        self._ask("-stop")

    def start(self) -> None:
        self._ask("-start")

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(90)

"""Ownership of files: backup, restore and commands run by root, by the server's user and by another user."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import folder
from posting import create_key, post, read_paths, settle, wait_for
from server import ROOT, Server, binary, clean_environment

SERVICE, NOBODY = 12_345, 65_534


class ServiceServer(Server):
    """A server that runs as its own user, from a folder that every user can reach."""

    def __init__(self, data: Path, program: Path):
        super().__init__(data)
        self.program = program
        self.log_path = data.parent.parent / "server.log"

    def command(self) -> list[str]:
        return ["setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups", str(self.program), *super().command()[1:]]


@pytest.fixture
def place():
    """A folder of root's that everyone may read, with the program in it, and a data folder of the service's."""
    if os.geteuid() != 0:
        pytest.xfail("only root can act as several users")
    where = Path(tempfile.mkdtemp(prefix="api-analytics-users-"))
    where.chmod(0o755)
    shutil.copy(binary(), where / "api-analytics")
    shutil.copy(ROOT / ".duckdb" / "libduckdb.so", where / "libduckdb.so")
    home = where / "service"
    home.mkdir()
    os.chown(home, SERVICE, SERVICE)
    server = ServiceServer(home / "data", where / "api-analytics")
    yield where, server
    server.close()
    shutil.rmtree(where)


def run_as(user: int, where: Path, *arguments: object) -> subprocess.CompletedProcess:
    command = [str(where / "api-analytics"), *map(str, arguments)]
    if user:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, env=clean_environment(), cwd=where)


def assert_private(tree: Path, owner: int = SERVICE) -> None:
    for path in [tree, *tree.rglob("*")]:
        try:
            state = path.lstat()
        except FileNotFoundError:
            # A running server has removed it meanwhile.
            continue
        assert state.st_uid == owner, f"{path} belongs to {state.st_uid}"
        assert state.st_mode & 0o077 == 0, f"{path} has mode {state.st_mode & 0o777:o}"


def test_backups_and_restores_belong_to_the_owner_of_the_data(place):
    where, server = place
    server.start()
    key = create_key(server)
    paths = [f"/{n}" for n in range(300)]
    post(server, key, paths)
    settle(server)
    assert_private(server.data)

    refused = run_as(NOBODY, where, "backup", where / "stolen", "--data", server.data)
    assert refused.returncode == 1 and not list(where.glob("stolen*")), refused.stderr
    beside = run_as(0, where, "backup", where / "beside-server", "--data", server.data)
    assert beside.returncode == 0, beside.stderr
    assert_private(where / "beside-server")
    # The server's user has its own place for backups, and cannot access root's.
    own = run_as(SERVICE, where, "backup", where / "service" / "own", "--data", server.data)
    assert own.returncode == 0, own.stderr
    assert_private(where / "service" / "own")
    closed = run_as(SERVICE, where, "backup", where / "closed", "--data", server.data)
    assert closed.returncode == 1 and not list(where.glob("closed*")), closed.stderr

    server.stop()
    assert run_as(0, where, "project", "list", "--data", server.data).returncode == 0
    assert_private(server.data)
    alone = run_as(0, where, "backup", where / "without-server", "--data", server.data)
    assert alone.returncode == 0, alone.stderr
    assert_private(where / "without-server")
    assert_private(server.data)
    refused = run_as(NOBODY, where, "restore", where / "without-server", "--data", server.data)
    assert refused.returncode == 1

    # Through a link, as root: the folder behind it is replaced, and belongs to the service again.
    link = where / "link"
    link.symlink_to(server.data)
    restored = run_as(0, where, "restore", where / "beside-server", "--data", link)
    assert restored.returncode == 0, restored.stderr
    assert link.is_symlink() and not server.data.is_symlink()
    assert_private(server.data)
    (aside,) = server.data.parent.glob("data.before-restore-*")
    assert str(aside) in restored.stdout
    server.start()
    assert read_paths(server, key) == sorted(paths)
    assert server.problems() == []
    server.stop()


def test_backups_and_restores_that_are_interrupted_do_no_harm(place):
    """Ctrl-C, SIGTERM and kill -9 at random moments: a backup is complete or absent, data never half a folder."""
    where, server = place
    server.start()
    key = create_key(server)
    paths = [f"/{n}/{'x' * 200}" for n in range(2_000)]
    post(server, key, paths)
    settle(server)
    server.stop()
    whole = where / "whole"
    assert run_as(0, where, "backup", whole, "--data", server.data).returncode == 0
    chance = random.Random(7)
    ended: list[int] = []
    rounds = int(os.environ.get("INTERRUPT_ROUNDS", "12"))
    for turn in range(rounds):
        making = where / f"backup{turn}"
        name, arguments = ("backup", [making]) if turn % 2 else ("restore", [whole])
        process = subprocess.Popen(
            [str(where / "api-analytics"), name, *map(str, arguments), "--data", str(server.data)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment(),
        )
        time.sleep(chance.random() * 0.4)
        process.send_signal(chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL]))
        ended.append(process.wait(90))
        if making.exists():
            assert sorted(path.name for path in folder.sealed_files(making) + folder.active_files(making)), "an empty backup"
            other = where / f"restored{turn}"
            assert run_as(0, where, "restore", making, "--data", other).returncode == 0
            shutil.rmtree(other)
        assert server.data.is_dir()
    assert len({code for code in ended if code != 0}) >= 1, f"nothing was interrupted: {ended}"
    assert_private(server.data)
    server.start()
    wait_for("it is well", lambda: server.problems() == [])
    assert read_paths(server, key) == sorted(paths)
    server.stop()

"""A folder with sealed files whose content is known, and ways to damage one."""

from pathlib import Path

import folder
from posting import create_key, post, settle, wait_for
from server import Server


def make_sealed(servers, count: int = 3) -> tuple[Server, str, dict[str, list[str]]]:
    """A stopped server with this many sealed files, and the paths in each."""
    server = servers(active_rows=200, merge_at=50, checkpoint_ms=50).start()
    key = create_key(server)
    paths: dict[str, list[str]] = {}
    for turn in range(count):
        before = set(folder.sealed_files(server.data))
        batch = [f"/{turn}/{n}/{'x' * 50}" for n in range(200)]
        post(server, key, batch, user=f"user{turn}")
        wait_for("it is sealed", lambda before=before: set(folder.sealed_files(server.data)) - before)
        wait_for("and switched to", lambda turn=turn: server.metric("sealed_files") == turn + 1)
        (new,) = set(folder.sealed_files(server.data)) - before
        paths[new.name] = batch
    post(server, key, ["/active"])
    settle(server)
    paths["active"] = ["/active"]
    server.stop()
    return server, key, paths


def flip_a_byte(file: Path) -> None:
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 0x55
    file.write_bytes(bytes_)

"""Ports for the servers and apps of tests."""

import socket

_kept: "list[socket.socket]" = []


def free_port() -> int:
    """A port that nobody else is given while this process runs, also before its server listens there and while it is down.

    It stays bound, without listening. A server that sets SO_REUSEADDR, as all here do, may listen there nevertheless.
    """
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    _kept.append(one)
    return int(one.getsockname()[1])

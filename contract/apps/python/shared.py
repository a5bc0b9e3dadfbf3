"""Shared by the apps of Python's frameworks: streams, and the silence of frameworks about errors that are meant."""

import asyncio
import logging
import time

# Of theirs, nothing is printed; of the client's logger, what an app without any setup of its logging prints.
for name in ("aiohttp", "asyncio", "blacksheep", "django", "falcon", "flask_app", "gunicorn.http", "litestar", "quart_app", "sanic", "tornado", "waitress"):
    logging.getLogger(name).addHandler(logging.NullHandler())
    logging.getLogger(name).propagate = False


def parts():
    """Three parts of 3 bytes over 150 ms."""
    for part in range(3):
        time.sleep(0.075 if part else 0)
        yield b"p%d\n" % part


async def parts_async():
    for part in range(3):
        await asyncio.sleep(0.075 if part else 0)
        yield b"p%d\n" % part


def endless():
    """A part each 20 ms, for two seconds or until the caller leaves."""
    for _ in range(100):
        yield b"part\n"
        time.sleep(0.02)


async def endless_async():
    for _ in range(100):
        yield b"part\n"
        await asyncio.sleep(0.02)


class MeantError(Exception):
    """Raised by the handlers that shall fail."""

"""A wall clock that is dead or leaps, by libfaketime, under a real server."""

import subprocess
from pathlib import Path

import pytest

from posting import create_key, make_batch, make_hit, post, read_paths, settle, wait_for
from server import Server

LIBRARY = "faketime/libfaketimeMT.so.1"


@pytest.fixture
def set_clock(tmp_path):
    """`set_clock(server, "+400d")`: the clock by which the server's next start runs; "" is the machine's."""
    libraries = subprocess.run(["cc", "-print-file-name=libc.so.6"], capture_output=True, text=True, check=True)
    library = next(
        (path for path in [Path(libraries.stdout.strip()).parent / LIBRARY, *Path("/usr/lib").glob(f"*/{LIBRARY}")] if path.exists()),
        None,
    )
    assert library, "libfaketime is missing: tests/run.sh installs it"

    def set_to(server: Server, time: str) -> None:
        server.environment = {}
        if time:
            # Timers are unaffected: only the wall clock is wrong.
            server.environment = {"LD_PRELOAD": str(library), "FAKETIME": time, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    return set_to


def test_a_clock_that_leaps_400_days_erases_nothing_and_says_that_it_waits(servers, set_clock):
    """A former bug: 50,000 requests were gone 4 s after such a start."""
    server = servers(keep_hits="30d", inactive_after="10d", active_rows=500)
    server.start()
    key = create_key(server)
    for turn in range(4):
        post(server, key, [f"/{turn}/{n}" for n in range(250)])
    settle(server)
    before = read_paths(server, key)
    server.stop()
    set_clock(server, "+400d")
    server.start()
    wait_for("it says that it waits", lambda: "400 days ahead" in server.log())
    # Every job has run at least once.
    wait_for("retention was looked at", lambda: "expired requests are not erased" in server.log())
    assert read_paths(server, key) == before
    assert server.metric("erasures_pending") == 0
    server.stop()
    set_clock(server, "")
    server.start()
    assert read_paths(server, key) == before and len(before) == 1_000
    server.stop()


@pytest.mark.parametrize("time", ["1970-01-02 00:00:00", "2026-11-24 12:00:00"])
def test_a_dead_clock_keeps_and_shows_what_comes(servers, set_clock, time):
    """Without @ the time stands still."""
    server = servers()
    set_clock(server, time)
    server.start()
    key = create_key(server)
    post(server, key, ["/a", "/b"])
    batch = make_batch([make_hit("/once")])
    for _ in range(2):
        server.call("POST", "/api/requests", batch, key).must()
    settle(server)
    assert read_paths(server, key) == ["/a", "/b", "/once"]
    server.call("GET", "/api/v1/dashboard?period=24h", key=key).must()
    server.restart()
    assert read_paths(server, key) == ["/a", "/b", "/once"]

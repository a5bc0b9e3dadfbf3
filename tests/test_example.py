"""`make example`, as its README shows it."""

import subprocess

from posting import create_key, read_hits, wait_for
from server import ROOT, clean_environment, free_port


def test_make_example_ends_well(server):
    """A former bug: it ended with 143 after success, because the shop's end by a signal was taken for its own."""
    key = create_key(server)
    environment = clean_environment() | {
        "API_ANALYTICS_SERVER_URL": server.url,
        "API_ANALYTICS_KEY": key,
        "SHOP_PORT": str(free_port()),
        "SECONDS_OF_TRAFFIC": "2",
    }
    done = subprocess.run(["make", "example"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the customers are seen", lambda: len(read_hits(server, key)) > 10)

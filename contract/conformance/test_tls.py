"""Posts over https: only to a server whose certificate an authority has signed that the app's machine knows."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from running import ROWS, App
from sink import Sink
from test_client_cases import BUSY

# The languages whose clients bring their own TLS; those of the others is their language's.
APPS = [row for row in ROWS if row.get("language") == "rust" and row.get("client_cases")]


@pytest.mark.parametrize("app", APPS, ids=lambda app: app["name"])
@pytest.mark.parametrize("known", [True, False])
def test_the_servers_certificate_is_checked(known: bool, app: "dict[str, Any]", folder: Path, tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "authority.pem"
    (authority if known else other).cert_pem.write_to_path(file)
    sink = Sink(tls=context)
    running = App(folder, {**app, "env": {"SSL_CERT_FILE": str(file)}}, sink.url, "k", tmp_path / "log")
    try:
        running.items(1, 3)
        if known:
            assert len(sink.wait_for_hits(3)) == 3
            # And again on the connection that was kept.
            running.items(4, 3)
            running.stop()
            assert len(sink.hits()) == 6 and sink.connections == 1
        else:
            sink.wait_for(lambda: sink.connections)
            assert running.stop() < 3 + BUSY
            assert sink.hits() == []
    finally:
        running.kill()
        sink.stop()
    assert running.printed() == ""

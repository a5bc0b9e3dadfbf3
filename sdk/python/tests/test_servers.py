"""Behaviour of some servers only; `contract/apps` has an app in each."""

import pytest
from running import Running
from sink import Sink
from test_processes import arrived, each_once

pytest.importorskip("pyuwsgi")

UWSGI = ["apps.uwsgi_main", "--http-socket", "127.0.0.1:{port}", "--wsgi", "apps.wsgi_app:app"]
UWSGI += ["--need-app", "--master", "--processes", "2", "--die-on-term", "--disable-logging"]


def test_uwsgi_without_threads_loses_nothing_and_says_so(sink: Sink, running: Running) -> None:
    app = running.start(UWSGI, sink.url, "k")
    served = app.get_all([f"/items/{number}" for number in range(100)], threads=4)
    app.stop()
    sink.wait_for_hits(len(served), 3)
    assert arrived(sink) == each_once(served)
    assert "runs no threads" in app.log()

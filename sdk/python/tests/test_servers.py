"""WSGI servers: every request arrives once, also those of the second before SIGTERM."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from running import Running
from sink import Sink
from test_frameworks import is_installed
from test_processes import arrived, each_once

APP = "apps.wsgi_app:app"
GUNICORN = ["gunicorn", "--bind", "127.0.0.1:{port}", "--log-level", "warning"]
UWSGI = ["apps.uwsgi_main", "--http-socket", "127.0.0.1:{port}", "--wsgi", APP, "--need-app"]
UWSGI += ["--master", "--processes", "2", "--die-on-term", "--disable-logging"]
SERVERS = {
    "gunicorn-sync": [*GUNICORN, "--workers", "3", APP],
    "gunicorn-preload": [*GUNICORN, "--workers", "3", "--preload", APP],
    "gunicorn-gthread": [*GUNICORN, "--workers", "2", "--threads", "8", APP],
    "gunicorn-gevent": [*GUNICORN, "--workers", "2", "--worker-class", "gevent", APP],
    "uwsgi-threads": [*UWSGI, "--enable-threads"],
    "uwsgi": UWSGI,
    "waitress": ["waitress", "--listen", "127.0.0.1:{port}", APP],
}
PACKAGES = {"gunicorn": "gunicorn", "uwsgi": "pyuwsgi", "waitress": "waitress"}


@pytest.mark.parametrize("server", SERVERS)
def test_what_was_served_arrives_once(server: str, sink: Sink, running: Running) -> None:
    if not is_installed(PACKAGES[server.partition("-")[0]]):
        pytest.skip("not installed")
    app = running.start(SERVERS[server], sink.url, "k")
    # uWSGI answers an exception with nothing at all.
    kinds = ["/items/{}", "/missing/{}"] + ["/boom/{}"] * ("uwsgi" not in server)
    paths = [kinds[number % len(kinds)].format(number) for number in range(300)]
    paths += [f"/stream/{number}" for number in range(12)]
    # A connection for each, as some of these servers keep none.
    with ThreadPoolExecutor(8) as threads:
        served = dict(zip(paths, threads.map(app.get, paths)))
    assert set(served.values()) == ({200, 404} if "uwsgi" in server else {200, 404, 500})
    # At once: what waits for its five seconds must leave now. Waitress does nothing about SIGTERM,
    # which ends it as it ends any program, so its last seconds would be lost.
    app.stop(signal.SIGINT if server == "waitress" else signal.SIGTERM)
    sink.wait_for_hits(len(served), 3)
    assert arrived(sink) == each_once(served)
    says = "runs no threads" in app.log()
    assert says == (server == "uwsgi"), app.log()

"""A bare WSGI app. No routes: the server derives them."""

import time

from shared import MeantError, endless, parts

from api_analytics.wsgi import Analytics


def answer(environ, start_response):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]

    def end(status, body=b"", *headers):
        start_response(status, [("Content-Length", str(len(body))), *headers])
        return [body]

    if method == "POST":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        return end("201 Created", str(len(body)).encode())
    if method == "DELETE":
        start_response("204 No Content", [])
        return []
    if path == "/items/404":
        return end("404 Not Found", b"no such item")
    if path.startswith("/items/"):
        return end("200 OK", b"item " + path[len("/items/") :].encode("latin-1"))
    if path == "/orgs/acme/items/7":
        return end("200 OK", b"acme 7")
    if path == "/old":
        return end("302 Found", b"", ("Location", "/items/1"))
    if path == "/fails-later":
        return fails_later(start_response)
    if "fails" in path:
        raise MeantError
    if path in ("/stream", "/endless"):
        start_response("200 OK", [])
        return parts() if path == "/stream" else endless()
    if path == "/slow":
        time.sleep(1)
        return end("200 OK", b"slow")
    return end("404 Not Found")


def fails_later(start_response):
    """Before its first part, so that the server can still answer 500."""
    start_response("200 OK", [])
    yield from ()
    raise MeantError


app = Analytics(answer)

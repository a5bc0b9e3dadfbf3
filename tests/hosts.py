"""The hosts that a server calls in a test: targets of monitors that can be made to fail, and a receiver of webhooks that
checks signatures and can be made to refuse."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Targets:
    """Answers `/NAME` with 200, or 503 for the names in `failing`."""

    def __init__(self):
        self.failing: set[str] = set()
        self.asked = 0
        self.http = serve(self)

    def answer(self, path: str, headers, body: bytes) -> tuple[int, dict[str, str]]:
        self.asked += 1
        return (503 if path.strip("/") in self.failing else 200), {}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{name}"


class Received(NamedTuple):
    at: float
    id: str
    signed: bool
    status: int
    event: dict


class Receiver:
    """Keeps every webhook. `refusals` are sent first, one each: a status and headers."""

    def __init__(self):
        self.secret = ""
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.received: list[Received] = []
        # Called before the next answer.
        self.before_answer = None
        self.lock = threading.Lock()
        self.http = serve(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/hook"

    def answer(self, _path: str, headers, body: bytes) -> tuple[int, dict[str, str]]:
        with self.lock:
            status, more = self.refusals.pop(0) if self.refusals else (200, {})
            event = json.loads(body)
            if self.before_answer:
                self.before_answer, call = None, self.before_answer
                call()
            self.received.append(Received(time.monotonic(), headers["webhook-id"], self.is_signed(headers, body), status, event))
        return status, more

    def is_signed(self, headers, body: bytes) -> bool:
        """As Standard Webhooks 1.0.0 says, with its tolerance of five minutes."""
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        timestamp = headers["webhook-timestamp"]
        signed = f"{headers['webhook-id']}.{timestamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        is_fresh = abs(time.time() - int(timestamp)) < 300
        return is_fresh and any(hmac.compare_digest(one, expected) for one in headers["webhook-signature"].split(" "))

    def taken(self) -> list[Received]:
        with self.lock:
            return [one for one in self.received if one.status == 200]


class Host(ThreadingHTTPServer):
    daemon_threads = True
    # Forty monitors, or all channels, may call at once; of more than five at once the library lets some wait for a second.
    request_queue_size = 128


def serve(host) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("content-length") or 0)
            # The server may be killed while it waits.
            with contextlib.suppress(OSError):
                status, headers = host.answer(self.path, self.headers, self.rfile.read(length))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = Host(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server

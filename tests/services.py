"""Chat and paging services as their documents describe them: one TLS server under the names of all of them, found by a name
server of our own, which checks what it is sent and answers as it is told."""

import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

import trustme

from hosts import Host
from names import NameServer

ADDRESS = "127.0.0.9"
BOT = "123456:needle_" + "x" * 28
HOSTS = (
    "hooks.slack.com", "discord.com", "api.telegram.org", "ntfy.test", "events.pagerduty.com", "flow.teams.test",
    "gotify.test", "api.pushover.net", "matrix.test", "hook.test",
)  # fmt: skip


class Call(NamedTuple):
    at: float
    method: str
    host: str
    path: str
    headers: dict[str, str]
    body: dict
    status: int


class Service(NamedTuple):
    """`config`: the channel's. `check`: raises if a call isn't as the service documents it."""

    config: dict
    host: str
    accepted: tuple[int, object]
    check: Callable[[Call], None]


class Services:
    """`answers` of a host are sent first, one each: a status and headers, or None to close without an answer."""

    def __init__(self, folder: Path):
        self.calls: list[Call] = []
        self.answers: dict[str, list[tuple[int, dict[str, str]] | None]] = {host: [] for host in HOSTS}
        self.lock = threading.Lock()
        authority = trustme.CA()
        self.authority_file = folder / "services.pem"
        authority.cert_pem.write_to_path(self.authority_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*HOSTS).configure_cert(context)
        self.http = Host((ADDRESS, 443), handler(self))
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.names = NameServer(ADDRESS)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "name_servers": self.names.address,
            "allow_networks": f"{ADDRESS}/32,127.0.0.1/32",
            "trusted_certificates": str(self.authority_file),
        }

    def of(self, service: Service) -> list[Call]:
        with self.lock:
            return [call for call in self.calls if call.host == service.host]

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.names.stop()


def read_body(headers: dict[str, str], body: bytes) -> dict:
    if headers["content-type"].startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(), strict_parsing=True))
    return json.loads(body)


def handler(services: Services) -> type[BaseHTTPRequestHandler]:
    accepted = {service.host: service.accepted for service in SERVICES.values()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def answer(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            host = self.headers["Host"].split(":")[0]
            with services.lock:
                planned = services.answers[host].pop(0) if services.answers[host] else (accepted[host][0], {})
                status = planned[0] if planned else 0
                headers = {name.lower(): value for name, value in self.headers.items()}
                services.calls.append(Call(time.monotonic(), self.command, host, self.path, headers, read_body(headers, body), status))
            if planned is None:
                self.close_connection = True
                return
            answer = accepted[host][1] if status < 300 else "refused"
            text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            for name, value in {**planned[1], "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = answer

        def log_message(self, *_):
            pass

    return Handler


def within(text: str, most: int):
    assert 0 < len(text) <= most, text


def check_slack(call: Call):
    assert (call.method, call.path) == ("POST", "/services/T0/B0/needle")
    within(call.body["text"], 40_000)
    assert "<!" not in json.dumps(call.body)


def check_discord(call: Call):
    assert (call.method, call.path.split("?")[0]) == ("POST", "/api/webhooks/1/needle")
    assert call.body["allowed_mentions"] == {"parse": []}
    within(call.body.get("content") or call.body["embeds"][0]["title"], 2_000)


def check_telegram(call: Call):
    assert (call.method, call.path) == ("POST", f"/bot{BOT}/sendMessage")
    assert call.body["chat_id"] == "-100"
    within(call.body["text"], 4_096)
    assert set(re.findall(r"</?(\w+)", call.body["text"])) <= {"b", "code", "a", "i"}


def check_ntfy(call: Call):
    assert (call.method, call.path, call.body["topic"]) == ("POST", "/", "alerts")
    assert 0 < len(call.body["message"].encode()) <= 4_096
    assert call.body.get("priority", 3) in range(1, 6)


def check_pagerduty(call: Call):
    assert (call.method, call.path) == ("POST", "/v2/enqueue")
    assert call.body["routing_key"] == "n" * 32 and call.body["event_action"] in ("trigger", "resolve")
    within(call.body["dedup_key"], 255)
    if call.body["event_action"] == "trigger":
        within(call.body["payload"]["summary"], 1_024)
        assert call.body["payload"]["source"]
        assert call.body["payload"]["severity"] in ("critical", "error", "warning", "info")


def check_teams(call: Call):
    assert (call.method, call.path, call.body["type"]) == ("POST", "/workflows/needle", "message")
    [card] = call.body["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["content"]["type"] == "AdaptiveCard" and card["content"]["version"] in ("1.2", "1.3", "1.4")
    assert len(json.dumps(call.body)) <= 28_672


def check_gotify(call: Call):
    assert (call.method, call.path, call.headers["x-gotify-key"]) == ("POST", "/message", "needle")
    assert call.body["message"] and call.body.get("priority", 5) in range(11)


def check_pushover(call: Call):
    assert (call.method, call.path) == ("POST", "/1/messages.json")
    assert (call.body["token"], call.body["user"]) == ("a" * 30, "u" * 30)
    within(call.body["message"], 1_024)
    within(call.body["title"], 250)


def check_matrix(call: Call):
    begin = "/_matrix/client/v3/rooms/!room:matrix.test/send/m.room.message/"
    assert call.method == "PUT" and unquote(call.path).startswith(begin) and len(call.path) > len(begin)
    assert (call.headers["authorization"], call.body["msgtype"]) == ("Bearer needle", "m.text")
    assert call.body["body"] and len(json.dumps(call.body)) <= 65_536


def check_webhook(call: Call):
    assert (call.method, call.path) == ("POST", "/hook") and call.headers["webhook-signature"].startswith("v1,")


SERVICES = {
    "slack": Service({"url": "https://hooks.slack.com/services/T0/B0/needle"}, "hooks.slack.com", (200, "ok"), check_slack),
    "discord": Service({"url": "https://discord.com/api/webhooks/1/needle"}, "discord.com", (200, {"id": "1"}), check_discord),
    "telegram": Service(
        {"token": BOT, "chat_id": "-100"}, "api.telegram.org", (200, {"ok": True, "result": {"message_id": 7}}), check_telegram
    ),
    "ntfy": Service({"server": "https://ntfy.test", "topic": "alerts"}, "ntfy.test", (200, {"id": "x"}), check_ntfy),
    "pagerduty": Service({"routing_key": "n" * 32}, "events.pagerduty.com", (202, {"status": "success"}), check_pagerduty),
    "teams": Service({"url": "https://flow.teams.test/workflows/needle"}, "flow.teams.test", (202, ""), check_teams),
    "gotify": Service({"server": "https://gotify.test", "token": "needle"}, "gotify.test", (200, {"id": 1}), check_gotify),
    "pushover": Service({"token": "a" * 30, "user": "u" * 30}, "api.pushover.net", (200, {"status": 1}), check_pushover),
    "matrix": Service(
        {"server": "https://matrix.test", "room": "!room:matrix.test", "token": "needle"}, "matrix.test", (200, {"event_id": "$1"}), check_matrix
    ),
    "webhook": Service({"url": "https://hook.test/hook"}, "hook.test", (200, ""), check_webhook),
}

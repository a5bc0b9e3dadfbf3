"""Notices by e-mail, through a real mail server: encrypted or not at all, signed in, threaded, and tried again when the server
says so."""

import pytest

from hosts import Targets
from mail_server import USER, MailServer
from posting import create_project, wait_for
from test_notices import INTERVAL_S, deliveries, watch


@pytest.fixture
def mail_servers(tmp_path):
    started = []

    def start(tls: str, **options) -> MailServer:
        started.append(MailServer(tmp_path, tls, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def add_channel(server, key: str, *addresses: str) -> int:
    config = {"kind": "email", "to": list(addresses)}
    return server.call("POST", "/api/v1/channels", {"config": config}, key).must(201).json()["channel"]["id"]


def send_test(server, key: str, channel: int) -> dict:
    return server.call("POST", f"/api/v1/channels/{channel}/test", key=key).must().json()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_message_goes_encrypted_and_signed_in(servers, mail_servers, tls):
    # aiosmtpd takes a password over a connection that was encrypted from the start only where it need not ask for TLS.
    mail = mail_servers(tls, sign_in=True)
    server = servers(**mail.settings).start()
    _, key = create_project(server, "shop")
    channel = add_channel(server, key, "ops@example.com", "boss@example.org")
    tested = send_test(server, key, channel)
    assert (tested["delivered"], tested["status"]) == (True, 250), tested
    [taken] = mail.taken
    assert (taken.sender, taken.recipients) == ("alerts@example.com", ["ops@example.com", "boss@example.org"])
    assert (taken.encrypted, taken.user) == (True, USER)
    message = taken.message
    assert message["From"] == "API Analytics <alerts@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime and message["Message-ID"].endswith("@localhost>")
    assert "shop" in message["Subject"]
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_no_message_goes_in_the_clear_or_to_a_stranger(servers, mail_servers):
    # The mail server can't encrypt. It would take a message all the same, and does where that is what the operator wants.
    mail = mail_servers("clear")
    server = servers(**mail.settings | {"smtp_tls": "off"}).start()
    _, key = create_project(server, "shop")
    channel = add_channel(server, key, "ops@example.com")
    assert send_test(server, key, channel)["delivered"] is True
    assert [taken.encrypted for taken in mail.taken] == [False]
    server.stop()
    server = servers(**mail.settings).start()
    tested = send_test(server, key, channel)
    assert (tested["delivered"], len(mail.taken)) == (False, 1), tested
    server.stop()
    # Its certificate is of an authority that nobody trusts.
    mail = mail_servers("starttls")
    settings = {name: value for name, value in mail.settings.items() if name != "trusted_certificates"}
    server = servers(**settings).start()
    tested = send_test(server, key, channel)
    assert (tested["delivered"], mail.taken) == (False, []), tested


def test_an_outage_is_one_thread_of_mail_through_refusals(servers, mail_servers):
    targets = Targets()
    mail = mail_servers("starttls", sign_in=True)
    server = servers(allow_networks="127.0.0.1/32", **mail.settings).start()
    _, key = create_project(server, "shop")
    channel = add_channel(server, key, "ops@example.com")
    mail.replies = ["451 come back later"]
    targets.failing.add("api")
    watch(server, key, targets.url("api"), "API")
    [opening] = wait_for("the opening", lambda: list(mail.taken), seconds=INTERVAL_S + 60)
    targets.failing.clear()
    [_, resolved] = wait_for("the end", lambda: len(mail.taken) == 2 and list(mail.taken), seconds=INTERVAL_S + 60)
    assert opening.message["Subject"] == "[shop] Down: API"
    for header in ("In-Reply-To", "References"):
        assert resolved.message[header] == opening.message["Message-ID"]
    assert resolved.message["Message-ID"] != opening.message["Message-ID"]
    # The refusal was noted; a second one, which is for good, ends the delivery.
    [first, _] = deliveries(server, key, channel)
    assert [one["status"] for one in first["tries"]] == [451, 250]
    mail.replies = ["550 no such user"]
    tested = send_test(server, key, channel)
    assert (tested["delivered"], tested["status"]) == (False, 550) and "no such user" in tested["answer"], tested
    targets.http.shutdown()


def test_without_a_mail_server_no_channel_of_mail_is_made(servers):
    server = servers().start()
    _, key = create_project(server, "shop")
    config = {"kind": "email", "to": ["ops@example.com"]}
    refused = server.call("POST", "/api/v1/channels", {"config": config}, key)
    assert refused.status == 400 and "smtp_server" in refused.json()["message"]

"""E-mail through a real mail server: encrypted or not at all, and signed in. What an outage sends is in `test_channels`."""

import pytest

from mail_server import USER, MailServer
from posting import create_project


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
    # On a connection that was encrypted from the start aiosmtpd only accepts a password if it need not ask for TLS.
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
    # The mail server can't encrypt. It would accept a message all the same, and does if the operator allows that.
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
    # Its certificate is from an unknown authority.
    mail = mail_servers("starttls")
    settings = {name: value for name, value in mail.settings.items() if name != "trusted_certificates"}
    server = servers(**settings).start()
    tested = send_test(server, key, channel)
    assert (tested["delivered"], mail.taken) == (False, []), tested


def test_a_refusal_for_good_is_told_with_its_reason(servers, mail_servers):
    mail = mail_servers("starttls", sign_in=True)
    server = servers(**mail.settings).start()
    _, key = create_project(server, "shop")
    channel = add_channel(server, key, "ops@example.com")
    mail.replies = ["550 no such user"]
    tested = send_test(server, key, channel)
    assert (tested["delivered"], tested["status"], mail.taken) == (False, 550, []) and "no such user" in tested["answer"], tested


def test_without_a_mail_server_no_channel_of_mail_is_made(servers):
    server = servers().start()
    _, key = create_project(server, "shop")
    config = {"kind": "email", "to": ["ops@example.com"]}
    refused = server.call("POST", "/api/v1/channels", {"config": config}, key)
    assert refused.status == 400 and "smtp_server" in refused.json()["message"]

"""Subscribers of a status page, with mails through a real mail server: from the page's form to unsubscribing."""

import re

import pytest

from hosts import Targets
from mail_server import MailServer
from posting import create_project, wait_for

ADDRESS = "https://stats.example"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def mail(tmp_path):
    mail = MailServer(tmp_path, "starttls", sign_in=True)
    yield mail
    mail.stop()


def link(message, end: str) -> str:
    """The path of our link that ends with `end`."""
    text = message.get_body(("plain",)).get_content()
    return re.search(rf"{ADDRESS}(/subscription/\w+/{end})", text)[1]


def words_of(message) -> str:
    """The text that a reader sees, and the headers that we write in words: without links, identifiers and encodings."""
    bodies = [message.get_body((kind,)).get_content() for kind in ("plain", "html")]
    headers = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")]
    return "\n".join([*headers, *(re.sub(r"/subscription/\w+", "", body) for body in bodies)])


def open_incident(server, key: str) -> str | None:
    incidents = server.call("GET", "/api/v1/incidents?state=open", key=key).must().json()["incidents"]
    return incidents[0]["id"] if incidents else None


def test_a_subscriber_is_told_from_the_first_word_to_the_last(servers, mail):
    targets = Targets()
    settings = {**mail.settings, "public_url": ADDRESS, "registration": "open", "allow_networks": "127.0.0.0/8"}
    server = servers(**settings).start()
    _, key = create_project(server, "shop")
    # The first of eight monitors to be checked opens the incident, within some seconds.
    for number in range(8):
        name = f"needle-{number}"
        targets.failing.add(name)
        monitor = {"kind": "http", "url": targets.url(name), "name": name, "interval_s": 20, "down_after": 1}
        server.call("POST", "/api/v1/monitors", monitor, key).must(201)
    page = {"enabled": True, "slug": "shop", "title": "Shop status – Läden", "subscriptions": True}
    server.call("PATCH", "/api/v1/status-page", page, key).must()
    mail.replies = ["451 come back later"]
    for _ in range(2):
        asked = server.call("POST", "/status/shop/subscribe", b"email=ann%40example.org", **FORM).must()
        assert b"Look into your mailbox" in asked.body
    wait_for("the confirmation, at the second try", lambda: mail.taken)
    confirmation = mail.taken[0]
    assert (confirmation.recipients, confirmation.encrypted) == (["ann@example.org"], True)
    assert confirmation.message["Subject"] == "[Shop status – Läden] Confirm your subscription"
    server.call("POST", link(confirmation.message, "confirm")).must()

    path = f"/api/v1/incidents/{wait_for('an incident', lambda: open_incident(server, key))}"
    changes = (
        {"public_title": "Orders fail", "severity": "major"},
        {"update": "A database <fails> over.", "stage": "identified"},
        {"stage": "resolved"},
    )
    for change in changes:
        server.call("PATCH", path, change, key).must()
    wait_for("all is told", lambda: len(mail.taken) >= 4)
    messages = [taken.message for taken in mail.taken[1:]]
    subjects = ["Orders fail", "Identified: Orders fail", "Resolved: Orders fail"]
    assert [message["Subject"] for message in messages] == [f"[Shop status – Läden] {subject}" for subject in subjects]
    thread = messages[0]["Message-ID"]
    assert [message["In-Reply-To"] for message in messages] == [None, thread, thread]
    assert [message["References"] for message in messages] == [None, thread, thread]
    assert len({message["Message-ID"] for message in messages}) == 3
    leave = link(messages[0], "leave")
    for message in messages:
        assert message["List-Unsubscribe"] == f"<{ADDRESS}{leave}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
        # The words alone: an identifier or a boundary may hold any digits by chance.
        assert not re.search(r"needle|127\.0\.0\.1|\b503\b", words_of(message))
        assert not re.search(r"needle|127\.0\.0\.1", message.as_string())
    assert "A database <fails> over." in messages[1].get_body(("plain",)).get_content()
    assert "A database &lt;fails&gt; over." in messages[1].get_body(("html",)).get_content()

    # A mail program's one click, and no more mails are sent.
    server.call("POST", leave, b"List-Unsubscribe=One-Click", **FORM).must()
    listed = server.call("GET", "/api/v1/status-page/subscribers", key=key).must().json()
    assert listed == {"confirmed": 0, "unconfirmed": 0, "subscribers": [], "next": None}
    server.call("GET", leave).must(404)
    server.stop()
    # None of these texts is in the log.
    log = "".join(file.read_text(errors="replace") for file in server.data.parent.rglob("*.log"))
    assert log and not re.search(r"example\.org|/subscription/", log)
    assert len(mail.taken) == 4

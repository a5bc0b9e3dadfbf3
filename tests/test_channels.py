"""Every channel over real connections: what it sends is as its service documents it, whatever a monitor is called, and each
answer leads to what the service asks for: done, given up, or tried again and not too soon."""

import itertools
import re

import pytest

from hosts import Targets
from mail_server import MailServer
from posting import create_project, wait_for
from services import SERVICES, Services
from test_mail import add_channel as add_mail_channel
from test_notices import INTERVAL_S, deliveries, incidents, watch

HOSTILE = '<!channel> @everyone <b>"Shop"</b> [x](http://evil.test) ' + "&" * 30
RETRY_AFTER_S = 4
# PagerDuty asks for two minutes after an error of its own.
PAGERDUTY_S = 120


@pytest.fixture
def services(tmp_path):
    try:
        services = Services(tmp_path)
    except PermissionError:
        pytest.skip("port 443 takes root, or net.ipv4.ip_unprivileged_port_start=443")
    yield services
    services.stop()


@pytest.fixture
def mail(tmp_path):
    mail = MailServer(tmp_path, "starttls", sign_in=True)
    yield mail
    mail.stop()


def add_all(server, key: str) -> dict[str, int]:
    channels = {}
    for kind, service in SERVICES.items():
        body = {"name": kind, "config": {"kind": kind, **service.config}}
        channels[kind] = server.call("POST", "/api/v1/channels", body, key).must(201).json()["channel"]["id"]
    return channels


def acknowledge_by_link(server, key: str, message):
    """Like a person: opening the page changes nothing, its button acknowledges this one incident."""
    text = message.get_body(("plain",)).get_content()
    path = re.search(r"https://stats\.example(/acknowledge/\S+)", text)[1]

    def acknowledged() -> str | None:
        return incidents(server, key)[0]["acknowledged_at"]

    asked = server.call("GET", path).must()
    assert b"<button>Acknowledge</button>" in asked.body and b"<!channel>" not in asked.body
    assert acknowledged() is None
    other = path.replace("/1-1/", "/1-2/")
    for method, wrong in (("GET", path[:-1] + "x"), ("POST", path[:-1] + "x"), ("POST", other)):
        assert server.call(method, wrong).status == 404
    assert acknowledged() is None
    done = server.call("POST", path).must()
    assert b"Acknowledged" in done.body and acknowledged() is not None


def test_each_answer_to_a_test_is_told(servers, services):
    server = servers(trusted_proxies="127.0.0.1", registration="open", **services.settings).start()
    _, key = create_project(server, HOSTILE[:80])
    clients = itertools.count(1)
    for kind, channel in add_all(server, key).items():
        service = SERVICES[kind]
        for answer, delivered in ((None, True), ((400, {}), False), ((429, {"Retry-After": "9"}), False), ((500, {}), False), ("closed", False)):
            planned = services.answers[service.host]
            if answer is not None:
                planned.append(None if answer == "closed" else answer)
            # Test notices are limited by address.
            client = f"203.0.113.{next(clients)}"
            path = f"/api/v1/channels/{channel}/test"
            tested = server.call("POST", path, key=key, X_Forwarded_For=client).must().json()
            last = services.of(service)[-1]
            service.check(last)
            assert (tested["delivered"], tested["status"] or 0) == (delivered, last.status), (kind, answer, tested)
            assert "needle" not in str(tested)


def test_an_outage_is_told_everywhere_as_soon_as_each_service_lets_us(servers, services, mail):
    targets = Targets()
    authorities = services.authority_file.with_name("all.pem")
    authorities.write_text(services.authority_file.read_text() + mail.authority_file.read_text())
    settings = {**mail.settings, **services.settings, "trusted_certificates": str(authorities)}
    server = servers(public_url="https://stats.example", registration="open", **settings).start()
    _, key = create_project(server, "shop")
    channels = add_all(server, key)
    by_mail = add_mail_channel(server, key, "ops@example.com")
    for number, service in enumerate(SERVICES.values()):
        services.answers[service.host].append([(429, {"Retry-After": str(RETRY_AFTER_S)}), (500, {}), None][number % 3])
    mail.replies = ["451 come back later"]
    targets.failing.add("api")
    watch(server, key, targets.url("api"), HOSTILE[:100])

    def told(times: int) -> bool:
        calls = [len([call for call in services.of(service) if call.status in range(200, 300)]) for service in SERVICES.values()]
        return min(calls) >= times and len(mail.taken) >= times

    wait_for("each is told", lambda: told(1), seconds=INTERVAL_S + PAGERDUTY_S + 60)
    acknowledge_by_link(server, key, mail.taken[0].message)
    targets.failing.clear()
    wait_for("each is told the end", lambda: told(2), seconds=INTERVAL_S + 60)
    for kind, service in SERVICES.items():
        first, second, third = services.of(service)
        for call in (first, second, third):
            service.check(call)
        assert deliveries(server, key, channels[kind])[0]["state"] == "delivered"
        if first.status == 429:
            assert second.at - first.at >= RETRY_AFTER_S, kind
        if kind == "matrix":
            assert second.path == first.path != third.path, "tries of one notice are one message"
        if kind == "pagerduty":
            assert first.status == 500 and second.at - first.at >= PAGERDUTY_S
            assert [call.body["event_action"] for call in (first, second, third)] == ["trigger", "trigger", "resolve"]
            assert first.body["dedup_key"] == third.body["dedup_key"]
    opening, resolved = (taken.message for taken in mail.taken)
    assert opening["Subject"].startswith("[shop] Down: <!channel> @everyone"), opening["Subject"]
    assert resolved["In-Reply-To"] == resolved["References"] == opening["Message-ID"] != resolved["Message-ID"]
    [refused, _] = deliveries(server, key, by_mail)
    assert [one["status"] for one in refused["tries"]] == [451, 250]
    targets.http.shutdown()

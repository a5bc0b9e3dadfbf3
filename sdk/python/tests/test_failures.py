"""Ways in which a server can fail, beside those of `contract/client-cases`."""

import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from sink import (
    Sink,
    answer,
    answer_and_close,
    answer_as_product,
    close,
)
from test_queue import add, paths

from api_analytics import client as client_module
from api_analytics import post as post_module
from api_analytics.client import Client
from api_analytics.queue import Queue


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def client(queue: Queue, sink: Sink) -> Client:
    return queue.client(sink.url, "the-secret-key", "ASGI", 0)


def retried(sink: Sink) -> "list[float]":
    """Checks that all posts were one batch, retried unchanged; returns their distances."""
    assert len({post.body["batch_id"] for post in sink.posts}) == 1
    assert len({str(post.body["requests"]) for post in sink.posts}) == 1
    assert len({post.body["sent_at"] for post in sink.posts}) == len(sink.posts)
    times = [post.at for post in sink.posts]
    return [later - earlier for earlier, later in zip(times, times[1:])]


def warnings(caplog: pytest.LogCaptureFixture) -> "list[str]":
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@pytest.mark.parametrize(
    "failure", [close, answer(200, [])]
)  # fmt: skip
def test_a_failure_is_retried_with_backoff_until_it_is_kept_once(
    sink: Sink, queue: Queue, client: Client, failure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sink.script = [failure, failure]
    add(queue, client, 1, 2, 3)
    sink.wait_for_posts(3)
    sink.wait_for_hits(3)
    first, second = retried(sink)
    assert 0.45 <= first < 4.0
    assert 0.95 <= second < 6.0
    assert paths(sink) == [1, 2, 3]
    assert len(warnings(caplog)) == 1  # once an outage, not once a try
    assert "the-secret-key" not in caplog.text


def test_the_real_time_of_a_try_is_bounded() -> None:
    assert post_module.CONNECT_SECONDS <= 5
    assert post_module.TRY_SECONDS <= 15


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("soon", None), ("nan", None), ("-5", 0.0), ("7", 7.0),
     ("999999999", 3600.0), ("inf", 3600.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)  # fmt: skip
def test_any_retry_after_can_be_read(header: Any, seconds: Any) -> None:
    assert post_module._to_seconds(header) == seconds


def test_a_wrong_key_is_said_once_loudly_and_stops_the_posting(
    sink: Sink, queue: Queue, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    sink.always = answer(401)
    add(queue, client, *range(10))
    assert queue.flush(30)
    add(queue, client, *range(1200))
    assert queue.flush(30)
    assert len(sink.posts) == 1
    assert queue.held() == 0
    (told,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert told.levelno == logging.ERROR
    assert "api_key" in told.getMessage()
    assert "the-secret-key" not in caplog.text


def test_a_key_that_was_revoked_in_between_stops_too(
    sink: Sink, queue: Queue, client: Client
) -> None:
    add(queue, client, 1)
    assert queue.flush(30)
    sink.always = answer(401)
    add(queue, client, *range(1200))
    assert queue.flush(30)
    assert len(sink.posts) == 2
    assert client.stopped


def test_another_key_goes_on(sink: Sink, queue: Queue, client: Client) -> None:
    other = queue.client(sink.url, "right-key", "ASGI", 0)
    sink.script = [answer(401)]
    add(queue, client, 1)
    assert queue.flush(30)
    add(queue, client, 2)
    add(queue, other, 3)
    assert queue.flush(30)
    assert paths(sink) == [3]


def test_a_batch_that_is_too_large_is_halved_until_it_fits(
    sink: Sink, queue: Queue, client: Client
) -> None:
    def at_most_100(sink: Sink, connection: Any, post: Any) -> bool:
        if len(post.body["requests"]) > 100:
            return answer(413)(sink, connection, post)
        return answer_as_product(sink, connection, post)

    sink.always = at_most_100
    client.dropped = 3
    add(queue, client, *range(450))
    assert queue.flush(30)
    assert paths(sink) == list(range(450))  # in order, each once
    assert len({p.body["batch_id"] for p in sink.posts}) == len(sink.posts)
    assert sink.dropped == 3
    sizes = [len(p.body["requests"]) for p in sink.posts]
    assert sizes[:4] == [450, 225, 112, 56]
    # And it is remembered: the next batches fit at once.
    before = len(sink.posts)
    add(queue, client, *range(1000, 1100))
    assert queue.flush(30)
    assert max(len(p.body["requests"]) for p in sink.posts[before:]) <= 100


def test_a_single_hit_that_is_too_large_is_dropped_and_counted(
    sink: Sink, queue: Queue, client: Client
) -> None:
    sink.script = [answer(413), answer(413)]
    add(queue, client, 1, 2)
    assert queue.flush(30)
    assert paths(sink) == [2]
    add(queue, client, 3)
    assert queue.flush(30)
    assert sink.dropped == 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 415, 422, 301, 307])
def test_a_batch_that_is_refused_is_dropped_logged_and_counted(
    sink: Sink, queue: Queue, client: Client, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sink.script = [answer(status, headers={"Location": "https://moved.example/"})]
    add(queue, client, 1, 2)
    assert queue.flush(30)
    (told,) = warnings(caplog)
    assert f"{status} a_code" in told
    assert "what to do" in told
    assert "2 hits dropped" in told
    add(queue, client, 3)
    assert queue.flush(30)
    assert paths(sink) == [3]
    assert sink.dropped == 2


def test_rejected_hits_are_said_once_a_reason(
    sink: Sink, queue: Queue, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    rejected = [
        {"index": 0, "reason": "too_old"},
        {"index": 1, "reason": "too_old"},
        {"index": 2, "reason": "invalid_status"},
        "nonsense",
    ]
    sink.always = answer(200, {"accepted": 0, "rejected": rejected})
    for _ in range(3):
        add(queue, client, 1, 2, 3)
        assert queue.flush(30)
    assert warnings(caplog) == [
        "a hit was rejected as too_old, said once",
        "a hit was rejected as invalid_status, said once",
        "a hit was rejected as unknown, said once",
    ]


def test_an_idle_connection_that_the_server_closed_costs_no_backoff(
    sink: Sink, queue: Queue, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    sink.always = answer_and_close
    for number in range(5):
        add(queue, client, number)
        assert queue.flush(30)
    assert paths(sink) == list(range(5))
    assert sink.connections == 5
    assert not warnings(caplog)


def test_an_endless_answer_is_not_read_to_its_end(sink: Sink, queue: Queue, client: Client) -> None:
    sink.script = [answer(200, b"x" * (3 << 20))]
    add(queue, client, 1)
    sink.wait_for_hits(1)
    assert len(sink.posts) == 2
    assert sink.connections == 2


def test_after_a_day_a_batch_is_given_up_and_counted(
    sink: Sink, queue: Queue, client: Client, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    assert client_module.GIVE_UP_SECONDS == 24 * 3600
    monkeypatch.setattr(client_module, "GIVE_UP_SECONDS", 0.3)
    # As many failures as it takes: the time of its retries is random.
    sink.script = [answer(500)] * 50
    add(queue, client, 1, 2)
    sink.wait_for(lambda: "2 hits dropped" in caplog.text)
    assert len(sink.posts) >= 2
    sink.script = []
    add(queue, client, 3)
    sink.wait_for_hits(1)
    assert paths(sink) == [3]
    assert sink.dropped == 2


def test_a_name_that_does_not_resolve_is_a_failure_like_others(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    client = queue.client("http://no-such-host.invalid", "k", "ASGI", 0)
    add(queue, client, 1)
    assert not queue.flush(20)
    assert client.held() == 1
    assert "no-such-host.invalid" in warnings(caplog)[0]


@pytest.mark.parametrize("trusted", [True, False])
def test_https_and_a_certificate_that_is_not_trusted(
    queue: Queue, trusted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    if trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    sink = Sink(tls=server)
    client = queue.client(sink.url, "k", "ASGI", 0)
    for number in range(3):
        add(queue, client, number)
        assert queue.flush(5) == trusted
    if trusted:
        assert paths(sink) == [0, 1, 2]
        assert sink.connections == 1
    else:
        assert client.held() == 3
        assert "CERTIFICATE_VERIFY_FAILED" in warnings(caplog)[0]
    sink.stop()

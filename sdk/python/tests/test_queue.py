"""The queue: when it posts, how much it holds, and that there is one thread whatever happens."""

import threading
import time
from typing import Any

import pytest
from sink import Sink, answer, hang

from api_analytics import queue as queue_module
from api_analytics.client import Client
from api_analytics.post import to_backoff
from api_analytics.queue import FLUSH_AT, MAX_HELD, Queue


def hit(client: Client, number: int = 0) -> Any:
    return (
        client, 1_795_332_310.5 + number, 0.001, "GET", f"/{number}", "/{n}", 200,
        b"h", "203.0.113.9", b"tests", None, None, None, 2, None, None,
    )  # fmt: skip


def add(queue: Queue, client: Client, *numbers: int) -> None:
    """As the middleware does."""
    for number in numbers:
        queue.incoming.append(hit(client, number))
        if len(queue.incoming) >= queue.mark:
            queue.press()


def paths(sink: Sink) -> "list[int]":
    return [int(hit["path"][1:]) for hit in sink.hits()]


def test_the_first_flush_is_after_half_a_second_and_then_every_five(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    began = time.monotonic()
    add(queue, client, 1, 2)
    sink.wait_for_posts(1)
    assert 0.45 <= sink.posts[0].at - began < 3.5
    add(queue, client, 3)
    sink.wait_for_posts(2)
    assert 3.8 <= sink.posts[1].at - sink.posts[0].at < 9
    assert [len(p.body["requests"]) for p in sink.posts] == [2, 1]


def test_500_hits_are_posted_at_once(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    add(queue, client, 0)
    sink.wait_for_posts(1)
    began = time.monotonic()
    add(queue, client, *range(1, FLUSH_AT))
    time.sleep(0.2)
    assert len(sink.posts) == 1  # 499 wait for their five seconds
    add(queue, client, FLUSH_AT)
    sink.wait_for_hits(FLUSH_AT + 1)
    assert sink.posts[1].at - began < 4.5
    assert sorted(paths(sink)) == list(range(FLUSH_AT + 1))


def test_every_hit_is_posted_once_from_many_threads(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    threads = [
        threading.Thread(target=add, args=(queue, client, *range(n * 1000, n * 1000 + 1000)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.flush(30)
    assert sorted(paths(sink)) == list(range(8000))
    assert sink.connections == 1  # kept alive


def test_at_most_10_000_are_held_and_the_oldest_are_dropped_and_counted(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    sink.stop()
    add(queue, client, *range(300))
    assert not queue.flush(5)
    highest = 0
    for number in range(300, MAX_HELD + 2500):
        add(queue, client, number)
        highest = max(highest, queue.held()) if number % 100 == 0 else highest
    assert highest <= MAX_HELD
    assert queue.held() == MAX_HELD
    sink.start()
    assert queue.flush(30)
    assert sorted(paths(sink)) == list(range(2500, MAX_HELD + 2500))
    assert sink.dropped == 2500


def test_what_is_on_the_wire_is_not_dropped(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    sink.script = [hang]
    add(queue, client, *range(500))
    sink.wait_for_posts(1)
    add(queue, client, *range(500, MAX_HELD + 100))
    assert queue.held() == MAX_HELD
    sink.stop()
    sink.start()
    assert queue.flush(30)
    got = paths(sink)
    assert len(got) == MAX_HELD
    assert set(range(500)) < set(got)
    assert sink.dropped == 100


def test_dropped_is_reported_once_even_if_its_batch_must_be_posted_twice(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    client.dropped = 7
    sink.script = [answer(500), answer(500)]
    add(queue, client, 1)
    sink.wait_for_hits(1)
    assert [p.body["dropped"] for p in sink.posts] == [7, 7, 7]
    add(queue, client, 2)
    assert queue.flush(30)
    assert sink.posts[-1].body["dropped"] == 0


def test_several_clients_share_one_thread(sink: Sink) -> None:
    other = Sink()
    queue = Queue()
    before = threading.active_count()
    sinks = len([t for t in threading.enumerate() if t.name == "api-analytics"])
    one = queue.client(sink.url, "one", "FastAPI", 0)
    two = queue.client(sink.url, "two", "FastAPI", 2)
    three = queue.client(other.url, "one", "FastAPI", 0)
    assert queue.client(sink.url, "one", "FastAPI", 0) is one
    add(queue, one, 1, 2)
    add(queue, two, 3)
    add(queue, three, 4)
    assert len([t for t in threading.enumerate() if t.name == "api-analytics"]) == sinks + 1
    assert threading.active_count() >= before + 1
    assert queue.flush(30)
    posted = {
        (p.headers["x-auth-token"], p.body["privacy_level"]): len(p.body["requests"])
        for p in sink.posts
    }
    assert posted == {("one", 0): 2, ("two", 2): 1}
    assert paths(other) == [4]
    other.stop()


def test_a_dead_server_does_not_hold_up_another(sink: Sink) -> None:
    dead = Sink()
    queue = Queue()
    lost = queue.client(dead.url, "k", "ASGI", 0)
    fine = queue.client(sink.url, "k", "ASGI", 0)
    dead.stop()
    for number in range(5):
        add(queue, lost, number)
        add(queue, fine, number)
    assert not queue.flush(5)
    assert paths(sink) == list(range(5))
    assert lost.held() == 5


def test_flush_says_whether_all_was_sent(sink: Sink) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    assert queue.flush(0)  # nothing was ever recorded
    add(queue, client, 1)
    assert queue.flush(30)
    assert queue.flush(30)
    sink.script = [hang]
    add(queue, client, 2)
    began = time.monotonic()
    assert not queue.flush(0.3)
    assert time.monotonic() - began < 5  # a try takes 15


def test_the_thread_outlives_what_must_not_happen(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    send = client.send

    def broken(_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(client, "send", broken)
    add(queue, client, 1)
    assert not queue.flush(5)
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.setattr(client, "send", send)
    assert queue.flush(30)
    assert paths(sink) == [1]


def test_a_hit_that_cannot_be_posted_costs_only_itself(
    sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    broken = list(hit(client, 2))
    broken[6] = "no status"
    queue.incoming.extend([hit(client, 1), tuple(broken), hit(client, 3)])
    queue.press()
    assert queue.flush(30)
    assert paths(sink) == [1, 3]
    assert sink.dropped == 1
    assert "cannot be posted" in caplog.text


def test_the_backoff_doubles_to_half_a_minute_with_jitter() -> None:
    for failures, most in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (5000, 30)]:
        several = {to_backoff(failures) for _ in range(50)}
        assert len(several) > 1
        assert max(several) <= most
        assert min(several) >= most / 2


def test_exit_waits_two_seconds_in_all(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "EXIT_SECONDS", 2.0)
    queue = Queue()
    client = queue.client(sink.url, "k", "ASGI", 0)
    add(queue, client, 1)
    assert queue.flush_at_exit()
    queue._exit_by = None
    sink.always = hang
    add(queue, client, 2)
    began = time.monotonic()
    assert not queue.flush_at_exit()  # the end of the lifespan
    assert not queue.flush_at_exit()  # atexit
    assert 1.9 < time.monotonic() - began < 3.8


def test_an_app_that_is_added_while_the_thread_looks_at_the_others_does_not_end_it() -> None:
    queue = Queue()

    class Adding(Client):
        @property
        def retry_at(self) -> float:
            queue.client("http://127.0.0.1:2", f"k{len(queue._clients)}", "", 0)
            return 0.0

        @retry_at.setter
        def retry_at(self, _: float) -> None:
            return

    queue._clients[("", "", "", 0, "")] = Adding("http://127.0.0.1:1", "k", "", 0, "")
    assert queue._next_retry() == float("inf")
    assert len(queue._clients) == 2

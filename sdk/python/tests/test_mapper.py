"""A bad mapper costs its own field."""

import asyncio
import logging
import time
from typing import Any, Callable

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sink import Sink

from api_analytics import asgi
from api_analytics import mapper as mapper_module
from api_analytics.fastapi import Analytics, Config
from api_analytics.mapper import Mapper


def hits_of(
    sink: Sink, config: "Config", requests: int = 1, **request: Any
) -> "list[dict[str, Any]]":
    config.server_url = sink.url
    app = FastAPI()
    app.add_middleware(Analytics, api_key="k", config=config)

    @app.get("/users/{user_id}")
    def user(user_id: int, request: Request) -> int:
        request.state.account = f"account-{user_id}"
        return user_id

    client = TestClient(app, client=("203.0.113.9", 50000)) if _takes_client() else TestClient(app)
    for _ in range(requests):
        assert client.get("/users/7", **request).status_code == 200
    assert Analytics.flush()
    return sink.hits()


def _takes_client() -> bool:
    return "client" in TestClient.__init__.__code__.co_varnames


def raises(_: Any) -> str:
    raise KeyError("secret of the request")


async def coroutine(_: Any) -> str:
    return "x"


def test_each_mapper_sets_its_field(sink: Sink) -> None:
    config = Config(
        get_path=lambda r: "/mapped" + r.url.path,
        get_ip_address=lambda r: "198.51.100.1",
        get_hostname=lambda r: "mapped.example",
        get_user_agent=lambda r: r.headers["user-agent"].upper(),
        get_user_id=lambda r: r.state.account,  # what the endpoint left in the request's state
    )
    (hit,) = hits_of(sink, config, headers={"user-agent": "tests"})
    assert hit["path"] == "/mapped/users/7"
    assert hit["ip_address"] == "198.51.100.1"
    assert hit["hostname"] == "mapped.example"
    assert hit["user_agent"] == "TESTS"
    assert hit["user_id"] == "account-7"
    assert hit["route"] == "/users/{user_id}"


@pytest.mark.parametrize("bad", [raises, coroutine, lambda: None])
def test_a_mapper_that_fails_costs_its_field_and_is_said_once(
    sink: Sink, bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hits = hits_of(sink, Config(get_user_id=bad, get_hostname=lambda r: "kept"), requests=3)
    assert [hit.get("user_id") for hit in hits] == [None] * 3
    assert [hit["hostname"] for hit in hits] == ["kept"] * 3
    told = [r for r in caplog.records if "get_user_id" in r.getMessage()]
    assert [r.levelno for r in told] == [logging.WARNING]
    assert "secret of the request" not in caplog.text


def test_a_path_mapper_that_fails_does_not_show_the_path(sink: Sink) -> None:
    (hit,) = hits_of(sink, Config(get_path=raises))
    assert hit["path"] == "/users/{user_id}"


def test_values_that_are_no_strings_become_such(sink: Sink) -> None:
    (hit,) = hits_of(sink, Config(get_user_id=lambda r: 42))  # type: ignore[arg-type,return-value]
    assert hit["user_id"] == "42"


def test_a_long_value_is_cut_before_it_waits(sink: Sink) -> None:
    (hit,) = hits_of(sink, Config(get_user_id=lambda r: "u" * 10_000))
    assert hit["user_id"] == "u" * 255


def test_at_privacy_level_2_the_address_is_not_even_looked_at(sink: Sink) -> None:
    looked = []

    def get_ip_address(_: Request) -> str:
        looked.append(True)
        return "198.51.100.1"

    (hit,) = hits_of(sink, Config(privacy_level=2, get_ip_address=get_ip_address))
    assert "ip_address" not in hit
    assert not looked
    assert sink.posts[0].body["privacy_level"] == 2
    sink.kept.clear()
    # At level 1 it is found, so that its absence above means something.
    (hit,) = hits_of(sink, Config(privacy_level=1, get_ip_address=get_ip_address))
    assert hit["ip_address"] == "198.51.100.1"
    assert looked


def test_a_slow_mapper_is_given_a_rest_that_doubles(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    calls = []

    def clock() -> float:
        return now

    class Time:
        perf_counter = staticmethod(clock)

    def slow(_: Any) -> str:
        nonlocal now
        calls.append(now)
        now += 0.05
        return "x"

    monkeypatch.setattr(mapper_module, "time", Time)
    ask = Mapper("get_user_id", slow, 255)
    assert ask(None) == "x"  # one slow call may be an accident
    assert ask(None) == "x"
    assert ask(None) is None
    now += 1.01
    assert ask(None) == "x"
    now += 1.01
    assert ask(None) is None  # two seconds now
    now += 1.0
    assert ask(None) == "x"
    assert len(calls) == 4
    assert len(caplog.records) == 1
    assert "50 ms" in caplog.text


def test_a_mapper_that_got_well_is_asked_each_time() -> None:
    duration = [0.03, 0.03]

    def once_slow(_: Any) -> str:
        time.sleep(duration.pop() if duration else 0)
        return "x"

    ask = Mapper("get_user_id", once_slow, 255)
    assert [ask(None), ask(None), ask(None)] == ["x", "x", None]
    ask._rests_until = 0.0
    assert [ask(None) for _ in range(50)] == ["x"] * 50


def test_a_slow_mapper_holds_up_neither_the_request_nor_for_long_the_loop(sink: Sink) -> None:
    """100 requests with a mapper of 100 ms: without pauses they would take ten seconds."""

    def slow(_: Any) -> str:
        time.sleep(0.1)
        return "x"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    watched = asgi.Analytics(
        app, api_key="k", config=asgi.Config(server_url=sink.url, get_user_id=slow)
    )
    answered: list[float] = []

    async def main() -> float:
        began = time.perf_counter()
        for number in range(100):
            sent_at = time.perf_counter()

            async def send(_: Any, sent_at: float = sent_at) -> None:
                answered.append(time.perf_counter() - sent_at)

            await watched(
                {"type": "http", "method": "GET", "path": f"/{number}", "headers": []}, _none, send
            )
        return time.perf_counter() - began

    assert asyncio.run(main()) < 2.0
    assert max(answered) < 0.09  # the response has left before its mapper runs
    assert Analytics.flush()
    hits = sink.hits()
    assert len(hits) == 100
    assert 1 <= sum("user_id" in hit for hit in hits) < 10


_none: "Callable[[], Any]" = lambda: None  # noqa: E731

"""A hit's JSON, field by field."""

import json
from typing import Any

import pytest

from api_analytics.hit import (
    to_cache,
    to_json,
    to_rfc3339,
    to_size,
    to_text,
    without_port,
    without_query,
)


def hit(**fields: Any) -> Any:
    given = {
        "client": None,
        "started_at": 1_795_332_310.5,
        "duration": 0.0012345,
        "method": "GET",
        "path": "/",
        "route": None,
        "status": 200,
        "hostname": None,
        "ip_address": None,
        "user_agent": None,
        "user_id": None,
        "referrer": None,
        "request_size": None,
        "response_size": None,
        "request_id": None,
        "cache": None,
    }
    assert set(fields) <= set(given)
    return tuple({**given, **fields}.values())


def fields(**given: Any) -> "dict[str, Any]":
    decoded: dict[str, Any] = json.loads(to_json(hit(**given)))
    return decoded


def test_the_least_hit_has_only_what_is_known() -> None:
    assert fields() == {
        "method": "GET",
        "path": "/",
        "status": 200,
        "response_time": 1.234,
        "created_at": "2026-11-22T07:25:10.500000Z",
    }


def test_the_fullest_hit() -> None:
    assert fields(
        method="POST",
        path="/orders/7",
        route="/orders/{id}",
        status=201,
        hostname=b"api.example.com:8000",
        ip_address="203.0.113.9",
        user_agent=b"curl/8",
        user_id="alice",
        referrer=b"https://example.com/shop?token=secret#top",
        request_size=b"17",
        response_size=5,
        request_id=b"7f3c",
        cache="hit",
    ) == {
        "method": "POST",
        "path": "/orders/7",
        "status": 201,
        "response_time": 1.234,
        "created_at": "2026-11-22T07:25:10.500000Z",
        "route": "/orders/{id}",
        "hostname": "api.example.com",
        "ip_address": "203.0.113.9",
        "user_agent": "curl/8",
        "user_id": "alice",
        "referrer": "https://example.com/shop",
        "request_size": 17,
        "response_size": 5,
        "request_id": "7f3c",
        "cache": "hit",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("plain", "plain"),
        (b"bytes", "bytes"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("x" * 30, "x" * 20),
        (b"x" * 30, "x" * 20),
    ],
)
def test_text(value: Any, text: str) -> None:
    assert to_text(value, 20) == text


@pytest.mark.parametrize(
    ("hostname", "without"),
    [
        ("example.com", "example.com"),
        ("example.com:8080", "example.com"),
        ("[::1]:8080", "::1"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_without_port(hostname: str, without: str) -> None:
    assert without_port(hostname) == without


def test_without_query() -> None:
    assert without_query("/a?b#c") == "/a"
    assert without_query("/a#c?b") == "/a"
    assert without_query("/a") == "/a"


@pytest.mark.parametrize(
    ("decoded", "path"),
    [("/größe/a b", "/größe/a b"), ("/a?b#c", "/a%3Fb%23c"), ("/a\n\x7fb", "/a%0A%7Fb"),
     ("/a\u200bb", "/a\u200bb"), ("", "/")],
)  # fmt: skip
def test_a_decoded_path_has_escapes_for_what_would_end_it(decoded: str, path: str) -> None:
    assert fields(path=decoded)["path"] == path


@pytest.mark.parametrize(
    ("size", "number"),
    [
        (None, None),
        (0, 0),
        (12, 12),
        (b"12", 12),
        (b"-1", None),
        (b"1e3", None),
        (b"9" * 99, None),
        ("12", 12),
        ("²", None),
    ],
)
def test_size(size: Any, number: Any) -> None:
    assert to_size(size) == number


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_332_310.25, "2026-11-22T07:25:10.250000Z"),
        (1_795_332_309.9999999, "2026-11-22T07:25:10.000000Z"),
    ],
)
def test_time_is_utc_and_rounds_over_the_second(seconds: float, text: str) -> None:
    assert to_rfc3339(seconds) == text


def test_a_clock_that_ran_backwards_is_no_negative_duration() -> None:
    assert fields(duration=-1.0)["response_time"] == 0


@pytest.mark.parametrize(
    ("x_cache", "age", "cache"),
    [
        (None, None, None),
        (b"HIT", None, "hit"),
        (b"Miss from cloudfront", None, "miss"),
        (b"TCP_REFRESH_HIT", None, "hit"),
        (b"HIT, MISS", b"12", "miss"),
        (b"MISS, HIT", None, "hit"),
        (b"BYPASS", None, None),
        (b"BYPASS", b"0", "hit"),
        (None, b"12", "hit"),
        (b"", b"", None),
    ],
)
def test_cache(x_cache: Any, age: Any, cache: Any) -> None:
    assert to_cache(x_cache, age) == cache

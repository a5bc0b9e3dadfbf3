"""Where settings come from, and that nonsense never stops an API."""

import ast
import logging
import re
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sink import Sink

import api_analytics
from api_analytics import asgi, starlette
from api_analytics.config import to_key, to_privacy_level, to_release, to_server_url
from api_analytics.fastapi import Analytics, Config


def make_app(**arguments: object) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Analytics, **arguments)  # type: ignore[arg-type]

    @app.get("/")
    def root() -> str:
        return "hello"

    return app


def test_settings_are_arguments_or_attributes() -> None:
    attributes = Config()
    attributes.privacy_level = 1
    attributes.server_url = "http://127.0.0.1:1"
    attributes.get_user_id = str
    assert attributes == Config(privacy_level=1, server_url="http://127.0.0.1:1", get_user_id=str)
    # The order of the original's fields, for positional arguments.
    f = [lambda _: "" for _ in range(5)]
    assert Config(2, "http://x", f[0], f[1], f[2], f[3], f[4]) == Config(
        privacy_level=2,
        server_url="http://x",
        get_path=f[0],
        get_ip_address=f[1],
        get_hostname=f[2],
        get_user_agent=f[3],
        get_user_id=f[4],
    )


def test_code_wins_over_environment_over_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert to_server_url(None) == ("http://127.0.0.1:8080", False)
    assert to_server_url("") == ("http://127.0.0.1:8080", False)
    monkeypatch.setenv("API_ANALYTICS_SERVER_URL", "https://env.example/base/")
    assert to_server_url(None) == ("https://env.example/base", True)
    assert to_server_url("http://code.example") == ("http://code.example", True)

    assert to_key(None) is None
    monkeypatch.setenv("API_ANALYTICS_KEY", " 'env-key' ")
    assert to_key(None) == "env-key"
    assert to_key("code-key") == "code-key"


def test_a_release_comes_from_code_or_the_environment(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert to_release(None) == ""
    monkeypatch.setenv("API_ANALYTICS_RELEASE", " v2.4.1\n")
    assert to_release(None) == "v2.4.1"
    assert to_release("v3") == "v3"
    assert to_release(42) == "42"
    assert to_release("é" * 100) == "é" * 100
    assert not caplog.records
    assert to_release("v" * 101) == ""
    assert "longer than 100" in caplog.text


@pytest.mark.parametrize("key", ["a\nb", "a b", "schlüssel", "k" * 600, "\x00"])
def test_what_cannot_be_a_header_is_no_key(key: str, caplog: pytest.LogCaptureFixture) -> None:
    assert to_key(key) is None
    assert key not in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize(("given", "level"), [(0, 0), (1, 1), (2, 2), (3, 2), ("x", 2), (None, 2)])
def test_an_unknown_privacy_level_is_the_most_private(given: object, level: int) -> None:
    assert to_privacy_level(given) == level


@pytest.mark.parametrize(
    "url",
    ["example.com", "ftp://x", "http://", "http://u:p@x", "http://x?y=1", "http://x:port", "{}"],
)
def test_a_wrong_address_is_logged_and_never_raised(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(api_key="k", config=Config(server_url=url))
    assert TestClient(app).get("/").status_code == 200
    assert [r.levelname for r in caplog.records if r.name == "api_analytics"] == ["ERROR"]


def test_without_a_key_nothing_is_recorded(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(config=Config(server_url=sink.url))
    assert TestClient(app).get("/").status_code == 200
    assert Analytics.flush()
    assert sink.posts == []
    assert "API_ANALYTICS_KEY" in caplog.text


def test_key_and_address_from_the_environment(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("API_ANALYTICS_KEY", "from-env")
    monkeypatch.setenv("API_ANALYTICS_SERVER_URL", sink.url)
    app = make_app()
    assert TestClient(app).get("/").status_code == 200
    assert Analytics.flush()
    assert sink.posts[0].headers["x-auth-token"] == "from-env"
    assert "from-env" not in caplog.text
    assert [r.getMessage() for r in caplog.records if r.name == "api_analytics"] == [
        f"posting to {sink.url}"
    ]


def test_the_default_address_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        TestClient(make_app(api_key="k")).get("/")
    told = [r for r in caplog.records if "posting to http://127.0.0.1:8080" in r.getMessage()]
    assert [r.levelname for r in told] == ["WARNING"]


def test_the_base_path_of_the_address_is_kept(sink: Sink) -> None:
    app = make_app(api_key="k", config=Config(server_url=sink.url + "/stats/"))
    TestClient(app).get("/")
    assert Analytics.flush()
    assert sink.posts[0].path == "/stats/api/requests"


def test_the_code_of_the_originals_readme_runs_unchanged(sink: Sink) -> None:
    config = Config()
    config.server_url = sink.url  # the one setting that a self-hoster adds
    config.get_ip_address = lambda request: request.headers.get(
        "X-Forwarded-For",
        request.client.host,  # type: ignore[union-attr]
    )
    config.get_user_agent = lambda request: request.headers.get("User-Agent", "")
    config.privacy_level = 0
    config.get_user_id = lambda request: request.headers.get("X-AUTH-TOKEN", "")

    app = FastAPI()
    app.add_middleware(Analytics, api_key="11111111-2222-3333-4444-555555555555", config=config)

    @app.get("/")
    async def root() -> "dict[str, str]":
        return {"message": "Hello World!"}

    headers = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "tests", "X-AUTH-TOKEN": "alice"}
    assert TestClient(app).get("/", headers=headers).json() == {"message": "Hello World!"}
    assert Analytics.flush()
    (post,) = sink.posts
    assert post.path == "/api/requests"
    assert post.headers["x-auth-token"] == "11111111-2222-3333-4444-555555555555"
    assert post.body["framework"] == "FastAPI"
    assert post.body["privacy_level"] == 0
    (hit,) = post.body["requests"]
    assert hit["ip_address"] == "203.0.113.9"
    assert hit["user_agent"] == "tests"
    assert hit["user_id"] == "alice"


def test_three_adapters_one_middleware() -> None:
    assert issubclass(Analytics, starlette.Analytics)
    assert issubclass(starlette.Analytics, asgi.Analytics)
    names = {c._framework for c in (Analytics, starlette.Analytics, asgi.Analytics)}
    assert names == {"FastAPI", "Starlette", "ASGI"}


def test_it_never_prints_and_needs_only_the_standard_library() -> None:
    folder = Path(api_analytics.__file__).parent
    own_or_lazy = {"api_analytics", "asgiref", "aiohttp", "django", "falcon", "flask"}
    own_or_lazy |= {"quart", "starlette", "tornado"}
    stdlib = set(sys.stdlib_module_names)
    for file in folder.glob("*.py"):
        source = file.read_text()
        assert not re.search(r"^\s*print\(", source, re.M), file
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert {n.split(".")[0] for n in names} <= stdlib | own_or_lazy, file

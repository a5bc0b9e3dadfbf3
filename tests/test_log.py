"""The log's content, and what it never contains: refused posts, the access log, request ids, JSON."""

import json
import re

from posting import create_key, make_batch, make_hit, wait_for
from server import Server, clean_environment, run

WRONG_KEY = "0b0f5a6e-2a33-4c55-9d1e-0123456789ab"


def lines(server: Server, part: str) -> list[str]:
    return [line for line in server.log().splitlines() if part in line]


def test_a_refused_post_leaves_one_line_a_minute_and_reason(servers):
    server = servers(body_bytes="1MiB").start()
    key = create_key(server)
    batch = make_batch([make_hit("/secret-path", user="alice")])
    for _ in range(5):
        server.call("POST", "/api/requests", batch, WRONG_KEY).must(401)
        server.call("POST", "/api/log-request", batch | {"api_key": "hunter2"}).must(401)
    server.call("POST", "/api/requests", make_batch([make_hit("/a", status=7)]), key).must(400)
    server.call("POST", "/api/requests", make_batch([make_hit("/" + "a" * (2 << 20))]), key).must(413)
    server.call("POST", "/api/requests", b"{", key).must(400)
    refused = wait_for(
        "every reason has its line",
        lambda: (found := lines(server, "a post was refused")) and len(found) == 4 and found,
    )
    by_code = {re.search(r'code="(\w+)"', line)[1]: line for line in refused}
    assert by_code.keys() == {"unknown_key", "every_hit_rejected", "body_too_large", "invalid_json"}
    assert 'key="0b0f5a..."' in by_code["unknown_key"] and "client=127.0.0.1" in by_code["unknown_key"]
    assert "invalid_status" in by_code["every_hit_rejected"] and "project=1" in by_code["every_hit_rejected"]
    for secret in (WRONG_KEY, WRONG_KEY[7:], key, key[:8], "hunter2", "alice", "secret-path"):
        assert secret not in server.log(), secret


def test_a_text_that_is_no_key_is_not_in_the_log(server):
    server.call("POST", "/api/requests", make_batch([make_hit("/a")]), "hunter2").must(401)
    (line,) = wait_for("the line", lambda: lines(server, "a post was refused"))
    assert 'key="not a key"' in line and "hunter2" not in server.log()


def test_a_misspelt_variable_is_named_at_the_start(servers, tmp_path):
    server = servers()
    server.environment = {"API_ANALYTICS_LISTN": "0.0.0.0:1", "API_ANALYTICS_KEY": "of-a-client"}
    server.start()
    (line,) = lines(server, "API_ANALYTICS_")
    assert "API_ANALYTICS_LISTN" in line and "did you mean API_ANALYTICS_LISTEN?" in line
    checked = run("check-config", env=clean_environment() | server.environment, cwd=tmp_path)
    assert checked.returncode == 0 and "did you mean API_ANALYTICS_LISTEN?" in checked.stderr


def test_the_access_log_has_routes_in_place_of_secrets(servers):
    server = servers(access_log="on", log_format="json").start()
    key = create_key(server)
    user_id = server.call("GET", f"/api/user-id/{key}").must().json()
    server.call("GET", f"/api/requests/{user_id}?page=1").must()
    server.call("POST", "/api/requests", make_batch([make_hit("/a")]), key, X_Request_Id="app-7").must()
    server.call("GET", f"/nowhere/{key}?token={key}").must(404)
    docs = server.call("GET", "/docs/logs").must()

    def calls_of() -> dict[tuple, dict]:
        entries = [json.loads(line) for line in server.log().splitlines() if line.startswith("{") and line.endswith("}")]
        return {
            (entry["method"], entry["route"], entry["status"]): entry for entry in entries if entry["message"] == "call"
        }

    # A line is written after its answer was sent, so it may stand behind that of a later call.
    expected = {
        ("GET", "/api/generate", 200),
        ("GET", "/api/user-id/{api_key}", 200),
        ("GET", "/api/requests/{user_id}", 200),
        ("POST", "/api/requests", 200),
        ("GET", "none", 404),
        ("GET", "/docs/{name}", 200),
    }
    wait_for("a line of each call", lambda: calls_of().keys() >= expected)
    calls = calls_of()
    post = calls["POST", "/api/requests", 200]
    assert post["request_id"] == "app-7" and post["client"] == "127.0.0.1" and post["duration_ms"] > 0
    shown = calls["GET", "/docs/{name}", 200]
    assert shown["bytes"] == len(docs.body) and shown["request_id"] == docs.headers["X-Request-ID"]
    for secret in (key, user_id):
        assert secret not in server.log()


def test_the_access_log_is_off_unless_it_is_switched_on(server):
    answer = server.call("GET", "/api/health").must()
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])
    assert server.call("GET", "/api/health", X_Request_Id="a b").headers["X-Request-ID"] != "a b"
    server.stop()
    assert "call" not in re.findall(r"\w+", server.log())


def test_health_is_asked_for_by_a_command(servers):
    server = servers().start()
    well = run("health", data=server.data)
    assert well.returncode == 0 and json.loads(well.stdout) == {"status": "healthy"}
    server.stop()
    gone = run("health", data=server.data)
    assert gone.returncode == 1 and "no server runs" in gone.stderr

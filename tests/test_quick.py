"""The first minutes of a stranger: the page of docs whose every command works when it is pasted, help, messages
of bad settings; and that a long answer takes no long memory.
"""

import json
import re
import subprocess
import sys
import sysconfig
import threading
import time
import tomllib
import venv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from posting import create_key, make_hit, read_hits, settle, wait_for
from server import ROOT, Connection, Server, binary, clean_environment, free_port, must_run, run

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


class Blocks(HTMLParser):
    """The texts of `<pre>`, as a browser copies them, and resources that the page loads from elsewhere."""

    def __init__(self, page: str):
        super().__init__()
        self.blocks: list[str] = []
        self.addresses: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "pre":
            self.inside = True
            self.blocks.append("")
        self.addresses += [value for name, value in attributes if name in ("src", "href") and value]

    def handle_endtag(self, tag):
        if tag == "pre":
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.blocks[-1] += data


def page_of(server: Server) -> Blocks:
    answer = server.call("GET", "/docs/getting-started").must()
    assert answer.headers["Content-Type"].startswith("text/html")
    return Blocks(answer.body.decode())


def paste(commands: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    """Types the commands into one shell, one after the other; returns what each printed. The first that fails ends it."""
    mark = "----- next -----"
    script = "set -e -o pipefail\n" + f"\necho '{mark}'\nsleep 1\n".join(commands)
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=folder, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout.split(f"{mark}\n")


def test_the_readme_s_calls_are_answered(server, tmp_path):
    """A former bug: one had a sign that no address may hold."""
    part = (ROOT / "README.md").read_text().split("## Read it back")[1]
    calls = re.findall(r"^curl .*$", part, re.MULTILINE)
    assert len(calls) >= 2
    calls = [call.replace("curl ", "curl -fsS ").replace(":8080", f":{server.port}") for call in calls]
    paste(calls, clean_environment() | {"KEY": create_key(server)}, tmp_path)


def test_every_command_of_the_page_works_when_pasted(server, tmp_path):
    page = page_of(server)
    operators = [block for block in page.blocks if block.startswith("api-analytics ")]
    python = [block for block in page.blocks if "add_middleware" in block]
    # `contract/conformance/test_package.py` runs these.
    node = [block for block in page.blocks if "expressAnalytics" in block or block.startswith("npm install ")]
    shell = [block for block in page.blocks if block not in operators + python + node]
    assert (len(shell), len(operators), len(python), len(node)) == (6, 1, 1, 2), page.blocks
    assert not [address for address in page.addresses if "//" in address], "the page loads something from elsewhere"

    # `pip` is that of an app's environment, which already has FastAPI and an ASGI server: these tests'.
    environment = clean_environment()
    venv.create(tmp_path / "venv", with_pip=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment["PATH"] = f"{tmp_path / 'venv' / 'bin'}:{environment['PATH']}"
    said = paste([*shell, 'echo "$KEY"'], environment, tmp_path)
    _created, posting, _installed, posted, health, shared, key = said
    assert json.loads(posting)["can"] == "ingest"
    assert json.loads(posted)["accepted"] == 1
    assert "sources" in json.loads(health)
    assert json.loads(shared)["url"].startswith(server.url)
    wait_for("the hit is here", lambda: read_hits(server, key.strip()))
    (hit,) = read_hits(server, key.strip())
    assert (hit["path"], hit["method"], hit["status"], hit["duration_ms"]) == ("/hello", "GET", 200, 12.5)

    # The middleware's lines, in a developer's app.
    app = tmp_path / "app.py"
    behind = "@app.get('/from/the/app')\ndef show():\n    return {}"
    app.write_text(f"{python[0]}\n\n{behind}\n")
    environment["KEY"] = key.strip()
    port = free_port()
    log = tmp_path / "app.log"
    with log.open("wb") as out:
        serving = subprocess.Popen(
            [tmp_path / "venv" / "bin" / "python", "-m", "uvicorn", "app:app", "--port", str(port)],
            cwd=tmp_path, env=environment, stdout=out, stderr=out,
        )  # fmt: skip
    try:

        def called() -> bool:
            assert serving.poll() is None, log.read_text()
            try:
                return Connection(port).call("GET", "/from/the/app").status == 200
            except OSError:
                return False

        wait_for("the app answers", called)
    finally:
        # A client that is told to stop posts its remaining hits.
        serving.terminate()
        serving.wait(90)
    paths = lambda: [hit["path"] for hit in read_hits(server, key.strip())]  # noqa: E731
    wait_for(f"the app's hit is here\n{log.read_text()}", lambda: "/from/the/app" in paths())


def test_where_registration_is_closed_the_operators_command_makes_a_project(servers, tmp_path):
    server = servers(registration="closed").start()
    (create,) = [block for block in page_of(server).blocks if block.startswith("api-analytics ")]
    refused = server.call("GET", "/api/generate").must(403).json()
    assert refused["code"] == "registration_closed" and "project create" in refused["message"]
    # Run as it is, by an operator in the server's folder.
    environment = clean_environment() | {"API_ANALYTICS_DATA": str(server.data)}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    (tmp_path / "api-analytics").symlink_to(binary())
    environment["LD_LIBRARY_PATH"] = f"{Path(binary()).resolve().parent}:{environment.get('LD_LIBRARY_PATH', '')}"
    (said,) = paste([create.split("\n")[0]], environment, tmp_path)
    key = re.search(r"key +([0-9a-f-]{36})", said)[1]
    assert server.call("GET", "/api/data", key=key).must().json() == []


def test_the_start_says_where_to_go_and_what_to_do(servers, tmp_path):
    server = servers().start()
    wait_for("it says so", lambda: "To create one:" in server.log())
    said = server.log()
    assert f"open {server.url}/" in said
    command = re.search(r"To create one: +(.*)", said)[1]
    (key,) = paste([command], clean_environment(), tmp_path)
    assert re.fullmatch(r'"[0-9a-f-]{36}"\s*', key)


# Settings.


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("listen", "nowhere"),
        ("public_url", "example.com"),
        ("trusted_proxies", "my-proxy"),
        ("registration", "sometimes"),
        ("get_delete", "maybe"),
        ("metrics", "friends"),
        ("log", "lou,d=er=est"),
        ("log_format", "xml"),
        ("access_log", "loud"),
        ("country_database", "/does/not/exist.mmdb"),
        ("keep_hits", "long"),
        ("active_rows", "0"),
        ("body_bytes", "64 parsecs"),
        ("disk_free_percent", "101"),
        ("inbox_bytes", "-1"),
    ],
)  # fmt: skip
def test_a_bad_setting_is_named_wherever_it_stands(tmp_path, key, text):
    flag, variable = f"--{key.replace('_', '-')}={text}", f"API_ANALYTICS_{key.upper()}"
    file = tmp_path / "settings.toml"
    file.write_text(f"{key} = {json.dumps(text)}\n")
    for arguments, environment, origin in (
        ([flag], {}, flag.split("=")[0]),
        ([], {variable: text}, variable),
        (["--config", str(file)], {}, str(file)),
    ):
        for command in ("check-config", "serve"):
            checked = run(command, *arguments, env=clean_environment() | environment, cwd=tmp_path)
            assert checked.returncode == 1, (command, checked)
            assert f"`{key}`" in checked.stderr, checked.stderr
            # Errors found only by trying have no source in their message.
            if key not in ("log", "country_database"):
                assert origin in checked.stderr, checked.stderr
            assert checked.stdout == "" or command == "serve", checked.stdout
    assert not (tmp_path / "data").exists(), "a start that was refused left a folder"


def test_an_unknown_key_is_named_with_what_may_be_meant(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("active-rows = 3\n")
    checked = run("check-config", "--config", file, cwd=tmp_path)
    assert checked.returncode == 1
    assert "`active-rows`" in checked.stderr and "`active_rows`" in checked.stderr and str(file) in checked.stderr
    file.write_text("active_rows = \n")
    checked = run("check-config", "--config", file, cwd=tmp_path)
    assert checked.returncode == 1 and str(file) in checked.stderr
    assert run("check-config", "--activ-rows", "3", cwd=tmp_path).returncode == 2


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("active_rows = 11\nmerge_at = 12\nreceipts = 13\nget_delete = true\n")
    environment = clean_environment() | {"API_ANALYTICS_ACTIVE_ROWS": "21", "API_ANALYTICS_MERGE_AT": "22"}
    said = must_run("check-config", "--config", file, "--active-rows", "31", env=environment, cwd=tmp_path)
    found = dict(re.findall(r'^(\w+) = "(.*?)"    # ', said, re.MULTILINE))
    assert (found["active_rows"], found["merge_at"], found["receipts"], found["get_delete"]) == ("31", "22", "13", "on")
    assert "API_ANALYTICS_MERGE_AT" in said and str(file) in said
    # Its output is a file that it can read.
    file.write_text(said)
    assert (
        dict(
            re.findall(
                r'^(\w+) = "(.*?)"    # ', must_run("check-config", "--config", file, cwd=tmp_path), re.MULTILINE
            )
        )
        == found
    )


# Help.


def test_the_version_is_that_of_the_workspace():
    assert must_run("version").strip() == f"api-analytics {VERSION}"
    assert must_run("--version").strip().endswith(VERSION)


def commands_of(help_text: str) -> list[str]:
    """The names listed under `Commands:`."""
    _, _, listed = help_text.partition("Commands:\n")
    return [
        line.split()[0] for line in listed.split("\n\n")[0].splitlines() if line.strip() and line.split()[0] != "help"
    ]


def test_every_subcommand_explains_itself():
    seen: set[str] = set()

    def look(*command: str) -> None:
        said = must_run(*command, "--help")
        assert "Usage: api-analytics" in said, said
        first = said.splitlines()[0]
        assert len(first) > 10 and first[0].isupper(), f"{command}: {first}"
        seen.add(" ".join(command))
        for name in commands_of(said):
            look(*command, name)

    look()
    assert seen >= {
        "serve", "project", "project create", "project list", "project delete", "key", "key add", "key list", "key revoke",
        "backup", "restore", "repair", "health", "check-config", "version",
    }  # fmt: skip
    help_of_serve = must_run("serve", "--help")
    said = must_run("check-config", cwd="/")
    for key in re.findall(r"^(\w+) = ", said, re.MULTILINE):
        assert f"--{key.replace('_', '-')} " in help_of_serve, key
        assert f"API_ANALYTICS_{key.upper()}" in help_of_serve, key


def test_a_mistake_is_answered_with_what_to_do(tmp_path):
    for command, said in (
        ([], "Usage"),
        (["sevre"], "serve"),
        (["project", "delete"], "<ID>"),
        (["backup"], "<FOLDER>"),
    ):
        wrong = run(*command, cwd=tmp_path)
        assert wrong.returncode == 2 and said in wrong.stderr, wrong
    nothing = run("project", "list", data=tmp_path / "nothing")
    assert nothing.returncode == 1 and "--data" in nothing.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_command_begins_no_data_folder_that_nobody_named(tmp_path):
    """A former bug: they created ./data beside the server's own and reported success."""
    for command in (["project", "create", "--name", "shop"], ["key", "add"]):
        refused = run(*command, cwd=tmp_path)
        assert refused.returncode == 1 and "--data" in refused.stderr, refused
        assert not (tmp_path / "data").exists()
    named = tmp_path / "named"
    made = must_run("project", "create", data=named)
    assert f"{named} is a new data folder" in made
    # The hint is a command that works as it is.
    hint = re.search(r"api-analytics (key add .*)", made)[1]
    assert f"--data {named}" in hint
    assert "key id" in must_run(*hint.split(), cwd=tmp_path)
    assert "new data folder" not in must_run("key", "add", data=named)


def test_projects_and_keys_from_the_command_line(server):
    made = must_run("project", "create", "--name", "shop", data=server.data)
    key = re.search(r"key +([0-9a-f-]{36})", made)[1]
    number = re.search(r"project +(\d+)", made)[1]
    assert "shop" in must_run("project", "list", data=server.data)
    added = must_run("key", "add", "--project", number, "--ingest-only", data=server.data)
    ingest_key = re.search(r"key +([0-9a-f-]{36})", added)[1]
    ingest_id = re.search(r"key id +(\d+)", added)[1]
    assert server.call("POST", "/api/requests", {"requests": [make_hit("/x")]}, ingest_key).status == 200
    assert server.call("GET", "/api/data", key=ingest_key).json()["code"] == "ingest_only_key"
    listed = must_run("key", "list", data=server.data)
    assert key not in listed and ingest_key not in listed and ingest_key[:6] in listed
    must_run("key", "revoke", ingest_id, data=server.data)
    assert server.call("POST", "/api/requests", {"requests": [make_hit("/x")]}, ingest_key).status == 401
    # The same without a server: the folder is opened for a moment.
    server.stop()
    assert "revoked" in must_run("key", "list", data=server.data)
    assert run("project", "delete", number, data=server.data, stdin=subprocess.DEVNULL).returncode == 1
    assert "1 hits erased" in must_run("project", "delete", number, "--yes", data=server.data)
    server.start()
    assert server.call("GET", "/api/data", key=key).status == 401
    # No secret is in the log, nor in any output.
    assert key not in server.log() and ingest_key not in server.log()


# Memory.

HITS = 300_000
# Measured: 1 MB, without optimisation, for an answer of 102 MB. The bound leaves room for the allocator, not for the answer.
GROWTH_BYTES = 32 << 20


def test_memory_does_not_grow_with_the_answer(servers):
    server = servers(engine_memory_bytes="64MiB", active_rows=100_000).start()
    key = create_key(server)
    for batch in range(HITS // 20_000):
        hits = [make_hit(f"/{batch}/{n}", user=f"user{n % 1_000}", user_agent=f"agent/{n % 50}") for n in range(20_000)]
        assert server.call("POST", "/api/requests", {"requests": hits}, key).must().json()["accepted"] == 20_000
    settle(server)
    wait_for("most of it is sealed", lambda: server.metric("sealed_rows") > HITS / 2, seconds=180)
    # A first reading fills the caches of every answer: the engine's buffers, the allocator's pages.
    for _ in range(3):
        assert stream(server, key, limit=10_000)[0] == 10_000
    # Files may be merged meanwhile, which takes memory for a moment: what grows with the answer does so each time.
    growths = []
    for _ in range(3):
        growths.append(growth_while_read(server, key))
        if growths[-1] < GROWTH_BYTES:
            return
    raise AssertionError(f"{[growth >> 20 for growth in growths]} MB more for an answer of 80 MB and more")


def growth_while_read(server: Server, key: str) -> int:
    """Bytes that were resident above those of before while the whole answer was read."""
    before = server.memory_bytes()
    peak = before
    ended = threading.Event()

    def measure() -> None:
        nonlocal peak
        while not ended.wait(0.01):
            peak = max(peak, server.memory_bytes())

    measuring = threading.Thread(target=measure, daemon=True)
    measuring.start()
    lines, size, paths = stream(server, key)
    ended.set()
    measuring.join()
    print(
        f"{lines} hits, {size >> 20} MB of answer, resident {before >> 20} MB, {(peak - before) >> 20} MB more at most",
        file=sys.stderr,
    )
    assert lines == HITS and len(paths) == HITS
    assert size > 80 << 20, "the answer is too small to show anything"
    return peak - before


PATH = re.compile(rb'"path":"([^"]*)"')


def stream(server: Server, key: str, limit: int | None = None) -> tuple[int, int, set[bytes]]:
    """Reads `/api/v1/hits` line by line, slowly enough that the server must wait for us: lines, bytes, paths."""
    connection = Connection(server.port, timeout=120)
    connection.call("GET", "/api/health")
    query = f"&limit={limit}" if limit else ""
    connection.http.request("GET", f"/api/v1/hits?format=ndjson{query}", headers={"X-AUTH-TOKEN": key})
    response = connection.http.getresponse()
    assert response.status == 200 and response.headers.get("Content-Length") is None
    lines, size, paths = 0, 0, set()
    for line in response:
        lines += 1
        size += len(line)
        paths.add(PATH.search(line)[1])
        if lines % 10_000 == 0:
            time.sleep(0.02)
    connection.close()
    return lines, size, paths

"""Folders of older programs are read, merged, erased from and added to. `formats/make.py` made them."""

import contextlib
import json
import tarfile
from pathlib import Path

import pytest

from folder import Torn, query_inbox, query_meta
from formats.questions import ask_all
from posting import create_key, post, settle, wait_for
from server import Server

FOLDERS = sorted((Path(__file__).parent / "formats").glob("format-*.tar.xz"))
every_format = pytest.mark.parametrize("archive", FOLDERS, ids=lambda file: file.name.removesuffix(".tar.xz"))


def unpack(archive: Path, into: Path) -> dict:
    """Unpacks the folder into the data folder of `servers`. Returns its keys, and the recorded answers."""
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return json.loads((into / "answers.json").read_text())


def compare(found: object, wanted: object, at: str) -> None:
    """Later programs may add fields, but nothing else."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in found, f"{at}: no {key}"
            compare(found[key], value, f"{at}.{key}")
    elif isinstance(wanted, list):
        if at.endswith(".rows"):
            found, wanted = without_ties_at_the_end(found), without_ties_at_the_end(wanted)
        assert len(found) == len(wanted), f"{at}: {len(found)} in place of {len(wanted)}"
        for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
            compare(one, other, f"{at}[{number}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted), at
    else:
        assert found == wanted, at


def without_ties_at_the_end(rows: list[dict]) -> list[dict]:
    """Of equal rows at the end of a table, either may be cut off."""
    return [row for row in rows if row["requests"] > rows[-1]["requests"]]


def check_answers(server: Server, before: dict, *projects: str) -> None:
    settle(server)
    assert server.problems() == []
    for name in projects or before["keys"]:
        compare(ask_all(server, before["keys"][name]), before["answers"][name], name)
        every_field_can_be_asked_for(server, before["keys"][name])


def count_requests(server: Server, key: str) -> int:
    return server.call("GET", "/api/v1/dashboard?period=all", key=key).must().json()["panels"]["requests"]["value"]


def erase_a_consumer(server: Server, before: dict) -> None:
    found = before["answers"]["large"]["a consumer"]["panels"]["requests"]["value"]
    assert found > 0
    server.call("DELETE", "/api/v1/consumers/u:user-1", key=before["keys"]["large"]).must(200)
    answers = ask_all(server, before["keys"]["large"])
    assert answers["a consumer"]["panels"]["requests"]["value"] == 0
    whole = before["answers"]["large"]["whole files"]["panels"]["requests"]["value"]
    assert answers["whole files"]["panels"]["requests"]["value"] == whole - found
    check_answers(server, before, "small")


def every_field_can_be_asked_for(server, key: str) -> None:
    """Also by a field that the folder's hits can't have: all of them have none."""

    def count(q: str) -> int:
        answer = server.call("GET", f"/api/v1/dashboard?period=all&panels=requests&q={q}", key=key).must().json()
        return answer["panels"]["requests"]["value"]

    total = count("")
    for field in server.call("GET", "/api/v1/fields").must().json()["fields"]:
        if field["kind"] in ("text", "country"):
            name = field["name"]
            assert count(f"{name}:%22%22") + count(f"-{name}:%22%22") == total, name


def test_there_is_a_folder_of_each_format_of_before(server):
    server.stop()
    ((bytes_,),) = query_inbox(server.data, "SELECT value FROM state WHERE name = 'data_format'")
    before = range(1, int.from_bytes(bytes_, "little"))
    assert {f"format-{number}.tar.xz" for number in before} <= {file.name for file in FOLDERS}


@every_format
def test_a_folder_of_before_answers_as_it_did_and_is_brought_up_to_date(servers, tmp_path, archive):
    before = unpack(archive, tmp_path)
    old = sum(int(answers["whole files"]["panels"]["requests"]["value"]) for answers in before["answers"].values())
    # Two new files, together larger than the old one, so that all of them are merged into one of the current format.
    batch = old * 11 // 10 // 4 + 1
    server = servers(checkpoint_ms=50, active_rows=2 * batch, merge_at=2).start()
    check_answers(server, before)
    key = create_key(server)
    for number in range(4):
        post(server, key, [f"/new/{number}/{n}" for n in range(batch)])
        # Otherwise one transaction takes all of them, and one file.
        settle(server)
    wait_for("all is sealed", lambda: server.metric("sealed_rows") == old + 4 * batch, seconds=180)
    wait_for("in one file", lambda: server.metric("sealed_files") == 1, seconds=180)
    check_answers(server, before)
    erase_a_consumer(server, before)
    assert count_requests(server, key) == 4 * batch


@every_format
def test_a_consumer_is_erased_from_files_of_before(servers, tmp_path, archive):
    before = unpack(archive, tmp_path)
    server = servers().start()
    erase_a_consumer(server, before)


def test_projects_keys_and_links_of_the_first_format_still_work(servers, tmp_path):
    before = unpack(FOLDERS[0], tmp_path)
    version = "PRAGMA user_version"
    assert query_meta(tmp_path / "data", version) == [(2,)]
    server = servers().start()
    new = servers("new").start()

    def has_newest() -> bool:
        # Both run: a copy may be torn.
        with contextlib.suppress(Torn):
            return query_meta(server.data, version) == query_meta(new.data, version) > [(2,)]
        return False

    wait_for("the newest version", has_newest)
    for name, key in before["keys"].items():
        assert server.call("GET", "/api/v1/project", key=key).must().json()["name"] == name
        post(server, key, ["/after"])
    settle(server)
    whole = before["answers"]["large"]["whole files"]["panels"]["requests"]["value"]
    assert count_requests(server, before["share_link"]) == whole + 1
    large = before["keys"]["large"]
    assert server.call("GET", f"/api/user-id/{large}").must().json() == before["dashboard_id"]
    # Tables of later programs exist.
    monitor = {"name": "shop", "kind": "http", "url": "https://example.com/"}
    server.call("POST", "/api/v1/monitors", monitor, large).must(201)
    server.restart()
    assert len(server.call("GET", "/api/v1/monitors", key=large).must().json()["monitors"]) == 1

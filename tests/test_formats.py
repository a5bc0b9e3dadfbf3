"""Folders that programs of before have left are read, merged, erased from and added to. `formats/make.py` has made them."""

import json
import tarfile
from pathlib import Path

import pytest

from formats.questions import ask_all
from posting import create_key, post, settle, wait_for

FOLDERS = sorted((Path(__file__).parent / "formats").glob("*.tar.xz"))
# A few more than a folder's file has.
HITS = 28_000


def compare(found: object, wanted: object, at: str) -> None:
    """Later programs may say more, and nothing else."""
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
    """Which of equal ones a table has no more room for may differ."""
    return [row for row in rows if row["requests"] > rows[-1]["requests"]]


def test_there_is_a_folder_of_each_format_of_before():
    assert [file.name for file in FOLDERS] == ["format-2.tar.xz"]


@pytest.mark.parametrize("archive", FOLDERS, ids=lambda file: file.name)
def test_a_folder_of_before_answers_as_it_did_and_is_brought_up_to_date(servers, tmp_path, archive):
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    before = json.loads((tmp_path / "answers.json").read_text())
    server = servers(checkpoint_ms=50).start()

    def all_is_as_it_was() -> None:
        settle(server)
        assert server.problems() == []
        for name, key in before["keys"].items():
            compare(ask_all(server, key), before["answers"][name], name)
            every_field_can_be_asked_for(server, key)

    all_is_as_it_was()
    # The old file and new ones become one of today's format.
    server.settings |= {"active_rows": HITS // 2, "merge_at": 2}
    server.restart()
    key = post_elsewhere(server)
    wait_for("all is sealed", lambda: server.metric("sealed_rows") > 2 * HITS - 2_000, seconds=60)
    wait_for("in one file", lambda: server.metric("sealed_files") == 1, seconds=60)
    all_is_as_it_was()
    small, large = before["keys"]["small"], before["keys"]["large"]
    server.call("DELETE", "/api/v1/consumers/u:user-1", key=large).must(200)
    answers = ask_all(server, large)
    assert answers["a consumer"]["panels"]["requests"]["value"] == 0
    assert before["answers"]["large"]["a consumer"]["panels"]["requests"]["value"] > 0
    compare(ask_all(server, small), before["answers"]["small"], "small")
    assert server.call("GET", "/api/v1/dashboard?period=all", key=key).must().json()["panels"]["requests"]["value"] == HITS


def every_field_can_be_asked_for(server, key: str) -> None:
    """Also one that the folder's hits can't have: all of them have none of it."""

    def count(q: str) -> int:
        answer = server.call("GET", f"/api/v1/dashboard?period=all&panels=requests&q={q}", key=key).must().json()
        return answer["panels"]["requests"]["value"]

    total = count("")
    for field in server.call("GET", "/api/v1/fields").must().json()["fields"]:
        if field["kind"] in ("text", "country"):
            name = field["name"]
            assert count(f"{name}:%22%22") + count(f"-{name}:%22%22") == total, name


def post_elsewhere(server) -> str:
    """Two files of another project's hits, so many that it is worth merging the old file with them."""
    key = create_key(server)
    for batch in range(HITS // 1_000):
        post(server, key, [f"/new/{batch}/{n}" for n in range(1_000)])
        # Else one transaction takes all of them, and one file.
        settle(server)
    return key

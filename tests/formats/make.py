"""Writes a small data folder with the binary that API_ANALYTICS_BIN names, and what that binary answers about it: the fixture of
the format that it writes. To be run once with the last program of a format:

    API_ANALYTICS_BIN=/old/api-analytics PYTHONPATH=tests python tests/formats/make.py format-3

It leaves `format-3.tar.xz` beside this file: `data`, the folder as a kill left it (a sealed file with a project that has rollups
and one that has none, an active file, records in the inbox, a share link), and `answers.json`.

Rollups begin at 25,000 hits of a project. So that a fixture of a tenth of that has some, build its program with these rows of
`crates/analytics/src/limits.rs`, which change no format: `ROLLED_UP_FROM` 1,000, `LISTED_WHOLE` 100.

`newer.tar.xz` is the same of a program built with `FORMAT`, the record's `VERSION` and the versions of both SQLite files raised
far above any that there will be: what a start must refuse.
"""

import datetime
import json
import random
import sys
import tarfile
import tempfile
from pathlib import Path

from questions import ask_all

from posting import create_project, make_batch, settle, wait_for
from server import Server

HERE = Path(__file__).parent
DAY_S = 86_400
START = datetime.datetime(2026, 11, 18, tzinfo=datetime.UTC)
# `format-2.tar.xz` has ten times as many.
LARGE, SMALL = 2_600, 40
BATCH = LARGE // 26
LATE_LARGE, LATE_SMALL = 150, 5


def hit(chance: random.Random, spread_s: int) -> dict:
    """As different from its neighbours as hits are: some fields missing, a few thousand callers, most of them once."""
    time = START + datetime.timedelta(microseconds=chance.randrange(spread_s * 1_000_000))
    made = {
        "path": f"/v{chance.choice('12')}/things/{chance.randrange(40)}",
        "method": chance.choice(["GET", "GET", "POST"]),
        "status": chance.choice([200, 200, 200, 201, 304, 404, 500]),
        "response_time": round(chance.expovariate(1 / 40), 3),
        "created_at": time.isoformat(),
        "ip_address": f"203.0.{chance.randrange(20)}.{int(chance.paretovariate(0.7)) % 250}",
    }
    if chance.random() < 0.3:
        made["user_id"] = f"user-{int(chance.paretovariate(1)) % 200}"
    if chance.random() < 0.7:
        made["user_agent"] = chance.choice(["curl/8.1.2", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"])
    return made | {"hostname": "api.example.com"}


def main(name: str) -> None:
    chance = random.Random(name)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        server = Server(data, active_rows=LARGE + SMALL, checkpoint_ms=50, merge_at=50).start()
        (_, large), (_, small) = (create_project(server, project) for project in ("large", "small"))
        for batch in range(LARGE // BATCH):
            hits = [hit(chance, 6 * DAY_S) for _ in range(BATCH)]
            server.call("POST", "/api/requests", make_batch(hits), large).must()
            if batch < 5:
                hits = [hit(chance, 3 * DAY_S) for _ in range(SMALL // 5)]
                server.call("POST", "/api/requests", make_batch(hits), small).must()
        wait_for("it is sealed", lambda: server.metric("sealed_files") == 1, seconds=60)
        for key, count in ((large, LATE_LARGE), (small, LATE_SMALL)):
            server.call("POST", "/api/requests", make_batch([hit(chance, 6 * DAY_S) for _ in range(count)]), key).must()
        settle(server)
        keys = {"large": large, "small": small}
        answers = {name: ask_all(server, key) for name, key in keys.items()}
        share_link = server.call("POST", "/api/v1/share-links", {"name": "a colleague"}, large).must(201).json()["token"]
        dashboard_id = server.call("GET", f"/api/user-id/{large}").must().json()
        # Records that no data file has yet, as after a kill.
        server.process.kill()
        server.process.wait()
        kept = {"keys": keys, "answers": answers, "share_link": share_link, "dashboard_id": dashboard_id}
        (Path(folder) / "answers.json").write_text(json.dumps(kept))
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz") as archive:
            for file in sorted([*data.rglob("*"), Path(folder) / "answers.json"]):
                # `reserve` is a file of zeros for a full disk.
                if file.is_file() and file.name != "reserve":
                    archive.add(file, file.relative_to(folder))


main(sys.argv[1])

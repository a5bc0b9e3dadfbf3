"""Writes a small data folder with the binary that API_ANALYTICS_BIN names, and what that binary answers about it: the fixture of
the format that it writes. To be run once with the last program of a format:

    API_ANALYTICS_BIN=/old/api-analytics PYTHONPATH=tests python tests/formats/make.py format-2

It leaves `format-2.tar.xz` beside this file: `data`, the folder as a kill left it (a sealed file with a project that has rollups
and one that has none, an active file, records in the inbox), and `answers.json`.
"""

import datetime
import json
import random
import sys
import tarfile
import tempfile
from pathlib import Path

from questions import ask_all
from server import Server

from posting import create_project, make_batch, settle, wait_for

HERE = Path(__file__).parent
DAY_S = 86_400
START = datetime.datetime(2026, 11, 18, tzinfo=datetime.UTC)
LARGE, SMALL = 26_000, 400


def hit(chance: random.Random, spread_s: int) -> dict:
    """As unlike its neighbours as hits are: some fields missing, a few thousand callers, most of them once."""
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
        for first in range(0, LARGE, 1_000):
            hits = [hit(chance, 6 * DAY_S) for _ in range(1_000)]
            server.call("POST", "/api/requests", make_batch(hits), large).must()
            if first % 5_000 == 0:
                hits = [hit(chance, 3 * DAY_S) for _ in range(SMALL // 5)]
                server.call("POST", "/api/requests", make_batch(hits), small).must()
        wait_for("it is sealed", lambda: server.metric("sealed_files") == 1, seconds=60)
        for key, count in ((large, 1_500), (small, 30)):
            server.call("POST", "/api/requests", make_batch([hit(chance, 6 * DAY_S) for _ in range(count)]), key).must()
        settle(server)
        keys = {"large": large, "small": small}
        answers = {name: ask_all(server, key) for name, key in keys.items()}
        # What a kill leaves: records that no data file has yet.
        server.process.kill()
        server.process.wait()
        (Path(folder) / "answers.json").write_text(json.dumps({"keys": keys, "answers": answers}))
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz") as archive:
            for file in sorted([*data.rglob("*"), Path(folder) / "answers.json"]):
                if file.is_file():
                    archive.add(file, file.relative_to(folder))


main(sys.argv[1])

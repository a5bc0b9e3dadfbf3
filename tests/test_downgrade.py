"""A folder of a newer version of the program stops the start of this one, which reports it and changes no byte."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from folder import all_files
from posting import create_key, post, read_paths, settle
from server import Server, run
from test_formats import unpack

NEWER = Path(__file__).parent / "formats" / "newer.tar.xz"
ADVICE = "Nothing was changed. Start the newer version again, or restore a backup that was made before the upgrade"


def fingerprint(data: Path) -> dict[str, str]:
    """Every file's hash, without SQLite's `-shm`, which every opening rebuilds from the log beside it."""
    files = [file for file in all_files(data) if not file.name.endswith("-shm")]
    return {str(file.relative_to(data)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def change(data: Path, file: str, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(data / file)) as database, database:
        database.execute(statement, values)


def set_data_format(data: Path, format_: int) -> None:
    change(data, "inbox.sqlite", "UPDATE state SET value = ? WHERE name = 'data_format'", format_.to_bytes(8, "little"))


def known_data_format(data: Path) -> int:
    with closing(sqlite3.connect(data / "inbox.sqlite")) as database:
        return int.from_bytes(database.execute("SELECT value FROM state WHERE name = 'data_format'").fetchone()[0], "little")


def set_record_version(data: Path, version: int) -> int:
    """Changes the version of the first waiting record. Returns the old one."""
    with closing(sqlite3.connect(data / "inbox.sqlite")) as database, database:
        first, bytes_ = database.execute("SELECT first_seq, bytes FROM records ORDER BY first_seq").fetchone()
        # After its size and the number of rows to skip.
        was = bytes_[8]
        database.execute("UPDATE records SET bytes = ? WHERE first_seq = ?", [bytes_[:8] + bytes([version]) + bytes_[9:], first])
    return was


def set_user_version(data: Path, file: str, version: int) -> int:
    with closing(sqlite3.connect(data / file)) as database, database:
        was = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute(f"PRAGMA user_version = {version}")
    return was


def check_refused(server: Server, *words: str) -> None:
    before, said = fingerprint(server.data), len(server.log())
    server.start(wait=False)
    assert server.process.wait(90) != 0
    for expected in (*words, ADVICE):
        assert expected in server.log()[said:], server.log()[said:]
    assert fingerprint(server.data) == before


def test_a_folder_of_a_newer_program_is_refused_as_it_is(servers, tmp_path):
    unpack(NEWER, tmp_path)
    server = servers()
    logs = {file.name: file.stat().st_size for file in server.data.glob("*-wal")}
    assert logs["inbox.sqlite-wal"] > 0 and logs["meta.sqlite-wal"] > 0, "what a kill leaves is not there"
    check_refused(server, "the data files have format 1000")
    before = fingerprint(server.data)
    for command in (["repair", "--yes"], ["project", "create", "--name", "shop"], ["backup", tmp_path / "copy"]):
        refused = run(*command, data=server.data)
        assert refused.returncode != 0 and ADVICE in refused.stderr, (command, refused.stderr)
        assert fingerprint(server.data) == before, command


def test_each_number_that_a_newer_program_raises_is_looked_at(servers):
    server = servers(checkpoint_ms=60_000).start()
    key = create_key(server)
    post(server, key, ["/kept", "/as well"])
    settle(server)
    server.kill()
    data = server.data

    known = known_data_format(data)
    set_data_format(data, 1_000)
    check_refused(server, f"the data files have format 1000, and this program knows {known}")
    set_data_format(data, known)

    known = set_record_version(data, 200)
    check_refused(server, "in inbox.sqlite has version 200, and this program knows ")
    set_record_version(data, known)

    change(data, "inbox.sqlite", "INSERT INTO erasures VALUES (?, ?)", 9_000, bytes([200, 2]))
    check_refused(server, "record 9000 in inbox.sqlite has version 200")
    change(data, "inbox.sqlite", "DELETE FROM erasures WHERE seq = 9000")

    for file in ("meta.sqlite", "monitors.sqlite"):
        known = set_user_version(data, file, 1_000)
        check_refused(server, f"{file} has version 1000, and this program knows {known}")
        set_user_version(data, file, known)

    server.start()
    assert read_paths(server, key) == ["/as well", "/kept"]
    assert server.problems() == []


def test_a_backup_of_a_newer_program_is_not_restored(servers, tmp_path):
    server = servers().start()
    key = create_key(server)
    post(server, key, ["/kept"])
    settle(server)
    backup = tmp_path / "backup"
    assert run("backup", backup, data=server.data).returncode == 0
    server.stop()
    before = fingerprint(server.data)
    for name, raised in [
        ("files", lambda copy: set_data_format(copy, 1_000)),
        ("projects", lambda copy: set_user_version(copy, "meta.sqlite", 1_000)),
        ("checks", lambda copy: set_user_version(copy, "monitors.sqlite", 1_000)),
    ]:
        copy = tmp_path / name
        shutil.copytree(backup, copy)
        raised(copy)
        refused = run("restore", copy, data=server.data)
        assert refused.returncode != 0 and "1000, and this program knows" in refused.stderr, refused.stderr
        assert fingerprint(server.data) == before
    server.start()
    assert read_paths(server, key) == ["/kept"]

    # Going back for good, with the earlier backup.
    server.stop()
    set_data_format(server.data, 1_000)
    set_user_version(server.data, "meta.sqlite", 1_000)
    check_refused(server, "the data files have format 1000")
    restored = run("restore", backup, data=server.data)
    assert restored.returncode == 0, restored.stderr
    server.start()
    assert read_paths(server, key) == ["/kept"]

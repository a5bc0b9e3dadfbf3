"""A data folder seen from outside: its files, its manifest, what an interrupted server was doing, and the rows in it.

Read only, and never the files that a server holds: SQLite files are copied first, DuckDB files are opened when no
server runs.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

# Condition on a row of meta.sqlite: its privacy level is being raised.
RAISING = "erased_level < privacy_level AND deleting = 0"

# The number of the kind of text for paths in a data file.
PATH = 2


def file_names(data: Path) -> set[str]:
    """Data files and their logs."""
    try:
        return {entry.name for entry in os.scandir(data / "hits") if entry.is_file()}
    except FileNotFoundError:
        return set()


def sealed_files(data: Path) -> list[Path]:
    return sorted((data / "hits").glob("sealed-????????.duckdb"))


def active_files(data: Path) -> list[Path]:
    return sorted((data / "hits").glob("active-????????.duckdb"))


def all_files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.is_file() and not path.is_socket())


def find_bytes(data: Path, needle: str) -> list[str]:
    """Files whose bytes contain the needle. Compressed ones hide it: see `find_rows`."""
    found = []
    for path in all_files(data):
        # A running server may have removed it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if needle.encode() in path.read_bytes():
                found.append(str(path.relative_to(data)))
    return found


def find_rows(data: Path, needle: str) -> list[str]:
    """Data files with a text that contains the needle, read by the engine. No server may be running."""
    found = []
    for path in [*active_files(data), *sealed_files(data)]:
        with open_copy(path) as database:
            contains = f"SELECT count(*) FROM strings WHERE contains({full_text(database)}, ?)"
            count = database.execute(contains, [needle]).fetchone()[0]
        if count:
            found.append(path.name)
    return found


def full_text(database: duckdb.DuckDBPyConnection) -> str:
    """The expression over `strings` that is a text. Until format 4 each was stored as it is, IPv4 addresses too."""
    (found,) = database.execute("SELECT format FROM progress").fetchone()
    if found < 5:
        return "text"
    parts = ", '.', ".join(f"(ipv4 >> {bits}) & 255" for bits in (24, 16, 8, 0))
    return f"CASE WHEN ipv4 > 0 THEN concat({parts}) ELSE literal END"


def read_paths(data: Path) -> list[tuple[int, str]]:
    """(project, path) of every hit in every file in the manifest. No server may be running."""
    rows = []
    for name in read_manifest(data):
        with open_copy(data / "hits" / name) as database:
            rows += database.execute(
                f"SELECT h.project, {full_text(database)} FROM hits h JOIN strings s"
                " ON s.kind = ? AND s.project = h.project AND s.id = h.path",
                [PATH],
            ).fetchall()
    return rows


def open_copy(path: Path) -> duckdb.DuckDBPyConnection:
    """Opens a copy, with its log, so that reading changes nothing in the folder."""
    folder = Path(tempfile.mkdtemp(prefix="api-analytics-look-"))
    for file in [path, path.with_name(path.name + ".wal")]:
        if file.exists():
            shutil.copy(file, folder / file.name)
    connection = duckdb.connect(str(folder / path.name))
    shutil.rmtree(folder)
    return connection


def query_inbox(data: Path, statement: str) -> list[tuple]:
    return query_copy(data, "inbox.sqlite", statement)


def query_meta(data: Path, statement: str) -> list[tuple]:
    return query_copy(data, "meta.sqlite", statement)


def query_copy(data: Path, file: str, statement: str) -> list[tuple]:
    """Queries a copy: reading the original would change its log. `Torn` if a running server wrote meanwhile."""
    with tempfile.TemporaryDirectory(prefix="api-analytics-look-") as folder:
        for name in (file, f"{file}-wal"):
            if (data / name).exists():
                shutil.copy(data / name, folder)
        connection = sqlite3.connect(f"{folder}/{file}")
        try:
            return connection.execute(statement).fetchall()
        except sqlite3.OperationalError as problem:
            if "no such table" in str(problem):  # killed before it made its tables
                return []
            raise Torn(str(problem)) from problem
        except sqlite3.DatabaseError as problem:
            raise Torn(str(problem)) from problem
        finally:
            connection.close()


class Torn(Exception):
    """A copy taken while the file was being written."""


def read_position(data: Path, manifest: dict[str, str]) -> int | None:
    """The last record in the active file, with its log; none if it cannot be read."""
    for name, kind in manifest.items():
        if kind == "active":
            try:
                with open_copy(data / "hits" / name) as database:
                    return database.execute("SELECT seq FROM progress").fetchone()[0]
            except duckdb.Error:
                return None
    return None


def read_manifest(data: Path) -> dict[str, str]:
    """File name to kind: active, frozen or sealed."""
    rows = query_inbox(data, "SELECT id, kind FROM files ORDER BY id")
    return {f"{'sealed' if kind == 'sealed' else 'active'}-{number:08}.duckdb": kind for number, kind in rows}


def ledger_seqs(data: Path) -> set[int]:
    """Erasures that have begun. A line that a crash cut off does not count."""
    path = data / "erasures.jsonl"
    if not path.exists():
        return set()
    whole = path.read_bytes().rpartition(b"\n")[0]
    return {json.loads(line)["seq"] for line in whole.splitlines()}


@dataclass
class Interrupted:
    """The work that a kill interrupted."""

    starting: bool = False
    # Some file was being built: one of the three below, if that can be determined.
    building: bool = False
    # A frozen file was being sealed.
    sealing: bool = False
    # Several sealed files were being merged.
    merging: bool = False
    # An erasure had its number and was not complete.
    erasure_waiting: bool = False
    # Its files were being rewritten.
    erasing: bool = False
    # Frozen files waited to be sealed.
    frozen: bool = False
    # The active file's log held rows that its file did not.
    log_unwritten: bool = False
    # The active file had everything itself, but the inbox had not noted it.
    checkpointed: bool = False
    # A project was being deleted.
    deleting: bool = False
    # A project's privacy level was raised, and the erasure was not complete.
    raising: bool = False
    # Acknowledged records were in the inbox and in no data file.
    unapplied: bool = False
    # Records were in the inbox and in a data file: applied, or checkpointed, but not trimmed yet.
    untrimmed: bool = False
    # An unnamed file existed: a switch was cut off between its manifest and its unlinking, or before it.
    stray: bool = False

    def phases(self) -> list[str]:
        return [name for name, hit in vars(self).items() if hit]


def what_was_interrupted(data: Path, was_ready: bool, may_merge: bool) -> Interrupted:
    """Determined from the files of a killed server. `may_merge`: whether it would merge files at all."""
    found = Interrupted(starting=not was_ready)
    names = file_names(data)
    manifest = read_manifest(data)
    if not manifest:
        return found
    pending = {seq for (seq,) in query_inbox(data, "SELECT seq FROM erasures")}
    found.frozen = "frozen" in manifest.values()
    found.erasure_waiting = bool(pending)
    found.log_unwritten = any(
        (data / "hits" / name).stat().st_size > 0
        for name in names
        if name.startswith("active-") and name.endswith(".wal")
    )
    position = read_position(data, manifest)
    records = query_inbox(data, "SELECT min(first_seq), max(last_seq), min(last_seq) FROM records")
    if position is not None and records and records[0][0] is not None:
        _, last, first_whole = records[0]
        found.unapplied = last > position
        found.untrimmed = first_whole <= position
        found.checkpointed = found.untrimmed and not found.log_unwritten
    found.deleting = bool(query_meta(data, "SELECT 1 FROM projects WHERE deleting = 1"))
    found.raising = bool(query_meta(data, f"SELECT 1 FROM projects WHERE {RAISING}"))
    found.stray = any(name.endswith(".duckdb") and name not in manifest for name in names)
    # An unfinished file is named for the work that it comes from.
    found.sealing, found.merging, found.erasing = (
        any(name.endswith(suffix) for name in names) for suffix in (".sealing", ".merging", ".erasing")
    )
    found.building = found.sealing or found.merging or found.erasing
    return found

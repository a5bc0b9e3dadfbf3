"""The product's tables in ClickHouse with fewer columns, for `replicas.py`, and hits for them."""

import threading
import time

from posting import wait_for
from replicas import AWAY, CLUSTER, Host, Refused, Replicas

DAY_US = 86_400_000_000
# 20 December 2023: a fortnight from there has two months, and so two partitions.
START_US = 1_703_030_400_000_000
# Errors after which the product asks the next host, and one of a statement that took too long (`failure.rs`).
ALL_CONNECTIONS_FAILED, IS_READ_ONLY, KEEPER_FAILED, NO_KEEPER, TIMEOUT = 279, 242, 999, 225, 159
NEXT_HOST = {ALL_CONNECTIONS_FAILED, IS_READ_ONLY, KEEPER_FAILED, NO_KEEPER}
TABLE_EXISTS, REPLICA_EXISTS = 57, 253

REPLICATED = "ReplicatedMergeTree('/clickhouse/tables/{database}/{shard}/TABLE', '{replica}')"
PARTITION = "toYYYYMM(TIME)"
ORDER = "(project, time_us, hit_id)"
SHARD = "cityHash64(project, DAY)"
ON_CLUSTER = f"ON CLUSTER `{CLUSTER}`"


def statements(stats: str) -> list[str]:
    """Statements that make the tables: those of `schema.rs` with fewer columns."""

    def table(name: str, columns: str, rest: str, kept: str, engine: str = REPLICATED) -> str:
        engine = engine.replace("TABLE", kept)
        return f"CREATE TABLE IF NOT EXISTS {stats}.{name} {ON_CLUSTER} ({columns}) ENGINE = {engine} {rest}"

    columns = "project UInt32, hit_id Int64, time_us Int64, status UInt16, user_id String, path String"
    partition = PARTITION.replace("TIME", "toDateTime(intDiv(time_us, 1000000), 'UTC')")
    keys = f"PARTITION BY {partition} ORDER BY {ORDER}"
    shard = SHARD.replace("DAY", f"intDiv(time_us, {DAY_US})")
    settings = (
        "SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 31536000,"
        " old_parts_lifetime = 0, finished_mutations_to_keep = 1, cleanup_delay_period = 2, cleanup_delay_period_random_add = 0"
    )

    def view(name: str, local: str) -> str:
        return (
            f"CREATE TABLE IF NOT EXISTS {stats}.{name} {ON_CLUSTER} AS {stats}.{local}"
            f" ENGINE = Distributed('{CLUSTER}', `{stats}`, {local}, {shard})"
        )

    return [
        f"CREATE DATABASE IF NOT EXISTS `{stats}` {ON_CLUSTER}",
        table("versions", "version UInt32", "ORDER BY version", "versions"),
        table("nodes", "node UInt8, folder String, claimed_us Int64", "ORDER BY (node, claimed_us, folder)", "nodes"),
        table("hits_local", columns, f"{keys} {settings}", "hits"),
        view("hits", "hits_local"),
        # For comparison: nothing of it is replicated.
        table("plain_local", columns, keys, "", "MergeTree"),
        view("plain", "plain_local"),
    ]


TABLES = ["hits", "hits_local", "nodes", "plain", "plain_local", "versions"]


def takes_rows(host: Host) -> bool:
    try:
        return host.number("SELECT count() FROM system.replicas WHERE is_readonly OR is_session_expired") == 0
    except Refused:
        return False


def hits(first: int, count: int, user: str = "") -> list[tuple]:
    """Of five projects and fourteen days, in the order in which they came."""
    made = []
    for n in range(first, first + count):
        time_us = START_US + n % 14 * DAY_US + n * 1_000
        made.append((n % 5 + 1, n, time_us, 200, user or f"user-{n % 7}", f"/path/{n}"))
    return made


def insert(host: Host, table: str, rows: list[tuple]) -> None:
    """Answered when each shard has its rows, as ours are. The setting is called distributed_foreground_insert today."""
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    columns = "project, hit_id, time_us, status, user_id, path"
    host.run(f"INSERT INTO {table} ({columns}) FORMAT TabSeparated", text, insert_distributed_sync=1)


def counts(hosts: list[Host], table: str) -> list[int]:
    return [host.number(f"SELECT count() FROM {table}") for host in hosts]


def wait_for_copies(cluster: Replicas, stats: str, total: int) -> None:
    """Until both replicas of each shard have the same hits, and all are there once."""

    def once() -> bool:
        question = f"SELECT count(), uniqExact(hit_id), sum(cityHash64(hit_id, user_id)) FROM {stats}.hits_local"
        answers = [host.run(question).split("\t") for host in cluster.hosts]
        first, again, second, again_second = answers
        return (
            first == again
            and second == again_second
            and all(count == different for count, different, _ in answers)
            and int(first[0]) + int(second[0]) == total
        )

    wait_for(f"{total} hits, each on both replicas of its shard", once, seconds=120)
    assert counts(cluster.hosts, f"{stats}.hits") == [total] * 4


def tables_of(host: Host, stats: str) -> list[str]:
    return host.run(f"SELECT name FROM system.tables WHERE database = '{stats}' ORDER BY name").split()


def mutations(host: Host, stats: str) -> list[str]:
    """Which are done, of those of a host."""
    return host.run(f"SELECT is_done FROM system.mutations WHERE database = '{stats}' AND table = 'hits_local'").split()


class Sender:
    """Inserts groups and repeats each until it is answered, at the next host if one is away, as the product does."""

    def __init__(self, cluster: Replicas, stats: str, size: int = 70) -> None:
        self.hosts, self.stats, self.size = cluster.hosts, stats, size
        self.sent, self.repeated = 0, 0
        self.codes: set[int] = set()
        self.problem: BaseException | None = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.guard, daemon=True)
        self.thread.start()

    def guard(self) -> None:
        try:
            self.work()
        except BaseException as problem:
            self.problem = problem

    def work(self) -> None:
        place = 0
        while not self.stopping.is_set():
            rows = hits(self.sent, self.size)
            end = time.monotonic() + 120
            while True:
                try:
                    insert(self.hosts[place], f"{self.stats}.hits", rows)
                    break
                except AWAY:
                    pass
                except Refused as problem:
                    self.codes.add(problem.code)
                assert time.monotonic() < end, f"no host takes it: {self.codes}"
                place = (place + 1) % len(self.hosts)
                self.repeated += 1
                time.sleep(0.05)
            self.sent += self.size
            time.sleep(0.02)

    def finish(self) -> int:
        self.stopping.set()
        self.thread.join(180)
        assert not self.thread.is_alive()
        if self.problem:
            raise self.problem
        return self.sent

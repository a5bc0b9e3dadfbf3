"""A ClickHouse cluster of two shards with two replicas each: four servers of Debian's old version (18.16) and its ZooKeeper,
each a process that can be killed. It has what the engine of the other tests lacks: copies that fetch parts from each other,
and ClickHouse's own queue of statements ON CLUSTER. It is too old for the product itself."""

import contextlib
import http.client
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

from posting import wait_for
from server import free_port

SCRIPT = Path(__file__).resolve().parent / "replicas.sh"
CLUSTER = "ring"
SESSION_SECONDS = 3
# Raised by a call whose host is away, or dies during it.
AWAY = (OSError, http.client.HTTPException)


class Refused(Exception):
    """ClickHouse answered with an error."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = re.match(r"Code: (\d+)", text)
        self.code = int(found[1]) if found else 0


class Process:
    command: list
    port: int
    log: Path
    process: subprocess.Popen | None = None
    killed = 0.0

    def begin(self) -> None:
        with open(self.log, "ab") as log:
            # It ends with the tests, also if those are killed.
            command = ["setpriv", "--pdeathsig", "KILL", *self.command]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def await_port(self) -> None:
        end = time.monotonic() + 180
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"it did not start: {self.log.read_text(errors='replace')[-2_000:]}")

    def start(self) -> None:
        self.begin()
        self.await_port()

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(30)
            self.process, self.killed = None, time.monotonic()


class Keeper(Process):
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.log = folder / "keeper.log"
        self.port = free_port()
        options = [
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dzookeeper.admin.enableServer=false",
            "-Dzookeeper.forceSync=no",
        ]
        main = "org.apache.zookeeper.server.ZooKeeperServerMain"
        tick_ms = "500"
        self.command = [
            "java",
            *options,
            "-cp",
            "/usr/share/java/*",
            main,
            str(self.port),
            str(folder / "data"),
            tick_ms,
        ]

    def forget(self, paths: list[str]) -> None:
        """Deletes paths with all that is under them."""
        client = ["java", "-XX:TieredStopAtLevel=1", "-cp", "/usr/share/java/*", "org.apache.zookeeper.ZooKeeperMain"]
        commands = "".join(f"deleteall {path}\n" for path in paths) + "quit\n"
        subprocess.run(
            [*client, "-server", f"127.0.0.1:{self.port}"], input=commands, capture_output=True, text=True, check=True
        )


class Host(Process):
    def __init__(self, folder: Path, server: str, shard: int, replica: str) -> None:
        folder.mkdir()
        self.folder, self.shard, self.replica = folder, shard, replica
        self.log = folder / "host.log"
        self.tcp, self.port, self.interserver = free_port(), free_port(), free_port()
        self.command = [server, f"--config-file={folder / 'config.xml'}"]

    def configure(self, hosts: list["Host"], keeper: Keeper) -> None:
        address = "<replica><host>127.0.0.1</host><port>{}</port></replica>"
        shards = ""
        for shard in sorted({host.shard for host in hosts}):
            replicas = "".join(address.format(host.tcp) for host in hosts if host.shard == shard)
            shards += f"<shard><internal_replication>true</internal_replication>{replicas}</shard>"
        (self.folder / "config.xml").write_text(
            f"""<yandex>
    <logger><level>warning</level><console>1</console></logger>
    <listen_host>127.0.0.1</listen_host>
    <tcp_port>{self.tcp}</tcp_port>
    <http_port>{self.port}</http_port>
    <interserver_http_port>{self.interserver}</interserver_http_port>
    <interserver_http_host>127.0.0.1</interserver_http_host>
    <path>{self.folder}/data/</path>
    <tmp_path>{self.folder}/data/tmp/</tmp_path>
    <users_config>{self.folder}/users.xml</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>
    <timezone>UTC</timezone>
    <mark_cache_size>67108864</mark_cache_size>
    <macros><shard>{self.shard}</shard><replica>{self.replica}</replica></macros>
    <zookeeper>
        <session_timeout_ms>{SESSION_SECONDS * 1_000}</session_timeout_ms>
        <node><host>127.0.0.1</host><port>{keeper.port}</port></node>
    </zookeeper>
    <remote_servers><{CLUSTER}>{shards}</{CLUSTER}></remote_servers>
    <merge_tree><zookeeper_session_expiration_check_period>1</zookeeper_session_expiration_check_period></merge_tree>
    <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
</yandex>
"""
        )
        (self.folder / "users.xml").write_text(
            """<yandex>
    <profiles><default><background_pool_size>4</background_pool_size>
        <connect_timeout_with_failover_ms>2000</connect_timeout_with_failover_ms></default></profiles>
    <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
    <quotas><default/></quotas>
</yandex>
"""
        )

    def start(self) -> None:
        # A replica that finds its own former session tries again only after ten seconds.
        time.sleep(max(0.0, self.killed + SESSION_SECONDS + 1 - time.monotonic()) if self.killed else 0)
        super().start()

    def run(self, statement: str, rows: str = "", **settings) -> str:
        """The answer. Raises `Refused`, or one of `AWAY`."""
        query = urlencode({"query": statement, "wait_end_of_query": 1, **settings})
        # A statement ON CLUSTER waits up to 180 s for all hosts.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=200)
        try:
            connection.request("POST", f"/?{query}", rows)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(text)
        return text.strip()

    def await_queue(self) -> None:
        """TRICKY: a new host that is given a statement ON CLUSTER before it watches the queue of them dies of it."""
        watches = "SELECT value FROM system.metrics WHERE metric = 'ZooKeeperWatch'"
        wait_for("it watches the queue", lambda: self.number(watches) > 0)

    def number(self, question: str, **settings) -> int:
        return int(self.run(question, **settings))

    def files_with(self, text: str) -> list[Path]:
        """Files of its data in which the text stands."""
        found = []
        # TRICKY: unlike `rglob`, `walk` passes over folders that are merged away meanwhile.
        for folder, _, names in os.walk(self.folder / "data" / "data"):
            for path in (Path(folder, name) for name in names if name.endswith(".bin")):
                with contextlib.suppress(FileNotFoundError):
                    if text.encode() in path.read_bytes():
                        found.append(path)
        return found


class Replicas:
    """`hosts`: both of the first shard, then both of the second."""

    def __init__(self, folder: Path) -> None:
        script = subprocess.run([SCRIPT], stdout=subprocess.PIPE, text=True)
        assert script.returncode == 0, "what is missing stands above, on standard error"
        server = script.stdout.strip()
        folder.mkdir(exist_ok=True)
        self.keeper = Keeper(folder / "keeper")
        self.hosts = [
            Host(folder / f"host-{shard}-{replica}", server, shard, replica)
            for shard in (1, 2)
            for replica in ("one", "two")
        ]
        try:
            self.keeper.start()
            for host in self.hosts:
                host.configure(self.hosts, self.keeper)
                host.begin()
            for host in self.hosts:
                host.await_port()
                host.await_queue()
        except BaseException:
            self.close()
            raise

    def start_missing(self) -> None:
        for one in [self.keeper, *self.hosts]:
            if one.process is None:
                one.start()

    def close(self) -> None:
        for one in [*self.hosts, self.keeper]:
            one.kill()

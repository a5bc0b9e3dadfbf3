"""A cluster of ClickHouse for tests: hosts with a shard each (`node.py`), and ZooKeeper as their Keeper. Data, statements
between hosts, and the recognition of repeated inserts are the real engine's.

Before each host is a proxy, since the library lacks one thing that the server program has: the queue of statements ON
CLUSTER. The proxy gives such a statement to every host instead. Everything else passes through as it is.

Prints the ports of the proxies in a line. Standard input: `stop N` and `start N` for a host, `empty N` for the disk of one
that was stopped, `close N` and `open N` for a host's proxy alone, each answered with a line. Everything ends when standard input does.

    ring.py SHARDS
"""

import http.client
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clickhouse_front"))

from bodies import read_body  # noqa: E402

CLUSTER = "ring"
ON_CLUSTER = f" ON CLUSTER `{CLUSTER}`".encode()


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens at {port}")


class Keeper:
    def __init__(self, folder):
        self.port = free_ports(1)[0]
        folder.mkdir()
        options = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.admin.enableServer=false", "-Dzookeeper.forceSync=no"]
        main = "org.apache.zookeeper.server.ZooKeeperServerMain"
        tick_ms = "500"
        command = ["java", *options, "-cp", "/usr/share/java/*", main, str(self.port), str(folder), tick_ms]
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.port)


class Host:
    def __init__(self, folder, number):
        self.folder, self.number = folder, number
        self.tcp, self.http = free_ports(2)
        folder.mkdir()
        self.process = None
        self.proxy = None
        self.port = 0

    def configure(self, hosts, keeper):
        shard = "<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>{}</port></replica></shard>"
        shards = "".join(shard.format(host.tcp) for host in hosts)
        (self.folder / "config.xml").write_text(
            f"""<clickhouse>
    <listen_host>127.0.0.1</listen_host>
    <tcp_port>{self.tcp}</tcp_port>
    <http_port>{self.http}</http_port>
    <macros><shard>{self.number}</shard><replica>one</replica></macros>
    <zookeeper>
        <session_timeout_ms>8000</session_timeout_ms>
        <node><host>127.0.0.1</host><port>{keeper.port}</port></node>
    </zookeeper>
    <remote_servers><{CLUSTER}>{shards}</{CLUSTER}></remote_servers>
</clickhouse>
"""
        )

    def start(self):
        with open(self.folder / "log", "ab") as log:
            command = [sys.executable, HERE / "node.py", self.folder]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def empty(self):
        shutil.rmtree(self.folder / "data")

    def open(self, hosts):
        class Handler(Proxy):
            host, others = self, hosts

        self.proxy = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.proxy.daemon_threads = True
        self.proxy.handle_error = lambda *_: None
        self.port = self.proxy.server_address[1]
        threading.Thread(target=self.proxy.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.proxy.shutdown()
        self.proxy.server_close()
        self.proxy = None

    def call(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.http)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600

    def do_GET(self):
        self.pass_on()

    def do_POST(self):
        self.pass_on()

    def pass_on(self):
        if self.host.proxy is None:
            self.close_connection = True
            return
        body = read_body(self)
        passed = ("content-type", "authorization", "x-clickhouse-user", "x-clickhouse-key")
        headers = {name: value for name, value in self.headers.items() if name.lower() in passed}
        hosts = [self.host]
        if ON_CLUSTER in body:
            body, hosts = body.replace(ON_CLUSTER, b"", 1), self.others
        # A host that is away would do it later; the caller may say that it does not wait for such.
        waits = b"distributed_ddl_task_timeout = 0" not in body
        status, answer = 200, (200, [], b"")
        for host in hosts:
            try:
                answer = host.call(self.command, self.path, headers, body)
            except OSError as problem:
                if host is self.host and len(hosts) == 1:
                    self.close_connection = True
                    return
                if waits:
                    answer = (500, [], f"Code: 159. DB::Exception: {problem}. (TIMEOUT_EXCEEDED)".encode())
            if answer[0] != 200:
                break
        status, received, content = answer
        self.send_response(status)
        for name, value in received:
            if name.lower().startswith("x-clickhouse") or name.lower() == "content-type":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def main():
    folder = Path(tempfile.mkdtemp(prefix="clickhouse-ring-"))
    processes = []
    try:
        keeper = Keeper(folder / "keeper")
        processes.append(keeper)
        hosts = [Host(folder / f"host-{number}", number) for number in range(1, int(sys.argv[1]) + 1)]
        processes += hosts
        for host in hosts:
            host.configure(hosts, keeper)
            host.start()
        for host in hosts:
            wait_for(host.http)
            host.open(hosts)
        print(*(host.port for host in hosts), flush=True)
        for line in sys.stdin:
            command, number = re.fullmatch(r"(\w+) (\d+)\s*", line).groups()
            host = hosts[int(number)]
            if command == "open":
                host.open(hosts)
            elif command in ("start", "stop", "empty", "close"):
                getattr(host, command)()
            if command == "start":
                wait_for(host.http)
            print(command, number, flush=True)
    finally:
        for one in processes:
            if one.process:
                one.process.kill()
                one.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()

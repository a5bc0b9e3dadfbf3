"""An HTTP front of ClickHouse's engine (chdb), for tests: a statement and its data come in as they do to ClickHouse's own
server, and answers and errors go out alike. The engine behind it is the real one; the front decides nothing.

It speaks what the crate `clickhouse` sends: statements in the body, in the address (with the rows of an INSERT in the
body) or in a form with parameters; settings in the address; any format. No users, no compression.

Prints its port, and ends when its standard input does: with the test, however that ends. Without a folder the data is
deleted then.
"""

import email.parser
import email.policy
import os
import queue
import re
import shutil
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb

from bodies import read_body

# Parts of an address that are no settings.
NOT_SETTINGS = {"query", "default_format", "database", "query_id", "user", "password", "role"}


class Connections:
    """Connections to the one engine of this process, each used by one call at a time: settings belong to one."""

    def __init__(self, folder):
        self.folder = folder
        self.free = queue.LifoQueue()

    def take(self):
        try:
            return self.free.get_nowait()
        except queue.Empty:
            return chdb.connect(self.folder)

    def give_back(self, connection):
        self.free.put(connection)


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def read_form(content_type, body):
    """The fields of a form. They are split by hand: a parser of mails would change the ends of lines."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)[1].encode()
    fields = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part[2:].partition(b"\r\n\r\n")
        headers = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + b"\r\n\r\n", headersonly=True)
        fields[headers["Content-Disposition"].params["name"]] = value[:-2].decode()
    return fields


def named_queries(statement):
    """The engine numbers its queries itself: the caller's id is kept as the comment of a query."""
    if statement.lstrip().upper().startswith("KILL QUERY"):
        return re.sub(r"\bquery_id\b", "Settings['log_comment']", statement)
    return statement


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(200, b"Ok.\n")

    def do_POST(self):
        body = read_body(self)
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        content_type = self.headers.get("Content-Type", "")
        if content_type.startswith("multipart/form-data"):
            parameters |= read_form(content_type, body)
            body = b""
        try:
            self.answer(200, self.run(parameters, body))
        except Exception as problem:  # The engine's errors have no common class.
            text = str(problem)
            code = re.search(r"Code: (\d+)", text)
            self.answer(500, text.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "1002"})

    def run(self, parameters, body):
        connection = self.server.connections.take()
        settings = {name: value for name, value in parameters.items() if name not in NOT_SETTINGS}
        if parameters.get("query_id"):
            settings["log_comment"] = parameters["query_id"]
        changed = []
        try:
            database = parameters.get("database", "default").replace("\\", "\\\\").replace("`", "\\`")
            connection.query(f"USE `{database}`")
            for name in settings:
                if not re.fullmatch(r"\w+", name):
                    raise ValueError(f"Code: 115. DB::Exception: {name!r} is no setting")
            if settings:
                connection.query("SET " + ", ".join(f"{name} = {literal(value)}" for name, value in settings.items()))
                changed = [name for name in settings if not name.startswith("param_")]
            statement = parameters.get("query", "")
            insert = re.fullmatch(r"(?s)(INSERT INTO .*) FORMAT (\w+)\s*", statement)
            if insert:
                rows = connection.send_insert(insert[1], insert[2])
                if body:
                    rows.append(body)
                rows.finish()
                return b""
            statement = named_queries(statement or body.decode())
            return connection.query(statement, parameters.get("default_format", "TabSeparated")).bytes()
        finally:
            if changed:
                connection.query("SET " + ", ".join(f"{name} = DEFAULT" for name in changed))
            self.server.connections.give_back(connection)

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A caller that hangs up is part of some tests."""


def main():
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = Server(("127.0.0.1", port), Handler)
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="clickhouse-")
    server.connections = Connections(folder)
    # The engine belongs to the process as long as one connection is open.
    server.connections.give_back(server.connections.take())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.buffer.read()
    if len(sys.argv) == 1:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


main()

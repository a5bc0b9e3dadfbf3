"""Servers of two versions: a newer one changes the databases that servers share only while no other one runs, and says which have to be
stopped; an older one does not start on newer databases, and goes on if it runs."""

import http.client
import re


from clickhouse import ClickHouse
from cluster import listed
from posting import create_project, post, read_paths, settle
from server import Server

# Undoes the second and the third version of the database.
TO_VERSION_1 = """
    DROP TABLE taken_batches; DROP SEQUENCE erasures_noted; DROP FUNCTION tell_servers CASCADE; DROP FUNCTION tell_routes CASCADE; DROP SEQUENCE barriers;
    DROP TABLE servers, leader, heartbeat_signals; UPDATE version SET number = 1
"""

def run_in_clickhouse(clickhouse: ClickHouse, statement: str) -> None:
    port = int(re.search(r":(\d+)/", clickhouse.url)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/?database=stats", body=statement.encode())
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def check_refused(server: Server, *words: str) -> None:
    said = len(server.log())
    server.start(wait=False)
    assert server.process.wait(90) != 0
    for expected in words:
        assert expected in server.log()[said:], server.log()[said:]


def test_databases_are_changed_while_no_other_server_runs(servers, postgres, clickhouse):
    settings = {"meta": postgres.url, "hits": clickhouse.url, "registration": "open"}
    one, other, third = (servers(f"data{number}", **settings) for number in range(3))
    one.start()
    other.start()
    _, key = create_project(one, "shop")
    post(one, key, ["/before"])
    settle(one)

    # The third is of a newer version, as its databases are older than it; and the two others are of that older version.
    stop_all = "Stop all servers, start one of this version"
    postgres.run("UPDATE version SET number = 1")
    check_refused(third, "node 0 (0.1.0), node 1 (0.1.0)", stop_all)
    assert postgres.run("SELECT number FROM version") == ["1"]
    postgres.run("UPDATE version SET number = 3")
    run_in_clickhouse(clickhouse, "TRUNCATE TABLE versions")
    run_in_clickhouse(clickhouse, "INSERT INTO versions VALUES (1)")
    check_refused(third, "node 0 (0.1.0), node 1 (0.1.0)", stop_all)
    for server in (one, other):
        post(server, key, [f"/{server.port}"])
        settle(server)
    paths = ["/before", *(f"/{server.port}" for server in (one, other))]
    assert read_paths(one, key) == sorted(paths)

    # All are stopped: the first one that starts changes both.
    one.stop()
    other.stop()
    postgres.run(TO_VERSION_1)
    third.start()
    assert "the databases were brought to this version" in third.log()
    assert postgres.run("SELECT number FROM version") == ["3"]
    other.start()
    assert sorted(listed(other)) == [1, 2]
    for server in (third, other):
        assert read_paths(server, key) == sorted(paths)

    # Now the databases are those of a newer version: this one goes on, and does not start again.
    postgres.run("UPDATE version SET number = 99")
    post(other, key, ["/after"])
    settle(other)
    assert read_paths(third, key) == sorted([*paths, "/after"])
    other.stop()
    check_refused(other, "has version 99, and this program knows 3: use the newer program again")
    assert read_paths(third, key) == sorted([*paths, "/after"])

"""Hits in ClickHouse: kills of the server and of ClickHouse lose nothing, double nothing and bring nothing back."""

import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import time

import pytest
import trustme

from crash_load import Load
from posting import create_key, create_project, post, read_paths, settle, wait_for
from relay import EncryptedRelay
from server import binary, clean_environment, must_run, run
from test_crash import check_all, is_deleting, is_raising, is_waiting_for_nothing

ROUNDS = int(os.environ.get("CRASH_ROUNDS_CLICKHOUSE", "8"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def test_kills_of_the_server_and_of_clickhouse(servers, clickhouse):
    print(f"CRASH_SEED={SEED} CRASH_ROUNDS_CLICKHOUSE={ROUNDS}", file=sys.stderr)
    chance = random.Random(SEED)
    server = servers(hits=clickhouse.url, project_creations_per_hour=1_000).start()
    load = Load(server.port, [create_key(server) for _ in range(3)], SEED)
    load.start(posters=2, erasers=1)
    for number in range(ROUNDS):
        time.sleep(chance.random() * 2)
        # Each of the two, and both.
        kills_server, kills_clickhouse = number % 4 != 1, number % 4 != 0
        if kills_clickhouse:
            clickhouse.kill()
        if kills_server:
            server.kill()
            # A server starts without ClickHouse, and takes batches.
            server.start()
        if kills_clickhouse:
            time.sleep(chance.random())
            clickhouse.start()
        load.check()
    load.finish()
    print(f"{ROUNDS} kills", dict(load.counts), file=sys.stderr)
    settle(server)
    wait_for("the erasures are true", lambda: is_waiting_for_nothing(server, "erasures"), seconds=120)
    wait_for("the deletions are true", lambda: not is_deleting(server), seconds=120)
    wait_for("the privacy levels are true", lambda: not is_raising(server), seconds=120)
    wait_for("the problems are over", lambda: not server.problems())
    check_all(server, load)
    for what in ("erasures", "deletions", "repeated batches", "tries that broke", "reads"):
        assert load.counts[what], f"the load never met {what}"


def test_the_settings_are_needed_and_a_password_is_kept_secret(servers, clickhouse, tmp_path):
    server = servers(hits=clickhouse.url).start()
    create_key(server)
    server.stop()
    wrong = clickhouse.url.replace("://", "://tests:needle@")
    refused = run("serve", "--data", server.data, "--hits", wrong, "--listen", "127.0.0.1:0")
    assert refused.returncode != 0 and "hits_password_file" in refused.stderr and "needle" not in refused.stderr
    # Another folder is another node.
    refused = run("serve", "--data", tmp_path / "second", "--hits", clickhouse.url, "--listen", "127.0.0.1:0")
    assert refused.returncode != 0 and "as node 0" in refused.stderr, refused.stderr
    refused = run("repair", "--data", server.data, "--hits", clickhouse.url)
    assert refused.returncode != 0 and "in ClickHouse" in refused.stderr, refused.stderr


def test_the_connection_can_be_encrypted_and_the_host_is_verified(servers, clickhouse, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    port = int(re.search(r":(\d+)/", clickhouse.url)[1])
    relay = EncryptedRelay(port, context)
    server = servers(hits=f"clickhouse://localhost:{relay.port}/stats?secure=true")
    # As a system has its authorities.
    server.environment["SSL_CERT_FILE"] = str(tmp_path / "authority.pem")
    server.start()
    key = create_key(server)
    post(server, key, ["/a"])
    settle(server)
    assert read_paths(server, key) == ["/a"]
    assert relay.connections
    server.stop()

    # To one who does not know the authority, it is as if ClickHouse were away: batches wait.
    del server.environment["SSL_CERT_FILE"]
    server.start()
    post(server, key, ["/b"])
    wait_for("the reason is said", lambda: "certificate" in str(server.problems()))
    answer = server.call("GET", "/api/v1/dashboard", key=key)
    assert answer.status == 503, answer.body
    server.stop()
    server.environment["SSL_CERT_FILE"] = str(tmp_path / "authority.pem")
    server.start()
    settle(server)
    assert read_paths(server, key) == ["/a", "/b"]
    server.stop()
    relay.close()


def test_hits_move_to_clickhouse_and_back_through_kills(servers, clickhouse):
    server = servers(registration="open").start()
    keys = [create_project(server, name)[1] for name in ("shop", "mail")]
    paths = {key: [f"/{name}/{n}" for n in range(count)] for key, name, count in zip(keys, "ab", (6_000, 40))}
    for key in keys:
        for at in range(0, len(paths[key]), 500):
            post(server, key, paths[key][at : at + 500], user="kept")
    post(server, keys[0], ["/erased"], user="gone")
    server.call("DELETE", "/api/v1/consumers/u:gone", key=keys[0]).must()
    to = ["migrate", "--data", server.data, "--to", clickhouse.url]
    server.stop()
    kill_some(to)
    said = must_run(*to)
    assert "6040 hits of 2 projects" in said and f"--hits {clickhouse.url}" in said, said
    refused = run("serve", "--data", server.data, "--listen", "127.0.0.1:0")
    assert refused.returncode != 0 and "ClickHouse" in refused.stderr
    server.settings["hits"] = clickhouse.url
    server.start()
    for key in keys:
        assert read_paths(server, key) == sorted(paths[key])
        post(server, key, ["/new"], user="kept")
        paths[key].append("/new")
        wait_for("it goes on", lambda key=key: read_paths(server, key) == sorted(paths[key]))
    assert server.problems() == []
    server.stop()
    back = ["migrate", "--data", server.data, "--to", "files", "--hits", clickhouse.url]
    kill_some(back)
    assert "6042 hits of 2 projects" in must_run(*back)
    del server.settings["hits"]
    server.start()
    for key in keys:
        assert read_paths(server, key) == sorted(paths[key])
    assert server.problems() == []


def kill_some(command: list) -> None:
    for seconds in (0.05, 0.2, 0.4):
        moving = subprocess.Popen([binary(), *map(str, command)], stderr=subprocess.DEVNULL, env=clean_environment())
        time.sleep(seconds)
        moving.kill()
        moving.wait()


@pytest.mark.parametrize("loses", ["the folder", "both"])
def test_a_backup_of_the_folder_fits_the_hits_in_clickhouse(servers, clickhouse, tmp_path, loses):
    server = servers(hits=clickhouse.url, registration="open").start()
    number, key = create_project(server, "shop")
    post(server, key, ["/a"], user="kept")
    post(server, key, ["/erased"], user="gone")
    backup = tmp_path / "backup"
    must_run("backup", backup, "--data", server.data, "--hits", clickhouse.url)
    post(server, key, ["/b"], user="kept")
    settle(server)
    wait_for("it is seen", lambda: read_paths(server, key) == ["/a", "/b", "/erased"])
    if loses == "both":
        clickhouse.close()
        shutil.copytree(clickhouse.folder, tmp_path / "copy", symlinks=True)
        clickhouse.start()
        wait_for("it is back", lambda: not server.problems())
    # All of this happens after the backups.
    later, _ = create_project(server, "later")
    post(server, key, ["/c"], user="kept")
    server.call("DELETE", "/api/v1/consumers/u:gone", key=key).must()
    settle(server)
    server.stop()

    expected = ["/a", "/b", "/c"]
    if loses == "both":
        clickhouse.close()
        shutil.rmtree(clickhouse.folder)
        (tmp_path / "copy").rename(clickhouse.folder)
        clickhouse.start()
        expected = ["/a", "/b"]
    said = must_run("restore", backup, "--data", server.data, "--hits", clickhouse.url)
    assert "1 erasures" in said, said
    server.start()
    wait_for("the erasure is true", lambda: read_paths(server, key) == expected)
    post(server, key, ["/d"], user="kept")
    wait_for("it goes on", lambda: read_paths(server, key) == [*expected, "/d"])
    settle(server)
    assert create_project(server, "next")[0] > max(number, later), "a number is given once"
    server.stop()
    server.start()
    assert read_paths(server, key) == [*expected, "/d"]

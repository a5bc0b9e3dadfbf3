"""`examples/cluster`: its files name the same hosts, and the server's address names them all."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "cluster"


def test_the_files_of_the_example_name_the_same_hosts():
    compose = (EXAMPLE / "compose.yaml").read_text()
    services = re.findall(r"^  ([a-z0-9-]+):\n(?=    |.*<<)", compose, re.MULTILINE)
    clickhouse = {name for name in services if name.startswith("clickhouse-")}
    keepers = {name for name in services if name.startswith("keeper-")}
    assert len(clickhouse) == 4 and len(keepers) == 3

    config = ElementTree.parse(EXAMPLE / "clickhouse.xml").getroot()
    [cluster] = config.find("remote_servers")
    shards = [[host.text for host in shard.iter("host")] for shard in cluster.iter("shard")]
    assert sorted(sum(shards, [])) == sorted(clickhouse)
    for number, hosts in enumerate(shards, 1):
        assert all(host.startswith(f"clickhouse-{number}-") for host in hosts), hosts
        assert all(f'SHARD: "{number}", REPLICA: {host},' in compose for host in hosts)
    assert all(shard.findtext("internal_replication") == "true" for shard in cluster.iter("shard"))
    assert {node.findtext("host") for node in config.find("zookeeper")} == keepers

    keeper = ElementTree.parse(EXAMPLE / "keeper.xml").getroot().find("keeper_server")
    assert {server.findtext("hostname") for server in keeper.iter("server")} == keepers
    assert {node.findtext("port") for node in config.find("zookeeper")} == {keeper.findtext("tcp_port")}

    [(hosts, name)] = re.findall(r"HITS: clickhouse://stats@([^/]+)/stats\?cluster=(\w+)", compose)
    assert set(hosts.split(",")) == clickhouse and name == cluster.tag

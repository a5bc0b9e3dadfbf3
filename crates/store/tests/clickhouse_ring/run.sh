#!/usr/bin/env bash
# Starts a cluster of ClickHouse for tests (`ring.py`), and installs what it needs first: the engine into the cache, and
# ZooKeeper's classes from the system's packages, which begin no service. Prints the ports of its hosts. Ends when its
# standard input does.
#
#   run.sh SHARDS
#   API_ANALYTICS_CACHE=DIR  where the virtual environment is kept
set -euo pipefail
cd "$(dirname "$0")"
if [ ! -e /usr/share/java/zookeeper.jar ] || ! command -v java > /dev/null; then
  # Several tests may find it missing at once.
  install="apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless libzookeeper-java"
  run=(flock "${TMPDIR:-/tmp}/api-analytics-apt.lock" sh -c "export DEBIAN_FRONTEND=noninteractive; $install")
  [ "$(id -u)" = 0 ] || run=(sudo "${run[@]}")
  "${run[@]}" >&2
fi
venv="$(../../../../scripts/venv.sh ../clickhouse_front/requirements.txt clickhouse --no-deps --require-hashes)"
exec "$venv/bin/python" ring.py "$@"

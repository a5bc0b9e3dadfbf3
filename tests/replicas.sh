#!/usr/bin/env bash
# Installs what `replicas.py` runs, and prints the path of Debian's ClickHouse server. The package of the server would begin
# a service and add a user, so only its program is taken out of it, into the cache; libraries, Java and ZooKeeper's classes
# are packages that begin nothing.
#
#   API_ANALYTICS_CACHE=DIR  the cache
set -euo pipefail
fail() {
  echo "replicas.sh: $1. The tests of test_replicas.py need Debian 12's packages clickhouse-common, clickhouse-server," >&2
  echo "default-jre-headless and libzookeeper-java: let apt-get reach a Debian mirror, or run the other test files." >&2
  exit 1
}
folder="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/old-clickhouse"
mkdir -p "$folder"
exec 9> "$folder.lock"
flock 9
library() { ls /usr/lib/*/libclickhouse.so.18.16 2> /dev/null; }
as_root() {
  local run=(flock "${TMPDIR:-/tmp}/api-analytics-apt.lock" sh -c "export DEBIAN_FRONTEND=noninteractive; $1")
  [ "$(id -u)" = 0 ] || run=(sudo "${run[@]}")
  "${run[@]}" >&2
}
if ! library > /dev/null || [ ! -e /usr/share/java/zookeeper.jar ] || ! command -v java > /dev/null; then
  as_root "apt-get update -qq && apt-get install -y -qq --no-install-recommends clickhouse-common default-jre-headless libzookeeper-java" ||
    fail "apt-get could not install libraries"
fi
server="$folder/usr/sbin/clickhouse-server"
if [ ! -e "$server" ]; then
  package="$(mktemp -d)"
  trap 'rm -rf "$package"' EXIT
  download() { (cd "$package" && apt-get -o APT::Sandbox::User=root download -qq clickhouse-server) >&2; }
  # The lists may be missing, or too old for the mirror.
  download || { as_root "apt-get update -qq" && download; } || fail "apt-get could not download the server"
  dpkg -x "$package"/clickhouse-server_*.deb "$folder"
fi
echo "$server"

#!/usr/bin/env bash
# Runs a PostgreSQL server for tests, which listens on nothing but a socket in a new folder. For each line of standard
# input it makes an empty database of that name and prints its address. Everything goes when standard input ends, so also
# when the test is killed.
set -euo pipefail

find_server() { ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1; }
if [ -z "$(find_server)" ]; then
  install="apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql"
  if [ "$(id -u)" != 0 ]; then
    echo "the tests need PostgreSQL's server. As root: $install" >&2
    exit 1
  fi
  # The package would begin a server of its own.
  mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
  flock /tmp/api-analytics-apt.lock bash -c "export DEBIAN_FRONTEND=noninteractive; $install" >&2
fi
bin=$(find_server)

folder=$(mktemp -d /tmp/api-analytics-postgres.XXXXXX)
cleanup() {
  [ -z "${server:-}" ] || kill -QUIT "$server" 2> /dev/null || true
  [ -z "${server:-}" ] || wait "$server" 2> /dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT

# The server refuses to run as root.
run=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  run=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
cd "$folder"
"${run[@]}" "$bin/initdb" --pgdata="$folder/data" --username=tests --auth=trust --encoding=UTF8 --no-sync > "$folder/log" 2>&1 ||
  { cat "$folder/log" >&2; exit 1; }
"${run[@]}" "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses='' -c fsync=off -c synchronous_commit=off \
  -c full_page_writes=off -c max_connections=400 -c shared_buffers=32MB < /dev/null > "$folder/log" 2>&1 &
server=$!
for _ in $(seq 300); do
  if "$bin/psql" --host="$folder" --username=tests --dbname=postgres --command='SELECT 1' > /dev/null 2>&1; then
    while read -r name; do
      "$bin/createdb" --host="$folder" --username=tests "$name"
      echo "postgres://tests@localhost/$name?host=$folder"
    done
    exit 0
  fi
  kill -0 "$server" 2> /dev/null || break
  sleep 0.1
done
cat "$folder/log" >&2
exit 1

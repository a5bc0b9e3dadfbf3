#!/usr/bin/env bash
# Runs a PostgreSQL server for tests, which listens on nothing but a socket in a new folder. For each line of standard
# input it makes an empty database of that name and prints its address; `-stop` and `-start` stop it as a crash would, and
# start it again. Everything goes when standard input ends, so also when the test is killed.
set -euo pipefail

# The folder of the newest server's programs; one with a client alone does not count.
find_server() { ls /usr/lib/postgresql/*/bin/postgres 2> /dev/null | sort -V | tail -n 1 | xargs -r dirname; }
if [ -z "$(find_server)" ]; then
  # The package would begin a server of its own; several tests may find it missing at once.
  install="mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf && \
    apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql"
  run=(flock "${TMPDIR:-/tmp}/api-analytics-apt.lock" sh -c "export DEBIAN_FRONTEND=noninteractive; $install")
  [ "$(id -u)" = 0 ] || run=(sudo "${run[@]}")
  "${run[@]}" >&2
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
start() {
  "${run[@]}" "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses='' -c fsync=off -c full_page_writes=off \
    -c max_connections=400 -c shared_buffers=32MB < /dev/null > "$folder/log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    "$bin/psql" --host="$folder" --username=tests --dbname=postgres --command='SELECT 1' > /dev/null 2>&1 && return
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  cat "$folder/log" >&2
  exit 1
}

start
while read -r line; do
  case "$line" in
    -stop) kill -QUIT "$server"; wait "$server" || true; echo stopped ;;
    -start) start; echo started ;;
    *)
      "$bin/createdb" --host="$folder" --username=tests "$line"
      echo "postgres://tests@localhost/$line?host=$folder"
      ;;
  esac
done

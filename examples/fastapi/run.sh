#!/usr/bin/env bash
# Runs the shop and its customers against the server on this machine: `make example`.
#
#   API_ANALYTICS_SERVER_URL=http://127.0.0.1:8080   the server
#   API_ANALYTICS_KEY                                 a key of yours; without it, a new project is made
#   SHOP_PORT=8000  SECONDS_OF_TRAFFIC=60
set -euo pipefail
cd "$(dirname "$0")"
export API_ANALYTICS_SERVER_URL="${API_ANALYTICS_SERVER_URL:-http://127.0.0.1:8080}"
port="${SHOP_PORT:-8000}"
seconds="${SECONDS_OF_TRAFFIC:-60}"
server="$API_ANALYTICS_SERVER_URL"
python="${PYTHON:-python3}"

get() { # prints the body; fails when the server is not there or refuses
  "$python" -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())' "$1" 2> /dev/null
}

if ! get "$server/api/health" > /dev/null; then
  cat >&2 << END
There is no API Analytics server at $server.
Start one in another terminal, from the top of the checkout:

    make run

and run this again. If yours is elsewhere: API_ANALYTICS_SERVER_URL=http://host:port make example
END
  exit 1
fi

if [ -z "${API_ANALYTICS_KEY:-}" ]; then
  # The answer is a JSON string; closed registration refuses.
  if ! API_ANALYTICS_KEY="$(get "$server/api/generate" | tr -d '"[:space:]')" || [ -z "$API_ANALYTICS_KEY" ]; then
    echo "$server gives no new keys (registration is closed): set API_ANALYTICS_KEY to one of yours." >&2
    exit 1
  fi
fi
export API_ANALYTICS_KEY

bin="$(../../scripts/venv.sh requirements.txt python-example)/bin"
wheel="../../$(../../sdk/python/build.sh)"
"$bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps --no-index "$wheel"

"$bin/python" -m uvicorn shop:app --port "$port" --log-level warning > shop.log 2>&1 &
shop=$!
# The shop ends by the signal, which is not how this ends.
trap 'kill $shop 2> /dev/null || true; wait $shop 2> /dev/null || true' EXIT
for _ in $(seq 100); do
  kill -0 $shop 2> /dev/null || { cat shop.log >&2; exit 1; }
  get "http://127.0.0.1:$port/health" > /dev/null && break
  sleep 0.1
done

cat << END
The shop is at http://127.0.0.1:$port/docs, and customers come for $seconds seconds (Ctrl-C ends it).
Its errors, which it has on purpose, are in examples/fastapi/shop.log.

What the server knows of it, newest requests and all:

    curl -s -H "X-AUTH-TOKEN: $API_ANALYTICS_KEY" "$server/api/v1/hits?limit=5"
    curl -s -H "X-AUTH-TOKEN: $API_ANALYTICS_KEY" "$server/api/data?compact=true"
    curl -s -H "X-AUTH-TOKEN: $API_ANALYTICS_KEY" "$server/api/data?status=500"

The page of the server, where this key opens its project: $server/

END
"$bin/python" traffic.py "http://127.0.0.1:$port" --seconds "$seconds"

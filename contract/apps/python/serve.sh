#!/usr/bin/env bash
# Serves an app of this folder, with the newest frameworks or with those of VENV.
#
#   serve.sh uvicorn|gunicorn|uwsgi|waitress MODULE:APP [OPTION...]
#   serve.sh python SCRIPT
set -euo pipefail
cd "$(dirname "$0")"
server="$1" app="$2"
shift 2
python="$(realpath -s "${VENV:-newest}")/bin/python"
case "$server" in
  uvicorn) exec "$python" -m uvicorn --host 127.0.0.1 --port "$PORT" --log-level critical "$@" "$app" ;;
  gunicorn) exec "$python" -m gunicorn --bind "127.0.0.1:$PORT" --log-level critical --keep-alive 20 "$@" "$app" ;;
  uwsgi) exec "$python" -c 'import pyuwsgi, sys; pyuwsgi.run(sys.argv[1:])' \
    --http-socket "127.0.0.1:$PORT" --wsgi "$app" --need-app --master --die-on-term --disable-logging "$@" 2> /dev/null ;; # it prints a lot at its start
  # It does nothing about SIGTERM, which would end it as it ends any program. So the client's README advises this.
  waitress) exec "$python" -c 'import signal, sys, waitress.runner
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
waitress.runner.run(["waitress-serve", *sys.argv[1:]])' --listen "127.0.0.1:$PORT" "$@" "$app" ;;
  python) exec "$python" "$app" ;;
esac

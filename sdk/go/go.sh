#!/usr/bin/env bash
# Runs Go with its modules and compiled packages in the cache, and no other toolchain than the installed one: go.sh FOLDER ARGUMENTS
set -euo pipefail
command -v go > /dev/null || { echo "the Go client is tested with Go 1.25 or later, which is missing" >&2; exit 1; }
cache="${API_ANALYTICS_CACHE:-$HOME/.cache/api-analytics}/go"
export GOCACHE="$cache/build" GOMODCACHE="$cache/mod" GOTOOLCHAIN=local GOWORK=off
cd "$1"
exec go "${@:2}"

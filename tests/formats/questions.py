"""Queries for a folder of any format, whose answers depend only on its hits."""

from server import Server

SPAN = "from=2026-11-18T00:00:00Z&to=2026-11-25T00:00:00Z"
QUESTIONS = {
    "whole files": f"/api/v1/dashboard?{SPAN}",
    "whole days": "/api/v1/dashboard?from=2026-11-19T00:00:00Z&to=2026-11-22T00:00:00Z",
    "a zone": f"/api/v1/dashboard?{SPAN}&tz=Asia/Kathmandu",
    "parts of days": "/api/v1/dashboard?from=2026-11-19T07:15:00Z&to=2026-11-21T13:30:00Z",
    "errors": f"/api/v1/dashboard?{SPAN}&q=status:5xx",
    "a consumer": f"/api/v1/dashboard?{SPAN}&q=consumer:u:user-1",
    "a path": f"/api/v1/dashboard?{SPAN}&q=path:/v1/things/1*",
    "hosts": "/api/v1/fields/host/values?prefix=api&period=all",
    "newest hits": f"/api/v1/hits?{SPAN}&limit=30",
}


def ask_all(server: Server, key: str) -> dict[str, object]:
    return {name: server.call("GET", path, key=key).must().json() for name, path in QUESTIONS.items()}

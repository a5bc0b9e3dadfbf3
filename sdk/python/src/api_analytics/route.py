"""Finds the route's template (`/users/{id}`) in what the router left in the request's scope.

Frameworks differ, and between versions too:

* FastAPI puts its route into the scope. Up to the versions that copy included routers that route's
  template is whole; later ones share one route between inclusions and keep the whole template in a
  context of their own, read here where it is.
* Starlette puts its route there only from 1.x on, before that just the endpoint: then the routing
  table is searched, once per endpoint.
* Litestar leaves its template as ``path_template``; hooks of ours leave those of other frameworks.
* A mount moves part of the path into `root_path`; old versions cut it from `path`, newer don't.

What cannot be decided is None: the server then derives a route from the path. A wrong template
would be worse than none, so every template is held against the path before it is used.
"""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Optional

from api_analytics.recorder import ROUTE
from api_analytics.template import from_braces


class RouteFinder:
    """One per middleware, because it caches the routing table of its app."""

    def __init__(self) -> None:
        self._router: Any = None
        self._size = -1
        self._by_endpoint: dict[int, list[str]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}

    def find(
        self, scope: "MutableMapping[str, Any]", path: str, root_path: str, status: int
    ) -> Optional[str]:
        """The template of the request that `scope` tells of after the app has seen it.

        `path` and `root_path` are what they were before: routers change them.
        """
        route = scope.get("route")
        own = scope.get("fastapi")
        context = own.get("effective_route_context") if own else None
        if context is not None and (
            route is None or getattr(context, "original_route", None) is route
        ):
            inner = getattr(context, "starlette_route", None)
            template = getattr(inner, "path_format", None) or getattr(context, "path_format", None)
        elif route is not None:
            template = getattr(route, "path_format", None)
        else:
            left_by_hook = scope.get(ROUTE) or scope.get("path_template")
            if left_by_hook:
                whole = from_braces(left_by_hook)
                return whole if self._fits(whole, path) else None
            return self._find_by_endpoint(scope, path, root_path, status)

        prefix = ""
        root_after = scope.get("root_path") or ""
        if root_after:
            prefix = _mounted_at(scope, path, root_path, root_after, template or "")
        if route is not None and not hasattr(route, "endpoint"):
            # A mount whose content we cannot inspect: static files, or a stranger's app. Without a
            # mount's prefix it is a `Host`, whose template is not a path.
            return f"{prefix}/{{path}}" if prefix and status != 404 else None
        if not template:
            return None
        whole = prefix + template if prefix else template
        if whole.count("/") == path.count("/") or self._fits(whole, path):
            return str(whole)
        return None

    def _find_by_endpoint(
        self, scope: "MutableMapping[str, Any]", path: str, root_path: str, status: int
    ) -> Optional[str]:
        endpoint = scope.get("endpoint")
        router = scope.get("router")
        if endpoint is None or router is None:
            return None
        known = self._templates_of(endpoint, router)
        base = root_path if root_path and path.startswith(root_path + "/") else ""
        for template in known:
            if template.endswith("/{path}") and status == 404:
                continue
            if self._fits(base + template, path):
                return base + template
        return None

    def _templates_of(self, endpoint: Any, router: Any) -> list[str]:
        found = self._by_endpoint.get(id(endpoint)) if router is self._router else None
        if found is None:
            size = len(getattr(router, "routes", ()))
            if router is self._router and size == self._size:
                return []
            # Holds the router, so that an id in the table stays that endpoint's.
            self._router, self._size, self._by_endpoint = router, size, {}
            _collect(getattr(router, "routes", ()), "", self._by_endpoint, 0)
            found = self._by_endpoint.get(id(endpoint), [])
        return found

    def _fits(self, template: str, path: str) -> bool:
        pattern = self._patterns.get(template)
        if pattern is None:
            if len(self._patterns) > 10_000:  # a template per tenant, say
                self._patterns.clear()
            literal = re.split(r"\{[^{}]*\}", template)
            pattern = re.compile(".+".join(map(re.escape, literal)).replace("/.+", "/.*"), re.S)
            self._patterns[template] = pattern
        return pattern.fullmatch(path) is not None


def _mounted_at(
    scope: "MutableMapping[str, Any]", path: str, before: str, after: str, template: str
) -> str:
    """The template of the part of `path` that mounts (or a proxy's prefix) consumed."""
    if path.startswith(after) and path[len(after) : len(after) + 1] in ("", "/"):
        prefix = after
    elif after != before and after.startswith(before) and path.startswith(after[len(before) :]):
        prefix = after[len(before) :]
    else:
        return ""
    # A mount may take parameters. From the right, as the rightmost parameter was matched last.
    end = len(prefix)
    params: dict[str, Any] = scope.get("path_params") or {}
    for name in reversed(list(params)):
        if f"{{{name}}}" in template:
            continue
        segment = f"/{params[name]}"
        at = prefix.rfind(segment, 0, end)
        if at >= 0 and prefix[at + len(segment) : at + len(segment) + 1] in ("", "/"):
            prefix = f"{prefix[:at]}/{{{name}}}{prefix[at + len(segment) :]}"
            end = at
    return prefix


def _collect(
    routes: "Iterable[Any]", prefix: str, into: "dict[int, list[str]]", depth: int
) -> None:
    for route in routes:
        template = getattr(route, "path_format", None)
        if hasattr(route, "endpoint"):
            if isinstance(template, str):
                into.setdefault(id(route.endpoint), []).append(prefix + template)
            continue
        app = getattr(route, "app", None)
        if app is None or depth > 8:
            continue
        below = prefix
        if not hasattr(route, "host") and isinstance(template, str):
            below = prefix + template[: -len("/{path}")]
            into.setdefault(id(app), []).append(f"{below}/{{path}}")
        inner = app
        while not hasattr(inner, "routes") and hasattr(inner, "app"):
            inner = inner.app  # middleware around a mounted app
        _collect(getattr(inner, "routes", ()), below, into, depth + 1)

"""Turns each framework's spelling of a route's template into the one of hits: `/users/{id}`.

Types, constraints and regular expressions are left out, so that the same endpoint has the same name
in every framework. A template that has no such spelling is None: the server then derives one.
"""

import re
from functools import lru_cache
from typing import Optional

# A process has as many as its routing table; the bound is for tables made per tenant.
_CACHED = 4096

# <name>, <int:name>, <any(a, b):name>
_ANGLE = re.compile(r"<(?:[a-zA-Z_]\w*(?:\([^<]*?\))?:)?([a-zA-Z_]\w*)>")
# {name}, {name:int}, {name:path}
_BRACES = re.compile(r"\{([a-zA-Z_]\w*)(?::[^{}]*)?\}")
_REGEX = re.compile(r"[\^$\\()]")
_NAMED = re.compile(r"\(\?P<([a-zA-Z_]\w*)>")


@lru_cache(_CACHED)
def from_angles(rule: str) -> str:
    """Werkzeug's and Quart's: ``/users/<int:id>``."""
    return _with_slash(_ANGLE.sub(r"{\1}", rule))


@lru_cache(_CACHED)
def from_braces(rule: str) -> str:
    """Falcon's and Litestar's: ``/users/{id:int}``."""
    return _with_slash(_BRACES.sub(r"{\1}", rule))


@lru_cache(_CACHED)
def from_django(route: str) -> Optional[str]:
    """Django's: ``users/<int:id>/``, and of ``^users/(?P<id>[0-9]+)/$`` what is as plain."""
    if not _REGEX.search(route):
        return from_angles(route)
    plain = _without_regex(route)
    return None if plain is None else _with_slash(plain)


def _without_regex(route: str) -> Optional[str]:
    """A regular expression of literals and named groups as a template; None for any other."""
    parts = []
    at = 0
    while at < len(route):
        letter = route[at]
        group = _NAMED.match(route, at)
        angle = _ANGLE.match(route, at)
        if group:
            at = _end_of_group(route, at)
            if at < 0 or route[at : at + 1] in ("?", "*", "+", "{"):
                return None
            parts.append(f"{{{group[1]}}}")
            continue
        if angle:  # of a `path` that includes this `re_path`
            parts.append(f"{{{angle[1]}}}")
            at = angle.end()
            continue
        if route[at:] in ("/?$", "/?", r"/?\Z"):
            break
        if letter in "^$" or route.startswith(r"\Z", at):
            at += 1 if letter in "^$" else 2
            continue
        if letter == "\\" and route[at + 1 : at + 2] in tuple(".-/_"):
            parts.append(route[at + 1])
            at += 2
            continue
        if letter in "\\()[]{}.*+?|":
            return None
        parts.append(letter)
        at += 1
    return "".join(parts)


def _end_of_group(route: str, at: int) -> int:
    """The index after the group that begins at `at`; -1 if it does not end."""
    depth = 0
    in_class = False
    while at < len(route):
        letter = route[at]
        if letter == "\\":
            at += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return -1


def _with_slash(template: str) -> str:
    return template if template.startswith("/") else "/" + template

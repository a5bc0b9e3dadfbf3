"""The one logger. No handler is set on it: what is shown, and where, is the host's decision.

With no logging set up at all, Python shows warnings and errors on standard error, which is what a
wrong key deserves.
"""

import logging

logger = logging.getLogger("api_analytics")


def to_line(text: object, most: int = 200) -> str:
    """A server's text as a part of one line: nobody else's lines may appear in a log."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:most]).strip()

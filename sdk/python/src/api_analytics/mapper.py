"""Runs the user's mappers so that a bad one costs its own field and nothing else.

A mapper runs in the event loop (or the worker's thread) after the response has left, where request
state and context variables are still those of the request. Elsewhere its request would be over. So
a slow one cannot be waited out, only given a rest: after two slow calls in a row it is not asked
for a second, then two, up to a minute, and its field stays empty meanwhile.
"""

import time
from typing import Any, Callable, Optional

from api_analytics.hit import Text
from api_analytics.log import logger

SLOW_SECONDS = 0.02
LONGEST_REST_SECONDS = 60.0


class Mapper:
    """One mapping function of `Config` and its record so far."""

    __slots__ = ("_function", "_limit", "_name", "_rest", "_rests_until", "_slow_calls", "_told")

    def __init__(self, name: str, function: Callable[[Any], Any], limit: int) -> None:
        self._name = name
        self._function = function
        self._limit = limit
        self._slow_calls = 0
        self._rest = 1.0
        self._rests_until = 0.0
        self._told = False

    def __call__(self, request: Any) -> Text:
        """The field's value, or None if the mapper failed, is paused, or returned nothing."""
        began = time.perf_counter()
        if began < self._rests_until:
            return None
        try:
            value = self._function(request)
            text = value if value is None or type(value) is str else self._to_text(value)
        except Exception as error:
            # Not logger.exception: a traceback may print what the mapper was reading.
            self._tell("raised %s", type(error).__name__)
            return None
        ended = time.perf_counter()
        if ended - began >= SLOW_SECONDS:
            self._was_slow(ended, ended - began)
        elif self._slow_calls:
            self._slow_calls = 0
            self._rest = 1.0
        if text is not None and len(text) > self._limit:
            return text[: self._limit]
        return text

    def _to_text(self, value: Any) -> Text:
        if isinstance(value, (str, bytes)):
            return bytes(value) if isinstance(value, bytes) else str(value)
        close = getattr(value, "close", None)
        if hasattr(value, "__await__") and close is not None:
            close()  # else Python warns of a coroutine that was never awaited
            raise TypeError("a mapper must be a plain function, not a coroutine function")
        return str(value)

    def _was_slow(self, now: float, seconds: float) -> None:
        self._slow_calls += 1
        self._tell("took %.0f ms, which holds up requests", seconds * 1000)
        if self._slow_calls >= 2:
            self._rests_until = now + self._rest
            self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)

    def _tell(self, what: str, value: object) -> None:
        if not self._told:
            self._told = True
            logger.warning(
                "%s " + what + "; its field is left empty when that happens, said once",
                self._name,
                value,
            )


def to_mapper(name: str, function: Optional[Callable[[Any], Any]], limit: int) -> Optional[Mapper]:
    """None if the user set nothing: the client then reads the field itself."""
    return None if function is None else Mapper(name, function, limit)

"""A client: one key at one server, its waiting hits, and the effect of answers on them.

Apps in one process that use the same key, server, framework, privacy level and release share one.
Everything here runs in the background thread, or under the queue's lock where it says so.
"""

import gzip
import os
import time
from collections import deque
from typing import Any, Optional

from api_analytics.hit import Hit, to_json, to_rfc3339
from api_analytics.log import logger, to_line
from api_analytics.post import Answer, Connection, UnreachableError, to_backoff
from api_analytics.version import VERSION

MAX_BATCH = 500
# The server's memory of batches covers a day, so a later retry could be counted twice.
GIVE_UP_SECONDS = 24 * 3600.0
# A 413 halves later batches as well, but one huge hit must not reduce all of them to single hits.
MIN_BATCH = 50


class Batch:
    """Hits that are posted together, under one id over all retries."""

    __slots__ = ("batch_id", "dropped", "first_try", "hits", "in_flight")

    def __init__(self, hits: "deque[Hit]", dropped: int, first_try: float) -> None:
        self.batch_id = new_batch_id()
        self.hits = hits
        self.dropped = dropped
        self.first_try = first_try
        self.in_flight = False


class Client:
    """The hits of one key, and their progress."""

    def __init__(
        self, server_url: str, key: str, framework: str, privacy_level: int, release: str
    ) -> None:
        self.server_url = server_url
        self.framework = framework
        self.privacy_level = privacy_level
        self.release = release
        self.connection = Connection(server_url, key)
        self.stopped = False
        self.announced = False
        self.ever_kept = False
        self._told: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """The state of a forked child: waiting hits are posted by its parent."""
        self.waiting: deque[Hit] = deque()
        self.batches: deque[Batch] = deque()
        self.dropped = 0
        self.retry_at = 0.0
        self.asked_to_wait = False
        self._failures = 0
        self._max_batch = MAX_BATCH
        self.connection.close()

    def held(self) -> int:
        """Hits not acknowledged yet, without those still in the queue."""
        return len(self.waiting) + sum(len(batch.hits) for batch in self.batches)

    def drop_oldest(self) -> bool:
        """Makes room for one hit, under the queue's lock. What is on the wire stays whole.

        A batch keeps its name when it shrinks: had the server kept it after all, the name makes
        the rest a duplicate, and nothing is counted twice.
        """
        for batch in self.batches:
            if batch.hits and not batch.in_flight:
                batch.hits.popleft()
                self.dropped += 1
                return True
        if self.waiting:
            self.waiting.popleft()
            self.dropped += 1
            return True
        return False

    def clear_if_stopped(self) -> None:
        """Drops the hits of a refused key, under the queue's lock."""
        if self.stopped:
            self.waiting.clear()
            self.batches.clear()

    def next_batch(self) -> Optional[Batch]:
        """The oldest batch that failed before, else a new one, marked as on the wire. Under the
        queue's lock.
        """
        while self.batches:
            batch = self.batches[0]
            if batch.hits:
                batch.in_flight = True
                return batch
            self.dropped += batch.dropped
            self.batches.popleft()
        if not self.waiting:
            return None
        count = min(len(self.waiting), self._max_batch)
        hits = deque(self.waiting.popleft() for _ in range(count))
        batch = Batch(hits, self.dropped, time.monotonic())
        self.dropped = 0
        batch.in_flight = True
        self.batches.append(batch)
        return batch

    def send(self, batch: Batch) -> bool:
        """One try with a batch that is on the wire. True when it is settled, one way or another."""
        try:
            answer = self.connection.post(self._to_body(batch))
        except UnreachableError as error:
            return self._retry_later(batch, None, f"cannot reach {self.server_url} ({error})")
        return self._settle(batch, answer)

    def _settle(self, batch: Batch, answer: Answer) -> bool:
        status, body = answer.status, answer.body or {}
        if 200 <= status < 300:
            if not isinstance(body.get("accepted"), int):
                return self._retry_later(
                    batch, None, f"{self.server_url} answered, but not as API Analytics does"
                )
            self._was_kept(batch, body)
            return True
        said = f"{status} {to_line(body.get('code') or '', 64)}".strip()
        if status == 401:
            self.stopped = True
            logger.error(
                "%s does not know this api_key (%s): nothing more is posted until this process "
                "is started again with a valid key",
                self.server_url,
                said,
            )
            self._discard(batch)
            return True
        if status == 413:
            self._halve(batch, said)
            return True
        if status in (408, 429) or status >= 500:
            return self._retry_later(
                batch, answer.retry_after, f"{self.server_url} answered {said}"
            )
        hint = f", it points to {to_line(answer.location)}" if answer.location else ""
        why = to_line(body.get("message") or "")
        self._give_up(batch, f"{self.server_url} refused a batch with {said}{hint}: {why}")
        self._log_rejected(body)
        return True

    def _was_kept(self, batch: Batch, body: "dict[str, Any]") -> None:
        if self._failures:
            logger.info("posting to %s again", self.server_url)
        self._failures = 0
        self.retry_at = 0.0
        self.asked_to_wait = False
        self.ever_kept = True
        self._told.discard("retry")
        self._discard(batch)
        self._log_rejected(body)

    def _log_rejected(self, body: "dict[str, Any]") -> None:
        rejected = body.get("rejected")
        for one in rejected if isinstance(rejected, list) else ():
            reason = to_line(one.get("reason"), 64) if isinstance(one, dict) else "unknown"
            if len(self._told) < 100:
                self._warn_once(f"rejected {reason}", "a hit was rejected as %s, said once", reason)

    def _retry_later(self, batch: Batch, after: Optional[float], why: str) -> bool:
        now = time.monotonic()
        self._failures += 1
        self.asked_to_wait = after is not None
        self.retry_at = now + (to_backoff(self._failures) if after is None else after)
        if now - batch.first_try > GIVE_UP_SECONDS:
            self._give_up(batch, f"{why}, for {GIVE_UP_SECONDS / 3600:.0f} hours")
            return False
        batch.in_flight = False
        self._warn_once(
            "retry", "%s: keeping what waits and trying again, said once an outage", why
        )
        return False

    def _halve(self, batch: Batch, said: str) -> None:
        if len(batch.hits) <= 1:
            self._give_up(batch, f"{self.server_url} refused a single hit with {said}")
            return
        hits = list(batch.hits)
        half = len(hits) // 2
        self._max_batch = max(MIN_BATCH, min(self._max_batch, half))
        self.batches.popleft()
        # New ids: the server must not mistake a half for the whole.
        self.batches.appendleft(Batch(deque(hits[half:]), 0, batch.first_try))
        self.batches.appendleft(Batch(deque(hits[:half]), batch.dropped, batch.first_try))

    def _give_up(self, batch: Batch, why: str) -> None:
        # The next batch reports the dropped hits of a lost one, and its own.
        self.dropped += batch.dropped + len(batch.hits)
        lost = len(batch.hits)
        self._discard(batch)
        self._warn_once(f"gave up {why}", "%s: %d hits dropped, said once", why, lost)

    def _discard(self, batch: Batch) -> None:
        batch.hits.clear()
        if self.batches and self.batches[0] is batch:
            self.batches.popleft()

    def _warn_once(self, topic: str, message: str, *values: object) -> None:
        if topic not in self._told:
            self._told.add(topic)
            logger.warning(message, *values)

    def _to_body(self, batch: Batch) -> bytes:
        """The compressed JSON of one try: `sent_at` is new each time, `batch_id` is not."""
        hits = self._to_json(batch)
        shared = {
            "framework": self.framework,
            "privacy_level": self.privacy_level,
            "batch_id": batch.batch_id,
            "sdk": f"python/{VERSION}",
            "sent_at": to_rfc3339(time.time()),
            "dropped": batch.dropped,
        }
        if self.release:
            shared["release"] = self.release
        return gzip.compress(to_batch_json(shared, hits), 1)

    def _to_json(self, batch: Batch) -> "list[str]":
        hits = []
        bad = []
        for number, hit in enumerate(batch.hits):
            try:
                hits.append(to_json(hit))
            except Exception as error:
                # A mistake of ours, or of an app that sends a status that is none. The batch must
                # not wait for it for ever.
                bad.append(hit)
                self._warn_once("bad", "a request cannot be posted, said once: %r", error)
            if number % 50 == 49:
                time.sleep(0)  # lets the event loop's thread in, which else waits for 5 ms
        for hit in bad:
            batch.hits.remove(hit)
            batch.dropped += 1
        return hits


def new_batch_id() -> str:
    """A unique id of a batch: 128 random bits."""
    return os.urandom(16).hex()


def to_batch_json(shared: "dict[str, Any]", hits: "list[str]") -> bytes:
    """A batch as in `protocol.md`, from its hits' common fields and the hits as JSON."""
    import json  # noqa: PLC0415

    head = json.dumps(shared, separators=(",", ":"))
    return f'{head[:-1]},"requests":[{",".join(hits)}]}}'.encode()

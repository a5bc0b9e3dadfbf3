"""The waiting hits, and the one thread that posts them. One of each per process.

Recording a hit is an append to a deque and a comparison; all else happens in the thread. It is
started by the first hit, so that a server that forks its workers (gunicorn, also with --preload)
gets one in each worker; a fork in the middle leaves hits, thread and connection with the parent.
Bounded: at most `MAX_HELD` hits, whatever the server does. The oldest are dropped and counted.

TRICKY: `threading` is used by its attributes at call time, because gevent replaces them there.
"""

import atexit
import os
import random
import sys
import threading
import time
from collections import deque
from typing import Optional

from api_analytics.client import Client
from api_analytics.hit import Hit
from api_analytics.log import logger

MAX_HELD = 10_000
FLUSH_AT = 500
FIRST_FLUSH_SECONDS = 0.5
FLUSH_EVERY_SECONDS = 5.0
EXIT_SECONDS = 2.0


class _Waiter:
    __slots__ = ("all_sent", "done")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.all_sent = False


class Queue:
    """Everything that this process has recorded and no server has acknowledged yet."""

    def __init__(self) -> None:
        # Middleware appends here without a lock: both `append` and `len` are atomic. The same
        # object for the life of the process, so that its bound methods may be kept.
        self.incoming: deque[Hit] = deque()
        # The length of `incoming` from which `press` must be called.
        self.mark = 1
        self._clients: dict[tuple[str, str, str, int, str], Client] = {}
        self._exit_by: Optional[float] = None
        self._reset()
        atexit.register(self.flush_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def client(
        self, server_url: str, key: str, framework: str, privacy_level: int, release: str = ""
    ) -> Client:
        """The client of these settings; raises ValueError for an invalid address."""
        with self._lock:
            name = (server_url, key, framework, privacy_level, release)
            client = self._clients.get(name)
            if client is None:
                client = self._clients[name] = Client(*name)
            return client

    def press(self) -> None:
        """Call it when `incoming` is at least `mark` long: starts, wakes or makes room."""
        if self._thread is None:
            self._start()
        if len(self.incoming) > self._room:
            with self._lock:
                self._make_room()
        if len(self.incoming) >= FLUSH_AT and not self._wake.is_set():
            self._wake.set()

    def held(self) -> int:
        """Hits not yet acknowledged by a server."""
        with self._lock:
            return self._held()

    def flush(self, timeout: float) -> bool:
        """Posts what waits, now. False when something is left because it failed or took longer.

        One try, also during a backoff, but not before the time that a server asked for.
        """
        with self._lock:
            thread = self._thread
            if thread is None or self._held() == 0:
                return self._held() == 0
            waiter = _Waiter()
            self._waiters.append(waiter)
            self._wake.set()
        waiter.done.wait(max(timeout, 0.0))
        return waiter.all_sent

    def flush_at_exit(self) -> bool:
        """`flush` for the end of a process: two seconds in all, however often it is called.

        A server that has answered before may just be starting again, so it gets more tries; one
        that never did is probably not there, and a test suite should not wait for it.
        """
        now = time.monotonic()
        if self._exit_by is None or now > self._exit_by + 10.0:
            self._exit_by = now + EXIT_SECONDS
        while True:
            left = self._exit_by - time.monotonic()
            if left <= 0:
                return False
            if self.flush(left):
                return True
            if not any(client.ever_kept for client in list(self._clients.values())):
                return False
            time.sleep(min(0.2, max(0.0, self._exit_by - time.monotonic())))

    def _reset(self) -> None:
        self.incoming.clear()
        self.mark = 1
        self._room = MAX_HELD
        self._lock = threading.Lock()  # the old one may be held by a thread that the fork lost
        self._wake = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._waiters: list[_Waiter] = []
        self._exit_by = None
        for client in self._clients.values():
            client.reset()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            # Made here and not at import: gevent may have replaced its parts since.
            self._wake = threading.Event()
            thread = threading.Thread(target=self._run, name="api-analytics", daemon=True)
            self._thread = thread
            self._set_mark()
        # Outside the lock: under gevent this switches to the new "thread", which needs the lock.
        try:
            thread.start()
        except RuntimeError:  # too many threads, or the interpreter is exiting
            self._thread = None
            return
        _warn_without_threads()
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            # Children of multiprocessing leave through os._exit, which runs no atexit functions.
            from multiprocessing.util import Finalize  # noqa: PLC0415

            Finalize(None, self.flush_at_exit, exitpriority=0)

    def _run(self) -> None:
        due = time.monotonic() + FIRST_FLUSH_SECONDS
        while True:
            self._wake.wait(max(0.0, min(due, self._next_retry()) - time.monotonic()))
            self._wake.clear()
            with self._lock:
                waiters, self._waiters = self._waiters, []
            sent = False
            try:
                sent = self._round(forced=bool(waiters))
            except Exception:
                # Nobody else would see it, and the thread must survive it.
                logger.exception("a flush failed, said each time")
                time.sleep(1.0)
            for waiter in waiters:
                waiter.all_sent = sent
                waiter.done.set()
            due = time.monotonic() + FLUSH_EVERY_SECONDS * random.uniform(0.9, 1.1)

    def _round(self, forced: bool) -> bool:
        """One look at every client. True if nothing that was there at its start is left."""
        self._take_in()
        all_sent = True
        for client in list(self._clients.values()):
            now = time.monotonic()
            if client.retry_at > now and (client.asked_to_wait or not forced):
                all_sent = all_sent and client.held() == 0
                continue
            all_sent = self._deliver(client) and all_sent
        return all_sent

    def _deliver(self, client: Client) -> bool:
        while not client.stopped:
            with self._lock:
                batch = client.next_batch()
            if batch is None:
                return True
            settled = False
            try:
                settled = client.send(batch)
            finally:
                batch.in_flight = False
            with self._lock:
                client.clear_if_stopped()
                self._set_room()
            if not settled:
                return False
        return True

    def _take_in(self) -> None:
        """Hands each hit to its client. The room shrinks first, so that the sum is never above
        `MAX_HELD`, not even while it is moved.
        """
        with self._lock:
            count = len(self.incoming)
            self._room -= count
            for _ in range(count):
                hit = self.incoming.popleft()
                client = hit[0]
                if not client.stopped:
                    client.waiting.append(hit)
            self._set_room()

    def _make_room(self) -> None:
        while len(self.incoming) > self._room:
            fullest = max(self._clients.values(), key=Client.held)
            if not fullest.drop_oldest():
                self.incoming.popleft()[0].dropped += 1
            self._set_room()

    def _held(self) -> int:
        return len(self.incoming) + sum(client.held() for client in self._clients.values())

    def _set_room(self) -> None:
        self._room = MAX_HELD - sum(client.held() for client in self._clients.values())
        self._set_mark()

    def _set_mark(self) -> None:
        if self._thread is not None:
            self.mark = min(FLUSH_AT, self._room + 1)

    def _next_retry(self) -> float:
        # A copy, because another app of the process may be adding its client.
        clients = list(self._clients.values())
        return min((c.retry_at for c in clients if c.retry_at and c.batches), default=float("inf"))


def _warn_without_threads() -> None:
    """uWSGI keeps the interpreter's lock between requests unless it is told to run threads."""
    options = getattr(sys.modules.get("uwsgi"), "opt", None)
    if not options:
        return
    given = {name.decode() if isinstance(name, bytes) else name for name in options}
    if not given & {"enable-threads", "threads"}:
        logger.warning(
            "uWSGI runs no threads without --enable-threads: requests are posted only while "
            "others are answered, and at the end of the process"
        )


queue = Queue()

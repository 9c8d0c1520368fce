"""The threads that answer requests: whichever was idle last works next, and stays a moment.

Each thread has its own connection to the database. Taking turns, as an ordinary pool does, meets
pages that left the connection's cache long ago: reading cost a tenth more (`make bench`).
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

MOMENT_MS = 2
"""So long a thread waits for the next request on a connection, unless another waits for it."""
Job = tuple[Future[Any], Callable[[], Any]]


class WarmPool(Executor):
    """A pool of threads, taken from a stack; what finds none idle waits for the first."""

    def __init__(self, threads: int) -> None:
        """Have so many threads, each started when it is needed."""
        self._all = [ThreadPoolExecutor(1) for _ in range(threads)]
        self._idle = self._all.copy()
        self._waiting: deque[Job] = deque()
        self._lock = Lock()
        self._ended = False

    @property
    def is_wanted(self) -> bool:
        """Whether some work waits for a thread."""
        return bool(self._waiting)

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Let a thread work; return what will hold its result."""
        job: Job = (Future(), partial(work, *args, **named))
        with self._lock:
            if self._ended:
                raise RuntimeError("the pool has ended")
            thread = self._idle.pop() if self._idle else None
            if thread is None:
                self._waiting.append(job)
        if thread is not None:
            thread.submit(self._run, thread, job)
        return job[0]

    def _run(self, thread: ThreadPoolExecutor, job: Job | None) -> None:
        while job is not None:
            future, act = job
            failed, result = None, None
            if is_wanted := future.set_running_or_notify_cancel():
                try:
                    result = act()
                except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                    failed = error
            with self._lock:  # idle before anybody hears of it, so that what follows comes here
                job = self._waiting.popleft() if self._waiting else None
                if job is None:
                    self._idle.append(thread)
            if is_wanted and failed is not None:
                future.set_exception(failed)
            elif is_wanted:
                future.set_result(result)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as its base
        """Take no more work; wait for what runs, if wanted."""
        with self._lock:
            self._ended = True
            while cancel_futures and self._waiting:
                self._waiting.popleft()[0].cancel()
        for thread in self._all:
            thread.shutdown(wait, cancel_futures=cancel_futures)


class WarmWorker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's worker with threads, on a warm pool."""

    tpool: WarmPool

    def get_thread_pool(self) -> Executor:
        """Return the pool that answers requests."""
        return WarmPool(self.cfg.threads)

    def handle(self, conn: Any) -> Any:
        """Answer a request, and what follows on its connection within a moment.

        Handing the connection back to the thread that looks after all of them, and from there to
        one that answers, costs as much as a small page.
        """
        stays = super().handle(conn)
        while stays is True and self.alive and not self.tpool.is_wanted and _follows(conn):
            stays = super().handle(conn)
        return stays


def _follows(conn: Any) -> bool:
    """Tell whether the next request of a connection begins within a moment."""
    if conn.is_http2 or conn.parser.unreader.buf.getvalue():
        return False  # gunicorn looks after these by itself
    waiting = select.poll()
    waiting.register(conn.sock, select.POLLIN)
    return bool(waiting.poll(MOMENT_MS))

"""The threads that answer requests: whichever was idle last works next.

Each thread has its own connection to the database. Taking turns, as an ordinary pool does, meets
pages that left the connection's cache long ago: reading cost a tenth more (`make bench`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

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

    def get_thread_pool(self) -> Executor:
        """Return the pool that answers requests."""
        return WarmPool(self.cfg.threads)

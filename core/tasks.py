"""Work behind the pages: in a thread of a small site, by `obolo worker` on a large one.

A message in the queue is only a nudge (a name and ids) and may be lost or come twice: what is to
be done stands in the rows of whoever asked, and its periodic work finds what a nudge missed.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from huey import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.storage import MemoryStorage, PostgresStorage, SqliteStorage
from peewee import InterfaceError, OperationalError

from core import storage
from core.clock import now

log = logging.getLogger("obolo.tasks")

Id = str | int
Work = TypeVar("Work", bound=Callable[..., object])

RETRIES, RETRY_SECONDS, RETRY_FACTOR = 4, 10, 6
"""A task that fails is tried again after 10 seconds, then 1, 6 and 36 minutes."""
POLL_SECONDS = 0.2
STOP_SECONDS = 1.0
PATIENCE_SECONDS = 30
LONGEST_ID = 200
KEPT_SLOTS = 100
QUEUE_LOCK = 0x0B011
"""The number of PostgreSQL's advisory lock that is held while the queue's tables are made."""


class TaskFailed(Exception):
    """A task wanted to end its process; it is no more than a failed task."""


class _Json:
    """Messages as JSON: a queue into which somebody else wrote must never run code of theirs."""

    def serialize(self, message: Any) -> bytes:
        """Write what a task of ours carries."""
        eta = message.eta and message.eta.isoformat()
        pauses = (message.retries, message.retry_delay, message.retry_backoff)
        return msgspec.json.encode((message.id, message.name, eta, *pauses, message.args))

    def deserialize(self, data: bytes) -> Any:
        """Read it back."""
        kind = tuple[str, str, str | None, int, float, float, tuple[Id, ...]]
        fields = msgspec.json.decode(bytes(data), type=kind)
        task_id, name, eta, retries, delay, factor, arguments = fields
        return Message(
            id=task_id,
            name=name,
            eta=eta and datetime.fromisoformat(eta),
            retries=retries,
            retry_delay=delay,
            retry_backoff=factor,
            args=arguments,
            kwargs={},
        )


class _QueueConnection(sqlite3.Connection):
    """A connection to the queue that does not wait for the disk: a nudge may be lost."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute("PRAGMA synchronous = NORMAL")


class _Process:
    """What this process works with."""

    huey: Any = None
    nudge: Any = None
    consumer: Any = None
    periodic: threading.Thread | None = None
    stop = threading.Event()


_functions: dict[str, Callable[..., object]] = {}
_periods: dict[str, int] = {}
_process = _Process()
_closing = threading.Lock()


def configure(database: str | None, *, immediate: bool = False) -> None:
    """Choose where the queue lies, by the site's database URL.

    SQLite: `tasks.db` beside the site's file. PostgreSQL: tables `tasks_*` in the same database.
    None: in memory. `immediate` runs each task at once in the caller's thread, for tests.
    """
    stop_thread()
    if _process.huey is not None:
        _close_queue()
    huey = _queue(database, immediate=immediate)
    huey.on_shutdown("connections")(_close_connections)
    retries = {"retries": RETRIES, "retry_delay": RETRY_SECONDS, "retry_backoff": RETRY_FACTOR}
    _process.huey, _process.nudge = huey, huey.task(name="nudge", **retries)(_from_queue)


def task(name: str) -> Callable[[Work], Work]:
    """Register what does the work called `name`, such as `mail.deliver`, in place of any before."""

    def register(function: Work) -> Work:
        _functions[name] = function
        return function

    return register


def every(name: str, seconds: int, function: Callable[[], object]) -> None:
    """Do this every so many seconds, by one process only; `enqueue(name)` does it at once, too.

    Slots count from 1970 in UTC, so a day's work is due at midnight.
    """
    assert seconds >= 1
    _functions[name] = function
    _periods[name] = seconds


def only(works: Iterable[tuple[str, int, Callable[[], object]]]) -> None:
    """Have this periodic work, by name and seconds, and no other: that of a plugin may be gone."""
    wanted = list(works)
    for name in _periods.keys() - {name for name, _, _ in wanted}:
        del _periods[name], _functions[name]
    for name, seconds, function in wanted:
        every(name, seconds, function)


def periods() -> list[tuple[str, int, datetime | None]]:
    """Return all periodic work: its name, how often in seconds, when it was last taken up."""
    rows = storage.execute("SELECT name, MAX(at) FROM tasks_slot GROUP BY name").fetchall()
    last = {name: storage.instant(at) for name, at in rows}
    return [(name, seconds, last.get(name)) for name, seconds in sorted(_periods.items())]


def enqueue(name: str, *ids: Id) -> None:
    """Have work done soon, once the caller's transaction is stored. It never fails on the queue.

    A message carries ids only; what is behind them is read when the work is done. Periodic work
    that waits in the queue already is not put there again: it will see what was just stored.
    """
    for one in ids:
        assert isinstance(one, str | int), one
        assert len(str(one)) <= LONGEST_ID, one
    storage.after_commit(lambda: _put(name, ids, once=not ids and name in _periods))


def run_due(at: datetime) -> list[str]:
    """Do here and now the periodic work that is due and not taken; return the names."""
    taken = [name for name, slot in list(_slots(at)) if _claim(name, slot, at)]
    for name in taken:
        try:
            _work(name)
        except Exception:
            log.exception("task %s failed", name)
    return taken


def start_thread(workers: int = 2) -> None:
    """Start work in threads of this process, which end with it. It sets no signal handlers."""
    assert _process.consumer is None, "the threads run already"
    consumer = _process.consumer = _consumer(workers)
    consumer._set_signal_handlers = lambda: None  # noqa: SLF001 - only a main thread may set them
    consumer.start()
    _start_periodic(consumer.check_worker_health)


def stop_thread() -> None:
    """End the threads, within a second unless a task is at work; that one ends with the process."""
    consumer, _process.consumer = _process.consumer, None
    if consumer is None:
        return
    _stop_periodic()
    consumer.stop_flag.set()
    deadline = time.monotonic() + STOP_SECONDS
    for thread in (*(thread for _, thread in consumer.worker_threads), consumer.scheduler):
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("%s is still at work and ends with the process", thread.name)
    _close_queue()


def run_worker(workers: int = 4) -> None:
    """Work in the foreground until SIGTERM or SIGINT; a task at work has 30 seconds to end."""
    consumer = _consumer(workers)
    consumer._set_signal_handlers()  # noqa: SLF001 - it would do so after its threads are at work
    _start_periodic(lambda: None)  # this consumer looks after its threads itself
    try:
        consumer.run()
    finally:
        _stop_periodic()
        _close_queue()


def _queue(database: str | None, *, immediate: bool) -> Any:
    def queue(kind: type[Any], **place: Any) -> Any:
        return Huey(
            "obolo",
            results=False,
            serializer=_Json(),
            immediate=immediate,
            storage_class=kind,
            **place,
        )

    if database is None:
        return queue(MemoryStorage)
    if database.startswith("sqlite:///"):
        path = Path(database.removeprefix("sqlite:///")).with_name("tasks.db")
        return queue(SqliteStorage, filename=str(path), timeout=30, factory=_QueueConnection)
    dsn = database.replace("postgres://", "postgresql://", 1)
    with _queue_lock(dsn):
        return queue(PostgresStorage, dsn=dsn, table_prefix="tasks", read_timeout=POLL_SECONDS)


@contextmanager
def _queue_lock(dsn: str) -> Iterator[None]:
    """Let one process at a time make the queue's tables: PostgreSQL fails when two do."""
    import psycopg  # noqa: PLC0415 - only sites on PostgreSQL have it

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [QUEUE_LOCK])
        yield


def _consumer(workers: int) -> Any:
    return Consumer(
        _process.huey,
        workers=workers,
        periodic=False,
        initial_delay=POLL_SECONDS,
        max_delay=POLL_SECONDS,
        health_check_interval=2,
        shutdown_timeout=PATIENCE_SECONDS,
        graceful_signal="TERM",
    )


def _put(name: str, ids: tuple[Id, ...], *, once: bool = False, retries: int = RETRIES) -> None:
    assert _process.huey is not None, "tasks.configure was not called"
    queue, mark = _process.huey.storage, f"waiting:{name}"
    try:
        if once and (queue.has_data_for_key(mark) or not queue.put_if_empty(mark, b"")):
            return
        named_in_logs = storage.new_id(name)
        _process.huey.enqueue(_process.nudge.s(name, *ids, id=named_in_logs, retries=retries))
    except Exception:
        log.exception("task %s is not in the queue; its periodic work will find it", name)


def _from_queue(name: str, *ids: Id) -> None:
    if name in _periods:  # before the work, so that what is stored while it runs is not missed
        _process.huey.storage.delete_data(f"waiting:{name}")
    _work(name, *ids)


def _work(name: str, *ids: Id) -> None:
    function = _functions.get(name)
    if function is None:
        log.warning("nobody does the task %s: its plugin is off", name)
        return
    assert not storage.in_transaction(), "no transaction waits for a task"
    try:
        function(*ids)
    except (InterfaceError, OperationalError):
        storage.close()  # it may be dead; the next statement opens a new one
        raise
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise TaskFailed(f"{name} raised {type(error).__name__}") from error


def _slots(at: datetime) -> Iterator[tuple[str, int]]:
    present = int(at.timestamp())
    for name, seconds in sorted(_periods.items()):
        yield name, present - present % seconds


def _claim(name: str, slot: int, at: datetime) -> bool:
    """Take a slot of periodic work: the row's key lets one process have it."""
    with storage.transaction():
        row = {"name": name, "slot": slot, "at": storage.micros(at)}
        if not storage.insert("tasks_slot", row, ignore=True):
            return False
        oldest = slot - KEPT_SLOTS * _periods[name]
        storage.execute("DELETE FROM tasks_slot WHERE name = ? AND slot < ?", [name, oldest])
    return True


def _start_periodic(look_after: Callable[[], object]) -> None:
    stop = _process.stop = threading.Event()
    thread = threading.Thread(target=_tick, args=[stop, look_after], name="periodic", daemon=True)
    _process.periodic = thread
    thread.start()


def _stop_periodic() -> None:
    _process.stop.set()
    if _process.periodic is not None:
        _process.periodic.join(STOP_SECONDS)


def _tick(stop: threading.Event, look_after: Callable[[], object]) -> None:
    """Once a second put into the queue what is due and what nobody took."""
    seen: dict[str, int] = {}
    while not stop.is_set():
        try:
            look_after()
            for name, slot in _slots(now()):
                if seen.get(name) != slot and _claim(name, slot, now()):
                    _put(name, (), retries=0)
                seen[name] = slot
        except Exception:
            log.exception("periodic work could not be looked up")
            storage.close()
        stop.wait(1.0)
    storage.close()


def _close_connections() -> None:
    """Close what a thread of the consumer opened, before it ends."""
    storage.close()
    _close_queue()


def _close_queue() -> None:
    with _closing:  # huey's own check would let two threads close the same connection
        _process.huey.storage.close()

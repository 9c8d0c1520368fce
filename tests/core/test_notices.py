"""Plugins are told what happened, at least once, after the fact is stored."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
import time_machine

from core import checkout, hookimpl, notices, storage
from core.money import Money
from core.notices import PAUSES, tell, tell_due, untold
from core.orders import Line
from core.plugins import caller
from core.storage import execute, transaction
from tests.stand_in import READER, eur

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
LATER = timedelta(days=400)


class Plugin:
    """Listens to every fact, and fails while `error` is set."""

    def __init__(self, name):
        self.name, self.told, self.error = name, [], None

    @hookimpl
    def on_order_paid(self, order):
        self.told.append(order.id)
        if self.error:
            raise self.error

    @hookimpl
    def on_order_refunded(self, order, amount):
        self.told.append((order.id, amount))

    @hookimpl
    def on_dispute(self, order, status):
        self.told.append((order.id, status))


@pytest.fixture
def plugins(db):
    """Two plugins that listen, and one that does not."""
    both = Plugin("receipts"), Plugin("thanks")
    caller.load([(one.name, one) for one in both] + [("deaf", ModuleType("deaf"))])
    yield both
    caller.load([])


@pytest.fixture
def order(db):
    """An order of nothing, stored while nobody listens."""
    with transaction():
        free = Line("Free", eur(0), "income:posts")
        return checkout.start_order(READER, [free])


def say(order, hook="on_order_paid", cause="", **data):
    with transaction():
        tell(hook, cause or f"{order.id}:paid", order=order.id, **data)


def rows(columns="plugin, attempts"):
    found = execute(f"SELECT {columns} FROM notices_notice ORDER BY plugin").fetchall()
    return [tuple(row) for row in found]


def test_each_plugin_that_listens_is_told_once(order, plugins):
    """One row a plugin, one telling a row; the deaf one has none."""
    say(order)
    told = tell_due(datetime.now(UTC))

    assert told == 2
    assert [one.told for one in plugins] == [[order.id], [order.id]]
    assert tell_due(datetime.now(UTC) + LATER) == 0
    assert untold() == []
    assert rows("plugin") == [("receipts",), ("thanks",)]


def test_a_repeated_fact_is_told_once(order, plugins):
    """The cause names the fact, however often it is reported, before and after the telling."""
    say(order)
    say(order)
    tell_due(datetime.now(UTC))
    say(order)
    tell_due(datetime.now(UTC) + LATER)

    assert [one.told for one in plugins] == [[order.id], [order.id]]


def test_a_notice_carries_the_order_and_what_goes_with_the_fact(order, plugins):
    """Amounts come in the order's currency, a dispute with its status."""
    say(order, "on_order_refunded", "a", minor=20)
    say(order, "on_dispute", "b", status="pending")
    tell_due(datetime.now(UTC))

    assert plugins[0].told == [(order.id, Money(20, "EUR")), (order.id, "pending")]


def test_nobody_listens_and_nothing_is_stored(order):
    """A plugin enabled later is not told of what happened before."""
    caller.load([])
    say(order)

    assert rows() == []


def test_a_notice_belongs_to_the_transaction_of_its_fact(order, plugins):
    """Outside of one it is a bug; rolled back with the fact, nobody is ever told."""
    with suppress(RuntimeError), transaction():
        tell("on_order_paid", "x", order=order.id)
        raise RuntimeError

    assert rows() == []
    with pytest.raises(AssertionError):
        tell("on_order_paid", "x", order=order.id)


def test_the_telling_is_woken_after_the_commit(order, plugins, monkeypatch):
    """Not before the fact is stored, and not when it was rolled back."""
    woken = []
    monkeypatch.setattr(notices, "wake", lambda: woken.append(storage.in_transaction()))
    with transaction():
        tell("on_order_paid", "a", order=order.id)
        assert woken == []
    with suppress(RuntimeError), transaction():
        tell("on_order_paid", "b", order=order.id)
        raise RuntimeError

    assert woken == [False]


def test_a_fact_stands_though_the_telling_cannot_be_woken(order, plugins, monkeypatch):
    """What runs after the commit cannot make a stored fact look like one that failed."""

    def broken():
        raise RuntimeError("the queue is full")

    monkeypatch.setattr(notices, "wake", broken)
    say(order)

    assert tell_due(datetime.now(UTC)) == 2


def test_a_plugin_that_fails_is_told_again_without_the_others(order, plugins, caplog):
    """Its row keeps the error; the other plugin's row is done."""
    failing, other = plugins
    failing.error = RuntimeError("printer on fire")
    say(order)
    told = tell_due(datetime.now(UTC))

    assert told == 1
    assert other.told == [order.id]
    ((cause, plugin, hook, tries, error),) = untold()
    assert (cause, plugin, hook, tries) == (f"{order.id}:paid", "receipts", "on_order_paid", 1)
    assert "printer on fire" in error

    failing.error = None
    assert tell_due(datetime.now(UTC) + LATER) == 1
    assert failing.told == [order.id] * 2
    assert other.told == [order.id]
    assert untold() == []
    assert rows("error") == [(None,), (None,)]


def test_the_pauses_grow_and_after_the_last_a_person_is_needed(order, plugins, caplog):
    """1 minute, 10, 1 hour, 6 hours, then daily; each try is counted."""
    failing, _ = plugins
    failing.error = RuntimeError("no")
    with time_machine.travel(START, tick=False) as clock:
        say(order)
        tell_due(START)
        at = START
        for number, pause in enumerate(PAUSES, 1):
            assert untold()[0][3] == number
            at += pause
            clock.move_to(at - timedelta(seconds=1))
            assert tell_due(at - timedelta(seconds=1)) == 0
            assert len(failing.told) == number
            clock.move_to(at)
            tell_due(at)
        last = len(failing.told)
        clock.move_to(at + LATER)
        tell_due(at + LATER)

    minutes = [pause // timedelta(minutes=1) for pause in PAUSES]
    assert minutes == [1, 10, 60, 360, 1440, 1440, 1440]
    assert len(failing.told) == last == len(PAUSES) + 1
    assert untold()[0][1] == "receipts"


def test_a_plugin_that_is_off_is_told_when_it_is_back(order, plugins):
    """Its notice waits with the reason."""
    say(order)
    caller.load([("thanks", plugins[1])])
    tell_due(datetime.now(UTC))

    assert untold()[0][1] == "receipts"
    assert "off" in untold()[0][4]
    caller.load([("receipts", plugins[0])])
    tell_due(datetime.now(UTC) + LATER)
    assert plugins[0].told == [order.id]


def test_a_worker_that_dies_while_telling_leaves_the_notice_to_another(order, plugins):
    """The claim ends after two minutes; a hook must be repeatable."""
    plugins[0].error = KeyboardInterrupt()
    with time_machine.travel(START, tick=False) as clock:
        say(order)
        with pytest.raises(KeyboardInterrupt):
            tell_due(START)
        plugins[0].error = None
        clock.move_to(START + timedelta(minutes=1))
        tell_due(START + timedelta(minutes=1))
        assert plugins[0].told == [order.id]
        clock.move_to(START + timedelta(minutes=2))
        tell_due(START + timedelta(minutes=2))

    assert plugins[0].told == [order.id] * 2
    assert untold() == []


def test_two_workers_tell_once(order, plugins):
    """One of them claims each notice; the other passes on."""
    for number in range(5):
        say(order, cause=f"fact:{number}")
    start, told = threading.Barrier(2), []

    def work():
        start.wait(5)
        told.append(tell_due(datetime.now(UTC)))
        storage.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(told) == 10
    assert [len(one.told) for one in plugins] == [5, 5]
    assert {attempts for _, attempts in rows()} == {1}


def test_a_row_read_before_another_worker_claimed_it_is_left_alone(order, plugins):
    """Whoever comes second finds another time on the row and does nothing."""
    say(order)
    id, plugin, hook, data, attempts, next_try = rows("id, plugin, hook, data, attempts, next_try")[
        0
    ]

    assert notices._tell_one(id, plugin, hook, data, attempts, next_try) is True
    assert notices._tell_one(id, plugin, hook, data, attempts, next_try) is False
    assert plugins[0].told == [order.id]

"""Many at once: a bounded balance is never overdrawn, and one payment is settled once.

`OBOLO_PROOF_FACTOR=10` repeats each race ten times as often. Each judge is also shown a weak twin
that it must find guilty.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core import checkout, ledger, orders, storage
from core.clock import now
from core.errors import Refused
from core.ledger import BoundExceeded, Leg, balance, post
from core.payments import Hint, Kind, State, inbox, records
from core.people import Reader
from core.reconcile import reconcile
from core.storage import execute, new_id, transaction
from core.verify import verify
from tests.stand_in import READER, Instant, StandIn, charge, eur, paid, plugged, post_line

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
BUYERS = 64
PRICE = 20
PATIENCE_SECONDS = 60
PURSE = f"liabilities:purse:{READER.holder}"

pytestmark = [
    pytest.mark.proof,
    pytest.mark.xdist_group("races"),  # two such races at once would want too many connections
]


@pytest.fixture
def purse(db):
    instant, stand_in = Instant(), Patient()
    with plugged(instant, stand_in):
        yield instant


@pytest.fixture
def provider(db):
    stand_in = Patient()
    with plugged(stand_in, Instant()):
        yield stand_in


class Patient(StandIn):
    """A stand-in that many may ask at once, and that charges and cancels one after the other."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def act(self, payment, action, key):
        """Do one thing at a time; what is charged stays charged."""
        with self.lock:
            return super().act(payment, action, key)

    def pay(self, payment):
        """Charge, unless it was cancelled; tell whether it was charged."""
        with self.lock:
            known = self.facts[payment.id]
            if known.state is not State.CANCELLED:
                self.facts[payment.id] = known.join(
                    paid(payment, charge(f"ch_{payment.id}", payment.amount.minor))
                )
            return known.state is not State.CANCELLED


def together(*acts):
    """Do all at the same moment, each in a thread of its own; return results or errors."""
    start = threading.Barrier(len(acts))

    def one(act):
        execute("SELECT 1")  # connects before the race
        start.wait(PATIENCE_SECONDS)
        try:
            return act()
        except Exception as error:
            return error
        finally:
            storage.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def in_processes(act, count):
    """Let so many processes do `act(number)` at the same moment; return the names of the outcomes."""
    storage.close()  # a child must not inherit an open connection
    context = multiprocessing.get_context("fork")
    start, outcomes = context.Barrier(count), context.SimpleQueue()

    def one(number):
        execute("SELECT 1")
        start.wait(PATIENCE_SECONDS)
        try:
            act(number)
            outcomes.put("bought")
        except Exception as error:
            outcomes.put(type(error).__name__)
        finally:
            storage.close()

    children = [context.Process(target=one, args=[number]) for number in range(count)]
    for child in children:
        child.start()
    names = [outcomes.get() for _ in children]
    for child in children:
        child.join(PATIENCE_SECONDS)
    assert not any(child.exitcode for child in children)
    return names


def buy(number):
    """Buy post number so and so from the purse."""
    return checkout.buy(READER, (post_line(PRICE, f"post:{number}"),), "purse")


def fill(minor):
    """Put so much into the reader's purse."""
    with transaction():
        post(
            new_id("fill"),
            [Leg("assets:bank", eur(minor)), Leg(PURSE, eur(-minor))],
            reason="filled",
        )


def count(table):
    return execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


def judged(filled, outcomes):
    """Return what is wrong after a race of buyers for what was filled in."""
    fit = filled // PRICE
    wanted = {"bought": fit, "BoundExceeded": len(outcomes) - fit}
    seen = {
        "outcomes": Counter(outcomes),
        "left": -balance(PURSE, "EUR").minor,
        "orders": count("orders_order"),
        "payments": count("payments_payment"),
        "opened": execute(
            "SELECT COUNT(DISTINCT key) FROM entitlements_entitlement WHERE state = 'active'"
        ).fetchone()[0],
        "charges": execute(
            "SELECT COUNT(*) FROM ledger_entry WHERE reason = 'charge'"
        ).fetchone()[0],
        "verify": verify(),
    }
    right = {
        "outcomes": {name: n for name, n in wanted.items() if n},
        "left": filled - fit * PRICE,
        **dict.fromkeys(("orders", "payments", "opened", "charges"), fit),
        "verify": [],
    }
    return {name: seen[name] for name in right if seen[name] != right[name]}


def names(results):
    return [type(one).__name__ if isinstance(one, Exception) else "bought" for one in results]


@pytest.mark.parametrize("filled", [507])
def test_threads_that_race_for_one_balance_spend_what_is_there_and_no_more(purse, filled):
    """Of 64 buyers exactly as many succeed as the balance pays for; of the others nothing is kept."""
    fill(filled)
    results = together(*[lambda n=n: buy(n) for n in range(BUYERS)])

    assert judged(filled, names(results)) == {}


def test_processes_that_race_for_one_balance_spend_what_is_there_and_no_more(purse):
    """The bound lies in the database, so that workers need not know of each other."""
    fill(507)

    assert judged(507, in_processes(buy, BUYERS)) == {}


def test_weak_twin_that_reads_before_it_writes_overdraws(purse, monkeypatch):
    """The same race finds the fault of a balance that is read first and then changed."""
    monkeypatch.setattr(ledger, "MOVE", WRITE_BLINDLY)

    def look_then_buy(number):
        if -balance(PURSE, "EUR").minor < PRICE:
            raise BoundExceeded(PURSE)
        return buy(number)

    fill(507)
    found = judged(507, names(together(*[lambda n=n: look_then_buy(n) for n in range(BUYERS)])))

    assert found["left"] < 0
    assert "bound" in {fault.invariant for fault in found["verify"]}


WRITE_BLINDLY = """
UPDATE ledger_balance SET minor = minor + ? WHERE account = ? AND currency = ?
AND (? OR ? <> 0 OR ? + ? + ? + ? + ? <> 0)
"""

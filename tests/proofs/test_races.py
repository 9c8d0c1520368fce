"""Many at once: a bounded balance is never overdrawn, and one payment is settled once.

`OBOLO_PROOF_FACTOR=10` runs each race ten times as often. Each judge is also shown a weak twin that
it must find guilty.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core import checkout, ledger, orders, storage
from core.clock import now
from core.errors import Conflict, Refused
from core.ledger import BoundExceeded, Leg, balance, post
from core.orders import Line, Order
from core.payments import Hint, Kind, Movement, State, Status, inbox, records
from core.reconcile import reconcile
from core.storage import execute, new_id, transaction
from core.verify import verify
from tests.stand_in import READER, Instant, StandIn, changed, charge, eur, paid, plugged, post_line

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
BUYERS = 64
PRICE = 20
FILLED = 507
"""Pays for 25 of the buyers and leaves 7 cents."""
PATIENCE_SECONDS = 60
ENTRIES = "SELECT COUNT(*) FROM ledger_entry WHERE order_id = ?"
PURSE = f"liabilities:purse:{READER.holder}"

pytestmark = [
    pytest.mark.proof,
    pytest.mark.xdist_group("races"),  # two such races at once would want too many connections
]


@pytest.fixture(autouse=True, params=range(FACTOR))
def round_of(request):
    """Run every test of this file so many times."""


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
        except Exception as error:  # noqa: BLE001 - an outcome like others
            return error
        finally:
            storage.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def in_processes(act, count):
    """Let so many processes do `act(number)` at the same moment; return what became of it."""
    storage.close()  # a child must not inherit an open connection
    context = multiprocessing.get_context("fork")
    start, outcomes = context.Barrier(count), context.SimpleQueue()

    def one(number):
        execute("SELECT 1")
        start.wait(PATIENCE_SECONDS)
        try:
            act(number)
            outcomes.put("bought")
        except Exception as error:  # noqa: BLE001 - an outcome like others
            outcomes.put(type(error).__name__)
        finally:
            storage.close()

    children = [context.Process(target=one, args=[number]) for number in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(PATIENCE_SECONDS)
        child.kill()  # does nothing to one that has ended
    assert not any(child.exitcode for child in children)
    return [outcomes.get() for _ in children]


def buy(number):
    """Buy post number so and so from the purse."""
    return checkout.buy(READER, (post_line(PRICE, f"post:{number}"),), "purse")


def fill(minor):
    """Put so much into the reader's purse."""
    with transaction():
        legs = [Leg("assets:bank", eur(minor)), Leg(PURSE, eur(-minor))]
        post(new_id("fill"), legs, reason="filled")


def number(sql, *values):
    return execute(sql, values).fetchone()[0]


def judged(filled, outcomes):
    """Return what is wrong after a race of buyers for what was filled in, by what was looked at."""
    fit = filled // PRICE
    charges = "SELECT COUNT(*) FROM ledger_entry WHERE reason = 'charge'"
    keys = "SELECT COUNT(DISTINCT key) FROM entitlements_entitlement WHERE state = 'active'"
    compared = {
        "outcomes": (Counter(outcomes), Counter(bought=fit, BoundExceeded=len(outcomes) - fit)),
        "left": (-balance(PURSE, "EUR").minor, filled - fit * PRICE),
        "orders": (number("SELECT COUNT(*) FROM orders_order"), fit),
        "payments": (number("SELECT COUNT(*) FROM payments_payment"), fit),
        "charges": (number(charges), fit),
        "opened": (number(keys), fit),
        "verify": (verify(), []),
    }
    return {name: seen for name, (seen, right) in compared.items() if seen != right}


def names(results):
    return [type(one).__name__ if isinstance(one, Exception) else "bought" for one in results]


def test_threads_that_race_for_one_balance_spend_what_is_there_and_no_more(provider):
    """As many of 64 succeed as the balance pays for; of the others nothing is kept."""
    fill(FILLED)
    results = together(*[lambda n=n: buy(n) for n in range(BUYERS)])

    assert judged(FILLED, names(results)) == {}


def test_processes_that_race_for_one_balance_spend_what_is_there_and_no_more(provider):
    """The bound lies in the database, so that workers need not know of each other."""
    fill(FILLED)

    assert judged(FILLED, in_processes(buy, BUYERS)) == {}


def test_weak_twin_that_reads_before_it_writes_overdraws(provider, monkeypatch):
    """The same race finds the fault of a balance that is read first and then changed."""
    move = ledger._move
    monkeypatch.setattr(ledger, "_move", lambda *where, **_: move(*where[:4], keep_bounds=False))

    def look_then_buy(number):
        if -balance(PURSE, "EUR").minor < PRICE:
            raise BoundExceeded(PURSE)
        return buy(number)

    fill(FILLED)
    found = judged(FILLED, names(together(*[lambda n=n: look_then_buy(n) for n in range(BUYERS)])))

    assert found["left"] < 0
    assert "bound" in {fault.invariant for fault in found["verify"]}


def begun(provider, *lines):
    """Order and begin to pay; return the payment."""
    order = checkout.start_order(READER, lines or (post_line(PRICE),))
    checkout.pay(order.id, provider.name, READER, "")
    return records.of_order(order.id)[0]


def told(provider, payment, event):
    """Hear a delivery about a payment, as the webhook's door does."""
    hint = Hint(f"{payment.id}:{event}", reference=payment.id)
    with transaction():
        inbox.keep(provider.name, hint)
    return checkout.hear(provider, hint)


def opened(order):
    rows = execute(
        "SELECT state FROM entitlements_entitlement WHERE order_id = ?", [order]
    ).fetchall()
    return [row[0] for row in rows]


def errors(results):
    return [one for one in results if isinstance(one, Exception)]


def test_ten_that_race_to_settle_a_payment_settle_it_once(provider):
    """Webhooks, return and look-up at the same moment book one entry and open once."""
    for _ in range(6):
        payment = begun(provider)
        provider.pay(payment)
        results = together(
            *[lambda n=n, p=payment: told(provider, p, n % 3) for n in range(4)],
            *[lambda p=payment: checkout.refresh(p.id)] * 3,
            *[lambda p=payment: checkout.settle(provider, p.id, provider.look_up(p))] * 3,
        )

        assert errors(results) == []
        assert number(ENTRIES, payment.order) == 1
        assert opened(payment.order) == ["active"]
        assert orders.find(payment.order).state == "paid"
    assert verify() == []


def test_weak_twin_that_asks_before_it_books_books_twice(provider):
    """The same judge finds a settling that looks at the order before its transaction."""
    payment = begun(provider)
    provider.pay(payment)
    asked = threading.Barrier(2)

    def settle_weakly():
        is_open = orders.find(payment.order).state == "open"
        asked.wait(PATIENCE_SECONDS)
        if is_open:
            with transaction():
                legs = [Leg("assets:standin", eur(PRICE)), Leg("income:posts", eur(-PRICE))]
                key = f"standin:charge:{new_id('try')}"
                post(key, legs, reason="charge", order=payment.order)
                orders.mark(orders.find(payment.order), "paid", payment=payment.id)

    assert errors(together(settle_weakly, settle_weakly)) == []
    assert number(ENTRIES, payment.order) == 2
    assert verify() != []


def test_many_that_begin_to_pay_one_order_make_one_payment(provider):
    """A double tap, a reload and a second tab share payment and key."""
    for _ in range(3):
        order = checkout.start_order(READER, (post_line(PRICE),))
        provider.asked.clear()
        pay = lambda id=order.id: checkout.pay(id, "standin", READER, "")  # noqa: E731 - eight times the same
        assert errors(together(*[pay] * 8)) == []

        (payment,) = records.of_order(order.id)
        assert {key for what, _, key in provider.asked if what == "begin"} == {payment.id}
        assert payment.ref == f"si_{payment.id}"


def test_many_that_pay_one_order_from_the_purse_pay_once(provider):
    """A provider that settles at once is asked by all of them, and takes the price once."""
    fill(100)
    order = checkout.start_order(READER, (post_line(PRICE),))
    results = together(*[lambda: checkout.pay(order.id, "purse", READER, "")] * 8)

    assert {type(one) for one in errors(results)} <= {Conflict}
    assert balance(PURSE, "EUR") == eur(PRICE - 100)
    assert opened(order.id) == ["active"]
    assert verify() == []


def test_two_ways_that_race_to_pay_one_order_pay_it_once(provider):
    """The second of two payments is unassigned money, whichever it is."""
    fill(100)
    for _ in range(3):
        payment = begun(provider)
        provider.pay(payment)
        results = together(
            lambda p=payment: told(provider, p, "paid"),
            lambda p=payment: checkout.pay(p.order, "purse", READER, ""),
        )

        assert {type(one) for one in errors(results)} <= {Conflict}
        assert opened(payment.order) == ["active"]
        assert orders.find(payment.order).state == "paid"
    assert balance("income:posts", "EUR") == eur(-PRICE * 3)
    assert verify() == []


def test_refunds_that_race_for_one_line_give_back_what_it_cost_and_no_more(provider):
    """Of eight refunds of a quarter each four are given, and the provider was asked four times."""
    payment = begun(provider)
    provider.pay(payment)
    checkout.refresh(payment.id)
    give = lambda: checkout.refund(payment.order, {1: PRICE // 4}, actor="cli", reason="asked")  # noqa: E731 - eight times the same
    results = together(*[give] * 8)

    assert Counter(map(type, errors(results))) == {Refused: 4}
    assert sum(one.state == "done" for one in results if not isinstance(one, Exception)) == 4
    assert provider.facts[payment.id].total(Kind.REFUND, *Status) == PRICE
    assert balance("income:posts", "EUR") == eur(0)
    assert opened(payment.order) == ["revoked"]
    assert verify() == []


def test_an_order_that_expires_while_it_is_paid_is_paid_or_closed_and_never_both(provider):
    """What was charged opened the order or is unassigned; what was cancelled moved nothing."""
    for pause in [0, 0, 0.002, 0.004, 0.008] * 2:
        payment = begun(provider)
        before = balance("liabilities:unassigned", "EUR").minor

        def pay_late(payment=payment, pause=pause):
            time.sleep(pause)
            return provider.pay(payment) and told(provider, payment, "paid")

        results = together(
            pay_late,
            lambda p=payment: checkout.expire(p.order),
            lambda p=payment: checkout.refresh(p.id),
        )
        reconcile(now() + timedelta(days=2))
        order, charged = orders.find(payment.order), provider.facts[payment.id].movements
        unassigned = before - balance("liabilities:unassigned", "EUR").minor

        assert errors(results) == []
        assert (order.state, opened(order.id), unassigned) in (
            [("paid", ["active"], 0), ("closed", [], PRICE)] if charged else [("closed", [], 0)]
        )
    assert verify() == []


def test_a_purse_that_is_filled_while_it_is_spent_never_looks_overdrawn(provider, monkeypatch):
    """An entry that waited for another one's balance comes after it in the books, too."""
    filled = threading.Event()
    move = ledger._move

    def waiting_move(account, currency, minor, *rest, **named):
        if account == PURSE and minor > 0:
            filled.wait(1)  # on SQLite nobody can fill it meanwhile
        move(account, currency, minor, *rest, **named)

    def fill_now():
        time.sleep(0.1)
        fill(100)
        filled.set()

    monkeypatch.setattr(ledger, "_move", waiting_move)
    bought, _ = together(lambda: buy(1), fill_now)

    assert isinstance(bought, BoundExceeded | Order)
    assert verify() == []


def test_a_dispute_and_a_merge_at_the_same_moment_do_not_lock_each_other_out(provider, monkeypatch):
    """Whoever locks several balances does it in one order."""
    payment = begun(provider, Line("Top-up", eur(500), PURSE))
    provider.pay(payment)
    checkout.refresh(payment.id)
    buy(1)
    legs = [Leg("assets:claims:gst_guest", eur(30)), Leg("liabilities:purse:gst_guest", eur(-30))]
    with transaction():
        post("guest", legs, reason="before")
    holds = {name: threading.Event() for name in (f"assets:claims:{READER.holder}", PURSE)}

    def meeting(act):
        """Once a row is locked, wait until the other one is; not for long, it may never be."""

        def locked(account, *rest, **named):
            result = act(account, *rest, **named)
            if account in holds:
                holds[account].set()
                for other in holds.values():
                    other.wait(0.3)
            return result

        return locked

    for name in ("_move", "_lock"):
        monkeypatch.setattr(ledger, name, meeting(getattr(ledger, name)))
    dispute = Movement(Kind.DISPUTE, "dp", 500, "EUR", Status.PENDING, fee=0)
    changed(provider, payment, dispute)
    results = together(
        lambda: told(provider, payment, "disputed"),
        lambda: checkout.merge("gst_guest", READER.holder),
    )

    assert errors(results) == []
    assert verify() == []

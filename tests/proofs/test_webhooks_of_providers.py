"""Stripe's and PayPal's messages repeated, mixed, late or lost: one final state, charged once.

As `test_webhooks` for play money, here over HTTP with the stand-ins of both providers.
`OBOLO_PROOF_FACTOR=100` tries 500 histories with SQLite and 300 with PostgreSQL for each of them.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import checkout, orders, storage
from core.checkout import booking, settling
from core.clock import now
from core.payments import Kind, Status, records
from core.reconcile import reconcile
from core.storage import execute
from core.verify import verify
from tests.proofs.selling import BOOK, SHOPS, THANKS

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
ON_SQLITE, ON_POSTGRES = 5, 3

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("providers")]
number = st.integers(0, 2**20)
message = st.tuples(st.integers(0, 4), number)
lives = st.lists(st.tuples(number, st.lists(message, max_size=6), st.booleans()), max_size=7)

BALANCES = """
SELECT leg.account, SUM(leg.minor) FROM ledger_leg leg JOIN ledger_entry entry
ON entry.id = leg.entry_id WHERE entry.order_id = ? GROUP BY leg.account
"""
OPENED = """
SELECT line, state FROM entitlements_entitlement
WHERE order_id = ? AND state <> 'revoked' ORDER BY line
"""


@pytest.fixture(params=SHOPS)
def shop(request, make_site):
    with SHOPS[request.param](make_site) as shop:
        yield shop


def lives_through(shop, steps):
    """Let each step happen, with its messages and the reader's returns; return how it ends.

    A message has a delay in steps, and a number that chooses among those of its step: some come
    several times, others never.
    """
    sale, waiting = shop.sale(), []
    for at, (choice, messages, returns) in enumerate(steps):
        before = len(shop.events)
        shop.step(sale, choice)
        news = range(before, len(shop.events))
        waiting += [(at + delay, news[which % len(news)]) for delay, which in messages if news]
        if returns:
            shop.returns(sale)
        for one in [one for one in waiting if one[0] <= at]:
            waiting.remove(one)
            assert shop.hears(one[1]) == 204
    shop.end(sale)
    for _, event in sorted(waiting):
        assert shop.hears(event) == 204
    for _ in range(2):
        reconcile(now() + timedelta(days=8))
    if len(shop.events) > sale.first:
        assert shop.hears(len(shop.events) - 1) == 204  # the last one comes for days
    reconcile(now() + timedelta(days=8))
    assert len(shop.charges(sale)) <= 1
    return final(shop, sale)


def final(shop, sale):
    """Return all that must be the same; a charge that failed moved nothing, and may be unknown."""
    order, payment = orders.find(sale.order), records.find(sale.payment)
    sums = execute(BALANCES, [sale.order]).fetchall()
    return {
        "balances": {
            account.replace(order.holder, "holder"): int(minor) for account, minor in sums if minor
        },
        "order": order.state,
        "opened": [tuple(row) for row in execute(OPENED, [sale.order])],
        "facts": sorted(
            (m.kind, m.minor, m.status, m.fee or 0, m.asked is None)
            for m in payment.facts.movements
            if (m.kind, m.status) != (Kind.CHARGE, Status.FAILED)
        ),
        "refunds": sorted((one.amount.minor, one.state) for one in records.refunds(payment)),
        "charged": len(shop.charges(sale)),
    }


def proof(shop, examples):
    calm = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=calm,
        phases=[Phase.generate],
    )  # fmt: skip
    @given(lives)
    def proved(steps):
        all_once = [(0, which) for which in range(6)]
        right = lives_through(shop, [(choice, all_once, True) for choice, *_ in steps])
        found = lives_through(shop, steps)

        assert found == right
        assert verify() == []

    return proved


@pytest.mark.parametrize("_part", range(FACTOR))
def test_a_sale_ends_in_one_state_however_its_messages_come(shop, db, _part):
    """Paid at once or slowly, declined first, given back here and there, disputed."""
    proof(shop, ON_SQLITE if db.startswith("sqlite") else ON_POSTGRES)()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_weak_twin_that_books_each_delivery_is_caught(shop, monkeypatch):
    """A site that forgets what it has booked, and names an entry after what brought it."""
    named, numbers, find = booking.key_of, itertools.count(), records.find

    def forgetful(id):
        payment = find(id)
        return replace(payment, facts=replace(payment.facts, movements=()))

    monkeypatch.setattr(booking, "key_of", lambda *given: f"{named(*given)}:{next(numbers)}")
    monkeypatch.setattr(settling.records, "find", forgetful)
    with pytest.raises(AssertionError):
        proof(shop, 100)()


def test_messages_and_returns_race_and_there_is_one_charge(shop):
    """Eight at once: each message three times, out of order, beside the reader's own returns."""
    sale = shop.sale()
    shop.step(sale, 0)
    messages = [*reversed(range(sale.first, len(shop.events)))] * 3

    def act(event):
        try:
            return shop.returns(sale) if event is None else shop.hears(event)
        finally:
            storage.close()

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(act, [None, *messages, None, *messages, None, None]))
    shop.end(sale)
    messages = range(sale.first, len(shop.events))
    done += [shop.hears(event) for event in messages]
    (charge,) = shop.charges(sale)
    keys = execute("SELECT key FROM ledger_entry WHERE order_id = ? ORDER BY key", [sale.order])

    assert set(done) <= {200, 204, 303}
    assert [key for (key,) in keys] == [
        f"{shop.name}:charge:{charge}",
        f"{shop.name}:charge:{charge}:fee",
    ]
    assert final(shop, sale)["order"] == "paid"
    assert final(shop, sale)["opened"] == [(1, "active")]
    assert checkout.refresh(sale.payment).facts.total(Kind.CHARGE, Status.DONE) == BOOK + THANKS
    assert verify() == []

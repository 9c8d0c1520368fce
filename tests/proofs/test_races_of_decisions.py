"""Many decide at once about one payment: it is captured, let go or charged once.

`OBOLO_PROOF_FACTOR=10` runs each race ten times as often.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import checkout, orders
from core.errors import Conflict
from core.ledger import balance
from core.payments import Capture, ChargeSaved, Facts, Hint, State, methods, records
from core.storage import transaction
from core.verify import verify
from tests.proofs.test_races import FACTOR, PRICE, Patient, together
from tests.stand_in import READER, eur, plugged, post_line

HELD = replace(post_line(PRICE), data={"hold": True})

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("races")]


@pytest.fixture(autouse=True, params=range(FACTOR))
def round_of(request):
    """Run every test of this file so many times."""


@pytest.fixture
def provider(db):
    stand_in = Patient()
    stand_in.can = frozenset({"hold", "save", "refund"})
    with plugged(stand_in):
        yield stand_in
    assert verify() == []


def agreed(provider, line):
    """Return the payment of an order to which its reader agreed at the provider."""
    order = checkout.start_order(READER, (line,))
    checkout.pay(order.id, provider.name, READER, "")
    (payment,) = records.of_order(order.id)
    provider.facts[payment.id] = Facts(payment.ref, State.READY, reference=payment.id)
    return payment


def keys(provider, kind):
    return {key for _, about, key in provider.asked if isinstance(about, kind)}


def test_return_webhook_and_task_capture_once(provider):
    """Each asks with the same key, and the books know of one charge."""
    payment = agreed(provider, post_line(PRICE))

    def hear():
        return checkout.hear(provider, Hint("evt", reference=payment.id))

    outcomes = together(*[lambda: checkout.refresh(payment.id), hear] * 4)

    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert keys(provider, Capture) == {f"{payment.id}:capture"}
    assert orders.find(payment.order).state == "paid"
    assert balance("assets:standin", "EUR") == eur(PRICE)


def test_held_money_is_taken_or_let_go_never_both(provider):
    """Of those who decide at once one does; the others read that it is decided."""
    payment = checkout.refresh(agreed(provider, HELD).id)
    outcomes = together(*[
        lambda: checkout.capture(payment.order, actor="a"),
        lambda: checkout.release(payment.order, actor="b"),
    ] * 4)  # fmt: skip
    final = records.find(payment.id)
    taken = PRICE if final.hold == "capture" else 0

    assert sum(not isinstance(one, Exception) for one in outcomes) == 1
    assert all(isinstance(one, Conflict) for one in outcomes if isinstance(one, Exception))
    assert final.facts.state is (State.PAID if taken else State.CANCELLED)
    assert balance("assets:standin", "EUR") == eur(taken)


def test_a_kept_method_is_charged_once_however_many_ask(provider):
    """The first call's payment is everybody's, and so is its key."""
    with transaction():
        methods.keep(checkout.refresh(agreed(provider, HELD).id), READER.holder, "pm_1", "Visa")
    (method,) = methods.of_holders(READER.holders)
    order = checkout.start_order(READER, (post_line(PRICE, "post:next"),))
    outcomes = together(*[lambda: checkout.charge_saved(order.id, method.id)] * 8)
    (payment,) = records.of_order(order.id)

    assert all(isinstance(one, Conflict) or one.id == payment.id for one in outcomes)
    assert keys(provider, ChargeSaved) == {payment.id}
    assert orders.find(order.id).state == "paid"
    assert balance("assets:standin", "EUR") == eur(PRICE)

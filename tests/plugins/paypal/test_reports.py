"""Money as PayPal shows it: disputes that are listed as refunds besides, changed currencies."""

from __future__ import annotations

import pytest

from core import http
from core.payments import Capture
from core.storage import Migrations, lock_migrations
from plugins.paypal import wire
from tests.architecture.tree import ROOT
from tests.plugins.paypal.fake import running
from tests.plugins.paypal.ledger import captures
from tests.plugins.paypal.test_contract import provider_for
from tests.plugins.paypal.test_paypal import INTENT, PAYMENT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def fake():
    with running() as fake:
        yield fake
    assert fake.mistakes == []


@pytest.fixture
def tables(db, monkeypatch):
    monkeypatch.setattr(wire, "http_request", http.request)  # there is no site to declare it
    with lock_migrations():
        Migrations("paypal", ROOT / "plugins" / "paypal" / "migrations").apply()


def disputed(fake, provider, value="10.00"):
    """Return the order and the dispute of a payment of 10.00 that was captured."""
    step = provider.begin(INTENT, "pay_1")
    fake.books.approve(step.ref)
    provider.act(PAYMENT, Capture(), "pay_1:capture")
    return step.ref, fake.books.dispute(step.ref, value)


AFTER, BEFORE = "2026-11-21T08:00:00+01:00", "2026-11-19T10:00:00Z"


@pytest.mark.parametrize(("verdict", "value", "made", "counted"), [
    ("lost", "10.00", AFTER, [("dispute", 1000, "done")]),
    ("", "10.00", AFTER, [("dispute", 1000, "pending")]),
    ("lost", "5.00", AFTER, [("refund", 500, "done"), ("dispute", 1000, "done")]),
    ("lost", "10.00", BEFORE, [("refund", 1000, "done"), ("dispute", 1000, "done")]),
    ("won", "10.00", AFTER, [("refund", 1000, "done"), ("dispute", 1000, "failed")]),
])  # fmt: skip
def test_a_dispute_that_is_listed_as_a_refund_too_is_counted_once(
    fake, tables, verdict, value, made, counted
):
    """What was given back before it, of another amount, or beside a dispute won, is a refund."""
    provider = provider_for(fake)
    order, id = disputed(fake, provider)
    fake.books.list_as_refund(id, value, made)
    if verdict:
        fake.books.decide(id, verdict)
    facts = provider.look_up(PAYMENT)
    found = [(m.kind, m.minor, m.status) for m in facts.movements if m.kind != "charge"]

    assert found == counted
    assert provider.act(PAYMENT, Capture(), "again") == facts
    assert order == facts.ref


def test_a_capture_that_a_complaint_made_pending_is_asked_about(fake, tables):
    """The money that came stays counted as taken; the dispute takes it."""
    provider = provider_for(fake)
    order, id = disputed(fake, provider)
    (capture,) = captures(fake.books.order(order))
    known = provider.look_up(PAYMENT)
    capture.update(status="PENDING", status_details={"reason": "BUYER_COMPLAINT"})
    facts = known.join(provider.look_up(PAYMENT))

    assert facts == known
    assert [m.id for m in provider.look_up(PAYMENT).movements if m.kind == "dispute"] == [id]


def test_the_currency_that_paypal_changed_comes_with_its_own_fee(fake, tables):
    """What came into the account is net and fee in the other currency."""
    provider = provider_for(fake)
    step = provider.begin(INTENT, "pay_1")
    fake.books.approve(step.ref)
    provider.act(PAYMENT, Capture(), "pay_1:capture")
    unit = fake.books.orders[step.ref]["purchase_units"][0]
    unit["payments"]["captures"][0]["seller_receivable_breakdown"] |= {
        "paypal_fee_in_receivable_currency": {"currency_code": "USD", "value": "0.80"},
        "receivable_amount": {"currency_code": "USD", "value": "10.20"},
    }
    (charge,) = provider.look_up(PAYMENT).movements

    assert (charge.fee, charge.fee_currency) == (80, "USD")
    assert (charge.settled_minor, charge.settled_currency) == (1100, "USD")

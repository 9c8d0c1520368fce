"""Where providers report: verified, kept, answered, then settled."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from core import audit, checkout, orders
from core.errors import Forged
from core.payments import Hint, inbox, records
from core.plugins import catalogue
from core.storage import execute
from core.web.webhooks import MOST_BYTES
from tests.stand_in import READER, StandIn, charge, paid, post_line


@dataclass
class Hearing(StandIn):
    """Hears what a test says, or finds the signature forged."""

    says: list[Hint] = field(default_factory=list)
    forged: bool = False

    def hear(self, request):
        assert request.body.startswith(b"{") or not request.body
        if self.forged:
            raise Forged("This message is not signed by the provider.")
        return self.says


@pytest.fixture
def provider(make_site):
    app = make_site()
    hearing = Hearing()
    catalogue.providers["standin"] = hearing
    hearing.client = app.test_client()
    return hearing


@pytest.fixture
def payment(provider):
    """Return a payment whose reader has paid; only the provider knows."""
    order = checkout.start_order(READER, (post_line(),))
    checkout.pay(order.id, "standin", READER, "http://localhost/")
    (payment,) = records.of_order(order.id)
    provider.facts[payment.id] = paid(payment, charge("ch_1", 20))
    return payment


def deliver(provider, body=b"{}"):
    with provider.client.post("/webhooks/standin", data=body) as done:
        done.get_data()
    return done.status_code


def actions():
    return [event.action for event in audit.events() if event.action.startswith("webhook.")]


def test_a_genuine_delivery_is_kept_answered_and_settled(provider, payment):
    """What settles is what `look_up` says."""
    provider.says = [Hint("evt_1", reference=payment.id)]

    assert deliver(provider) == 204
    assert orders.find(payment.order).state == "paid"
    assert inbox.unsettled() == []


def test_a_repeated_delivery_changes_nothing(provider, payment):
    """The inbox has the event already."""
    provider.says = [Hint("evt_1", reference=payment.id)]
    deliver(provider)
    entries = execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]
    looked = len(provider.asked)

    assert deliver(provider) == 204
    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == entries
    assert len(provider.asked) == looked


def test_a_forged_delivery_changes_nothing_and_leaves_one_line(provider, payment):
    """It is refused before anything is kept."""
    provider.forged = True

    assert deliver(provider) == 400
    assert orders.find(payment.order).state == "open"
    assert inbox.unsettled() == []
    assert actions() == ["webhook.forged"]


def test_an_event_that_is_not_ours_gives_no_hint_and_leaves_one_line(provider, payment):
    """Another site on the same account of a provider is nobody's fault."""
    assert deliver(provider) == 204
    assert actions() == ["webhook.foreign"]


def test_a_hint_to_nothing_of_ours_is_settled_with_one_line(provider):
    """It does not wait in the inbox for ever."""
    provider.says = [Hint("evt_1", reference="pay_unknown")]

    assert deliver(provider) == 204
    assert actions() == ["webhook.foreign"]
    assert inbox.unsettled() == []


def test_what_cannot_be_settled_now_waits_in_the_inbox(provider, payment, caplog):
    """The provider is answered all the same: it delivered."""
    provider.says = [Hint("evt_1", reference=payment.id)]
    provider.error = RuntimeError("the line is dead")
    with caplog.at_level(logging.CRITICAL):
        assert deliver(provider) == 204

    assert [(name, event) for name, event, *_ in inbox.unsettled()] == [("standin", "evt_1")]
    assert orders.find(payment.order).state == "open"


def test_a_provider_that_is_off_is_not_found(provider):
    """It learns so as a machine does."""
    done = provider.client.post("/webhooks/nobody", data=b"{}")

    assert done.status_code == 404
    assert done.content_type == "application/problem+json"


def test_a_delivery_that_is_too_long_is_not_read(provider):
    """Nobody sends a quarter of a megabyte about one payment."""
    assert deliver(provider, b"{" + b" " * MOST_BYTES) == 413
    assert inbox.unsettled() == []

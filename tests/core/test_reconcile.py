"""What is due is done: deliveries, payments, orders; one that fails does not stop the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import checkout, entitlements, orders
from core.payments import Facts, Hint, ProviderUnknown, State, inbox, records
from core.plugins import catalogue
from core.reconcile import reconcile
from core.storage import execute
from tests.stand_in import READER, StandIn, changed, charge, paid, post_line

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def begun(provider, key="post:hello"):
    order = checkout.start_order(READER, (post_line(key=key),))
    checkout.pay(order.id, provider.name, READER, "")
    return records.of_order(order.id)[0]


def looks(provider, payment=None):
    """Count how often the provider was asked for the truth."""
    return sum(
        name == "look_up" and (payment is None or about.id == payment.id)
        for name, about, _ in provider.asked
    )


def opened(key="post:hello"):
    return entitlements.holds_any(READER.holders, [key])


def test_nothing_is_due_and_nothing_is_done(provider, clock):
    """Nobody is asked."""
    begun(provider)

    assert reconcile(START) == 0
    assert provider.asked[1:] == []


def test_a_payment_whose_webhook_never_came_is_found(provider, clock):
    """After a minute the provider is asked, and the order is paid."""
    payment = begun(provider)
    changed(provider, payment, charge("ch", 20))
    clock.move_to(START + MINUTE)

    assert reconcile(START + MINUTE) == 1
    assert opened()
    assert reconcile(START + DAY) == 0


def test_a_start_whose_answer_was_lost_is_found(provider, clock):
    """By the payment's own id, since there is no reference of the provider's yet."""
    provider.error = ProviderUnknown("reset")
    order = checkout.start_order(READER, (post_line(),))
    with pytest.raises(ProviderUnknown):
        checkout.pay(order.id, "standin", READER, "")
    provider.error = None
    (payment,) = records.of_order(order.id)
    provider.facts[payment.id] = paid(payment, charge("ch", 20))
    clock.move_to(START + MINUTE)
    reconcile(START + MINUTE)

    assert opened()


def test_a_delivery_is_settled_before_anything_else_is_asked(provider, clock):
    """It is what waits for us; afterwards the payment is not due any more."""
    payment = begun(provider)
    changed(provider, payment, charge("ch", 20))
    inbox.keep("standin", Hint("evt_1", reference=payment.id))
    clock.move_to(START + MINUTE)

    assert reconcile(START + MINUTE) == 1
    assert looks(provider) == 1
    assert inbox.unsettled() == []
    assert opened()


def test_a_delivery_that_cannot_be_settled_stays_with_its_reason(provider, clock, caplog):
    """And is tried again after a minute, then later and later."""
    payment = begun(provider)
    inbox.keep("standin", Hint("evt_1", reference=payment.id))
    provider.error = ProviderUnknown("time-out {x}")

    assert reconcile(START) == 0
    assert inbox.unsettled() == [("standin", "evt_1", START, 1, "time-out {x}")]
    provider.error = None
    changed(provider, payment, charge("ch", 20))
    assert reconcile(START + MINUTE - timedelta(seconds=1)) == 0
    clock.move_to(START + MINUTE)
    reconcile(START + MINUTE)
    assert inbox.unsettled() == []
    assert opened()


def test_a_delivery_of_a_provider_that_is_off_waits(provider, clock, caplog):
    """It is settled when the provider is on again."""
    payment = begun(provider)
    changed(provider, payment, charge("ch", 20))
    inbox.keep("standin", Hint("evt_1", reference=payment.id))
    catalogue.providers.clear()
    reconcile(START)
    assert inbox.unsettled()[0][4] == "provider standin is off"
    catalogue.providers["standin"] = provider
    clock.move_to(START + MINUTE)
    reconcile(START + MINUTE)

    assert opened()


@pytest.mark.parametrize("error", [ProviderUnknown("no"), RuntimeError("a bug"), ValueError()])
def test_one_that_fails_does_not_stop_the_others(provider, clock, caplog, error):
    """Delivery, payment and order of a broken provider are logged; those of the other are done."""

    class Broken(StandIn):
        def look_up(self, payment):
            raise error

        def act(self, payment, action, key):
            raise error

    broken = Broken("broken")
    catalogue.providers["broken"] = broken
    bad, good = begun(broken, "post:bad"), begun(provider)
    changed(provider, good, charge("ch", 20))
    inbox.keep("broken", Hint("evt_1", reference=bad.id))
    clock.move_to(START + 2 * HOUR)
    reconcile(START + 2 * HOUR)

    assert opened()
    assert orders.find(bad.order).state == "open"
    assert [row[1] for row in inbox.unsettled()] == ["evt_1"]
    assert caplog.text


def test_a_payment_that_always_breaks_is_not_asked_each_time(provider, clock, caplog):
    """A bug in a provider waits in growing pauses too, so that what is sound has its turn."""

    class Broken(StandIn):
        def look_up(self, payment):
            self._ask("look_up", payment, "")
            raise RuntimeError("a bug")

    broken = Broken("broken")
    catalogue.providers["broken"] = broken
    begun(broken)
    for minute in range(1, 11):
        clock.move_to(START + minute * MINUTE)
        reconcile(START + minute * MINUTE)

    assert looks(broken) == 1


def test_what_is_open_is_asked_after_growing_pauses(provider, clock):
    """1 minute, 10, 1 hour, 1 day: a day of reconciling each minute asks four times."""
    payment = begun(provider)
    changed(provider, payment, state=State.BANK)
    checkout.settle(provider, payment.id, provider.facts[payment.id])
    asked = []
    for minute in (1, 2, 11, 12, 59):
        clock.move_to(START + minute * MINUTE)
        reconcile(START + minute * MINUTE)
        asked.append(looks(provider))

    assert asked == [1, 1, 2, 2, 2]


def test_an_order_that_waits_for_a_bank_is_asked_after_growing_pauses_too(provider, clock):
    """Its time is over, but a provider is not asked each minute for days."""
    payment = begun(provider)
    changed(provider, payment, state=State.BANK)
    checkout.settle(provider, payment.id, provider.facts[payment.id])
    over = START + 2 * HOUR
    for minute in range(5):
        clock.move_to(over + minute * MINUTE)
        reconcile(over + minute * MINUTE)

    assert orders.find(payment.order).state == "open"
    assert looks(provider) <= 2


def test_one_run_asks_about_a_payment_once(provider, clock):
    """Though both the payment and its order are due."""
    payment = begun(provider)
    changed(provider, payment, state=State.BANK)
    checkout.settle(provider, payment.id, provider.facts[payment.id])
    clock.move_to(START + 2 * HOUR)
    reconcile(START + 2 * HOUR)

    assert looks(provider, payment) == 1


def test_an_order_whose_time_is_over_is_closed(provider, clock):
    """With its payment cancelled at the provider."""
    payment = begun(provider)
    clock.move_to(START + HOUR)
    reconcile(START + HOUR)

    assert orders.find(payment.order).state == "closed"
    assert records.find(payment.id).facts.state is State.CANCELLED


def test_a_payment_that_ended_is_asked_no_more(provider, clock):
    """Neither after days nor after months."""
    payment = begun(provider)
    provider.facts[payment.id] = Facts(f"si_{payment.id}", State.EXPIRED)
    clock.move_to(START + MINUTE)
    reconcile(START + MINUTE)
    before = looks(provider)
    clock.move_to(START + 400 * DAY)
    reconcile(START + 400 * DAY)  # closes the order, with one last look
    after = looks(provider)
    reconcile(START + 400 * DAY)

    assert before == 1
    assert looks(provider) == after <= 2
    row = execute("SELECT next_look FROM payments_payment").fetchone()
    assert row[0] is None

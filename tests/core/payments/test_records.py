"""What is kept of payments: found by any hint, looked at again in growing pauses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import orders
from core.errors import NotFound
from core.orders import Order
from core.payments import Facts, Hint, Kind, Movement, Payment, State, Status, records
from core.payments.records import AskedRefund
from core.storage import execute, new_id, transaction
from tests.stand_in import charge, eur, paid, post_line

START = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(db):
    made = Order("gst_reader", (), "EUR", id=new_id("ord"), created=START, expires=START + HOUR)
    with transaction():
        orders.store(made.with_lines([post_line()]))
    return made.id


@pytest.fixture
def payment(order):
    return stored(order)


def stored(order, *, over=False, **fields):
    made = Payment(new_id("pay"), order, "standin", "live", eur(20), created=START)
    made = replace(made, **fields)
    with transaction():
        records.store(made, over=over)
    return made


def next_look(payment):
    row = execute("SELECT next_look FROM payments_payment WHERE id = ?", [payment.id]).fetchone()
    return row[0]


def test_a_payment_is_read_back_as_it_was_stored(order):
    """Every field, with all that its facts say."""
    movement = Movement(Kind.DISPUTE, "d’1", 20, "EUR", Status.FAILED, 0, -3, "card 🎈", "ref_1")
    facts = Facts("si", State.PAID, (movement, charge("c", 20)), "p", "shop", "test", "card", "no")
    made = stored(order, facts=facts, ref="si", wrong="mode", mode="test", provider="other")

    assert records.find(made.id) == made
    assert records.of_order(order) == [made]


def test_a_payment_that_is_not_there_is_not_found():
    """Looking for it raises NotFound."""
    with pytest.raises(NotFound):
        records.find("pay_nothing")
    assert records.of_order("ord_nothing") == []


def test_the_tries_to_pay_an_order_come_oldest_first(order):
    """Their ids are in order of time."""
    made = [stored(order) for _ in range(3)]

    assert [one.id for one in records.of_order(order)] == [one.id for one in made]


def test_a_hint_points_by_reference_ref_or_movement(payment):
    """The first way that leads to a payment counts."""
    records.attach(payment, "si_1")
    records.own(payment, charge("ch_1", 20))

    for hint in (
        Hint("e", reference=payment.id),
        Hint("e", ref="si_1"),
        Hint("e", movement="ch_1"),
        Hint("e", reference="pay_other_site", ref="si_1"),
        Hint("e", reference="pay_x", ref="si_x", movement="ch_1"),
    ):
        assert records.pointed_at("standin", hint).id == payment.id, hint


def test_a_hint_of_another_site_points_to_nothing(payment):
    """It may share the account at the provider; a hint that says nothing leads nowhere too."""
    for hint in (
        Hint("e", reference="pay_x", ref="si_x", movement="ch_x"),
        Hint("e", reference="", ref="", movement=""),
        Hint("e"),
    ):
        assert records.pointed_at("standin", hint) is None, hint


def test_a_hint_of_another_provider_points_to_nothing(payment):
    """Providers do not know each other's payments, whatever ids they use."""
    records.attach(payment, "si_1")
    records.own(payment, charge("ch_1", 20))
    for hint in (
        Hint("e", reference=payment.id),
        Hint("e", ref="si_1"),
        Hint("e", movement="ch_1"),
    ):
        assert records.pointed_at("other", hint) is None


def test_what_is_open_is_looked_at_again_later_each_time(payment, clock):
    """After 1 minute, 10 minutes, 1 hour, 1 day, and then daily."""
    at = START
    for pause in (MINUTE, 10 * MINUTE, HOUR, DAY, DAY, DAY):
        assert records.due(at + pause - timedelta(microseconds=1)) == []
        at += pause
        assert records.due(at) == [payment.id]
        clock.move_to(at)
        records.postpone(records.find(payment.id))

    assert records.find(payment.id).looks == 6


def test_what_is_due_longest_comes_first(order, clock):
    """So that nothing starves."""
    late, early = stored(order), stored(order, created=START - HOUR)

    assert records.due(START + HOUR) == [early.id, late.id]


def test_what_is_over_is_not_looked_at(order, clock):
    """Neither when it is stored so nor after it was postponed."""
    made = stored(order, over=True)
    records.postpone(made)

    assert records.due(START + 400 * DAY) == []


def test_what_is_asked_for_starts_again_with_the_first_pause(payment, clock):
    """A refund makes a finished payment due again, soon."""
    records.postpone(payment)
    records.save(payment, paid(payment, charge("c", 20)), "")
    assert next_look(payment) is None
    records.look_soon(payment.id)

    assert records.due(START + MINUTE) == [payment.id]
    assert records.find(payment.id).looks == 0


ENDS = [
    (State.NEW, (), True),
    (State.CUSTOMER, (), True),
    (State.BANK, (), True),
    (State.READY, (), True),
    (State.SAVED, (), True),
    (State.EXPIRED, (), False),
    (State.FAILED, (), True),
    (State.CANCELLED, (), False),
    (State.PAID, (charge("c", 20),), False),
    (State.PAID, (charge("c", 20, fee=None),), True),
    (State.PAID, (charge("c", 20, status=Status.PENDING),), True),
    (State.PAID, (charge("c", 20, status=Status.FAILED, fee=None),), False),
    (State.PAID, (charge("c", 20), Movement(Kind.DISPUTE, "d", 20, "EUR", Status.PENDING)), True),
    (State.PAID, (charge("c", 20), Movement(Kind.REFUND, "r", 20, "EUR")), True),
    (State.FAILED, (charge("c", 20, status=Status.PENDING),), True),
]


def test_after_a_restore_all_that_may_have_changed_is_looked_at(order, clock):
    """What is over since then too; of older ones what was open."""
    stored(order, over=True, created=START - DAY)
    over = stored(order, over=True)
    still_open = stored(order, created=START - DAY)
    clock.shift(HOUR)
    looks = records.look_again(START)

    assert looks == 2
    assert sorted(records.due(START + HOUR)) == sorted([over.id, still_open.id])


def test_a_payment_stays_due_until_all_of_it_is_known(order, clock):
    """While its end, a fee, or what became of a movement is not known."""
    for number, (state, movements, open_still) in enumerate(ENDS):
        payment = stored(order)
        before = next_look(payment)
        saved = records.save(payment, Facts(f"si_{number}", state, movements), "")

        assert next_look(payment) == (before if open_still else None), (state, movements)
        assert records.find(payment.id) == saved


def test_a_payment_stays_due_while_a_refund_was_asked_and_not_answered(payment, clock):
    """Whatever else is known of it."""
    records.store_refund(refund(payment, "ref_1", "asked"))
    records.save(payment, paid(payment, charge("c", 20)), "")
    assert next_look(payment) is not None
    records.mark_refund("ref_1", "done")
    records.save(payment, paid(payment, charge("c", 20)), "")

    assert next_look(payment) is None


def test_what_was_over_is_due_again_when_something_opens(payment, clock):
    """A dispute that is opened later makes the payment due after a minute."""
    records.save(payment, paid(payment, charge("c", 20)), "")
    dispute = Movement(Kind.DISPUTE, "d", 20, "EUR", Status.PENDING, fee=0)
    records.save(payment, paid(payment, charge("c", 20), dispute), "")

    assert records.due(START + MINUTE) == [payment.id]


def test_the_first_reference_of_the_provider_stays(payment):
    """Neither begin nor a report replaces it."""
    records.attach(payment, "si_1")
    records.attach(payment, "si_2")
    saved = records.save(records.find(payment.id), Facts("si_3"), "amount")

    assert records.find(payment.id) == saved
    assert (saved.ref, saved.facts.ref, saved.wrong) == ("si_1", "si_3", "amount")


@pytest.mark.parametrize("how", ["attach", "save"])
def test_a_reference_that_another_payment_has_stays_with_that_one(order, how):
    """Two payments that a provider gives one reference do not stop the second one's facts."""
    first, second = stored(order), stored(order)
    records.attach(first, "si_1")
    if how == "attach":
        records.attach(second, "si_1")
    else:
        records.save(second, Facts("si_1", State.PAID), "reference")

    assert records.find(second.id).ref is None
    assert records.pointed_at("standin", Hint("e", ref="si_1")).id == first.id


def test_two_providers_may_use_one_reference(order):
    """References are unique within a provider."""
    first, second = stored(order), stored(order, provider="other")
    records.attach(first, "1")
    records.attach(second, "1")

    assert records.find(first.id).ref == records.find(second.id).ref == "1"


def test_a_movement_belongs_to_the_payment_that_claimed_it_first(order):
    """However often; per provider, kind and id."""
    first, second = stored(order), stored(order)
    other = stored(order, provider="other")
    movement = charge("ch_1", 20)

    assert [records.own(first, movement) for _ in range(2)] == [True, True]
    assert not records.own(second, movement)
    assert records.own(second, charge("ch_2", 20))
    assert records.own(second, Movement(Kind.REFUND, "ch_1", 20, "EUR"))
    assert records.own(other, movement)


def refund(payment, id, state, **fields):
    made = AskedRefund(id, payment.id, eur(12), {1: 7, 10: 5}, "standin", state, "Sorry, “it”")
    return replace(made, **fields)


def test_refunds_are_read_back_oldest_first(order, payment):
    """With their lines by number, where the money goes, and why."""
    first, second = refund(payment, "ref_1", "asked"), refund(payment, "ref_2", "asked")
    other = stored(order)
    for one in (second, first, refund(other, "ref_0", "done", destination="purse")):
        records.store_refund(one)
    records.mark_refund("ref_1", "failed")

    assert records.refunds(payment) == [replace(first, state="failed"), second]
    assert records.refunds(other)[0].destination == "purse"

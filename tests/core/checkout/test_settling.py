"""What a provider reports becomes entries, entitlements and an order's state, once."""

from __future__ import annotations

import pytest

from core import checkout, entitlements, orders
from core.ledger import Leg, balance, claims, post
from core.payments import Facts, Kind, Movement, State, Status, records
from core.storage import execute, transaction
from core.verify import verify
from tests.stand_in import READER, Instant, changed, charge, eur, paid, plugged, post_line

pytestmark = pytest.mark.usefixtures("db")


def begun(provider, *lines):
    order = checkout.start_order(READER, lines or (post_line(),), return_to="/hello")
    checkout.pay(order.id, provider.name, READER, "https://site.example/back")
    return records.of_order(order.id)[0]


def opened(key="post:hello"):
    return entitlements.holds_any(READER.holders, [key])


def test_a_paid_order_is_booked_and_opens_what_its_lines_grant(provider):
    """Debit the till, credit each line's account, grant each line's keys."""
    payment = begun(provider)

    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20, fee=3)))

    assert balance("assets:standin", "EUR") == eur(17)
    assert balance("income:posts", "EUR") == eur(-20)
    assert balance("expenses:fees:standin", "EUR") == eur(3)
    assert orders.find(payment.order).state == "paid"
    assert opened()


def test_the_same_report_is_booked_once_however_often_it_comes(provider):
    """A fact's key names the movement, never the delivery."""
    payment = begun(provider)
    for _ in range(3):
        checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))

    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == 1


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"movements": (charge("c", 19),)}, "amount"),
        ({"movements": (charge("c", 20, "USD"),)}, "currency"),
        ({"movements": (charge("c", 20),), "reference": "pay_of_another"}, "reference"),
        ({"movements": (charge("c", 20),), "mode": "test"}, "mode"),
    ],
)
def test_unexpected_money_is_booked_but_opens_nothing(provider, facts, problem):
    """Money that came in is a fact, wanted or not: it is unassigned until a person sorts it out."""
    payment = begun(provider)
    report = {"reference": payment.id, **facts}
    checkout.settle(provider, payment.id, Facts(f"si_{payment.id}", State.PAID, **report))

    movement = facts["movements"][0]
    mode = facts.get("mode", "live")
    assert balance("liabilities:unassigned", movement.currency, mode).minor == -movement.minor
    assert records.find(payment.id).wrong == problem
    assert not opened()
    assert orders.find(payment.order).state == "open"


def test_money_for_another_payee_never_came_in(provider):
    """What another account received is reported and not booked."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("c", 20), payee="somebody"))

    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == 0
    assert records.find(payment.id).wrong == "payee"
    assert not opened()


def test_a_second_payment_of_one_order_is_unassigned(provider):
    """One order is settled by exactly one payment."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, Facts("a", State.FAILED, reference=payment.id))
    checkout.pay(payment.order, provider.name, READER, "")
    second = records.of_order(payment.order)[1]
    checkout.settle(provider, second.id, paid(second, charge("ch_2", 20)))
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))

    assert balance("income:posts", "EUR") == eur(-20)
    assert balance("liabilities:unassigned", "EUR") == eur(-20)
    assert records.find(payment.id).wrong == "closed"


def test_one_object_at_the_provider_settles_one_order(provider):
    """A charge that another payment has already is not booked again and opens nothing."""
    first, second = begun(provider), begun(provider, post_line(key="post:other"))
    checkout.settle(provider, first.id, paid(first, charge("ch_1", 20)))
    checkout.settle(provider, second.id, paid(second, charge("ch_1", 20)))

    assert records.find(second.id).wrong == "reused"
    assert not opened("post:other")
    assert balance("assets:standin", "EUR") == eur(20)


def test_a_late_success_after_failure_opens(provider):
    """In the join a later success always wins."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, Facts("a", State.FAILED, reference=payment.id))
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))

    assert opened()


def test_a_charge_that_fails_after_all_is_taken_back(provider):
    """A late failure reverses the entry, revokes what it opened, and the order is not paid."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20, status=Status.FAILED)))

    assert balance("assets:standin", "EUR") == eur(0)
    assert orders.find(payment.order).state == "open"
    assert not opened()


def test_an_order_whose_charge_failed_after_all_can_be_paid_again(provider):
    """What it opened before is active again, and the order expires like any other if it is not."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20, status=Status.FAILED)))
    provider.facts[payment.id] = paid(payment, charge("ch_1", 20, status=Status.FAILED))
    checkout.pay(payment.order, provider.name, READER, "")
    second = records.of_order(payment.order)[1]
    checkout.settle(provider, second.id, paid(second, charge("ch_2", 20)))

    assert orders.find(payment.order).payment == second.id
    assert opened()
    assert balance("income:posts", "EUR") == eur(-20)


def test_an_order_whose_charge_failed_after_all_expires(provider):
    """The payment that had paid it does not keep it open for ever."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))
    provider.facts[payment.id] = paid(payment, charge("ch_1", 20, status=Status.FAILED))
    checkout.refresh(payment.id)

    assert checkout.expire(payment.order)
    assert orders.find(payment.order).state == "closed"


def test_a_fee_that_becomes_known_later_is_booked_then(provider):
    """A fee of None is not known yet; the payment stays due until it is."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20, fee=None)))
    assert balance("expenses:fees:standin", "EUR") == eur(0)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20, fee=5)))
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20, fee=6)))

    assert balance("expenses:fees:standin", "EUR") == eur(6)
    assert balance("assets:standin", "EUR") == eur(14)


@pytest.mark.parametrize(
    ("status", "open_after"), [(Status.PENDING, False), (Status.DONE, False), (Status.FAILED, True)]
)
def test_a_dispute_suspends_a_lost_one_revokes_a_won_one_restores(provider, status, open_after):
    """The entitlement follows the dispute: pending, done (lost) or failed (won)."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))
    dispute = Movement(Kind.DISPUTE, "dp_1", 20, "EUR", Status.PENDING, fee=2000)
    checkout.settle(provider, payment.id, paid(payment, dispute))
    assert not opened()
    checkout.settle(
        provider,
        payment.id,
        paid(payment, Movement(Kind.DISPUTE, "dp_1", 20, "EUR", status, fee=2000)),
    )

    assert opened() is open_after
    assert balance("income:posts", "EUR") == eur(-20 if open_after else 0)
    assert balance("assets:standin", "EUR") == eur((20 if open_after else 0) - 2000)


def test_a_dispute_of_what_was_spent_keeps_the_bound_and_raises_a_claim(provider):
    """What a bounded account cannot give back becomes a claim, and spending stops."""
    purse = Instant()
    with plugged(provider, purse):
        top_up = type(post_line())("Top-up", eur(500), f"liabilities:purse:{READER.holder}")
        payment = begun(provider, top_up)
        checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 500)))
        checkout.buy(READER, (post_line(120),), "purse")
        checkout.settle(
            provider,
            payment.id,
            paid(payment, Movement(Kind.DISPUTE, "dp", 500, "EUR", Status.PENDING, fee=0)),
        )

        assert balance(f"liabilities:purse:{READER.holder}", "EUR") == eur(0)
        assert balance(f"assets:claims:{READER.holder}", "EUR") == eur(120)
        assert claims(READER.holders)
        assert opened()
        with pytest.raises(Exception, match="taken back"):
            checkout.buy(READER, (post_line(10, "post:more"),), "purse")
        checkout.settle(
            provider,
            payment.id,
            paid(payment, Movement(Kind.DISPUTE, "dp", 500, "EUR", Status.FAILED, fee=0)),
        )

        assert balance(f"liabilities:purse:{READER.holder}", "EUR") == eur(-380)
        assert not claims(READER.holders)
        assert verify() == []


def test_a_refund_that_core_did_not_ask_for_is_unassigned(provider):
    """It stays so until a person names its lines; what was bought stays open."""
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_1", 20)))
    changed(provider, payment, charge("ch_1", 20), Movement(Kind.REFUND, "re_x", 20, "EUR", fee=0))
    checkout.settle(provider, payment.id, provider.look_up(payment))

    assert balance("liabilities:unassigned", "EUR") == eur(20)
    assert opened()


def test_an_entry_that_does_not_balance_is_a_bug(db):
    """Legs sum to zero per currency."""
    with transaction(), pytest.raises(ValueError, match="does not balance"):
        post("k", [Leg("assets:a", eur(1)), Leg("income:b", eur(-2))], reason="x")

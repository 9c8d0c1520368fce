"""A refund names lines; it is stored before the provider is asked, and asked again until known."""

from __future__ import annotations

import pytest

from core import checkout, entitlements, orders
from core.errors import BadInput, Refused
from core.ledger import balance
from core.payments import Facts, Kind, Movement, ProviderRefused, ProviderUnknown, Status, records
from core.verify import verify
from tests.stand_in import READER, Instant, StandIn, charge, eur, paid, plugged, post_line


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in, Instant()):
        yield stand_in
    assert verify() == []


def bought(provider, *lines):
    order = checkout.start_order(READER, lines or (post_line(),))
    checkout.pay(order.id, provider.name, READER, "")
    payment = records.of_order(order.id)[0]
    provider.facts[payment.id] = paid(payment, charge(f"ch_{payment.id}", order.total.minor))
    checkout.refresh(payment.id)
    return orders.find(order.id)


def opened(key="post:hello"):
    return entitlements.holds_any(READER.holders, [key])


def test_a_whole_refund_revokes_and_takes_back(provider):
    """What was granted goes when nothing of its line is left."""
    order = bought(provider)
    done = checkout.refund(order.id, {1: 20}, actor="cli", reason="asked")

    assert done.state == "done"
    assert balance("income:posts", "EUR") == eur(0)
    assert not opened()


def test_a_partial_refund_leaves_the_line_open(provider):
    """An amount up to what is left; the rest keeps the key."""
    order = bought(provider)
    checkout.refund(order.id, {1: 5}, actor="cli", reason="asked")

    assert opened()
    assert balance("income:posts", "EUR") == eur(-15)
    with pytest.raises(Refused):
        checkout.refund(order.id, {1: 16}, actor="cli", reason="asked")
    checkout.refund(order.id, {1: 15}, actor="cli", reason="asked")
    assert not opened()


def test_only_the_named_line_is_refunded(provider):
    """The other lines of the order stay as they are."""
    order = bought(provider, post_line(20), post_line(30, "post:other"))
    checkout.refund(order.id, {2: 30}, actor="cli", reason="asked")

    assert opened()
    assert not opened("post:other")


def test_an_unknown_answer_is_asked_again_with_the_same_key(provider):
    """The refund stays asked; looking again repeats it, once."""
    order = bought(provider)
    provider.error = ProviderUnknown("time-out")
    asked = checkout.refund(order.id, {1: 20}, actor="cli", reason="asked")
    assert asked.state == "asked"
    assert opened()
    provider.error = None
    checkout.refresh(order.payment)
    checkout.refresh(order.payment)

    assert not opened()
    assert [key for what, _, key in provider.asked if what == "act"] == [asked.id, asked.id]
    assert balance("assets:standin", "EUR") == eur(0)


def test_a_refused_refund_changes_nothing(provider):
    """The provider's no frees what was asked for."""
    order = bought(provider)
    provider.error = ProviderRefused("too late")
    with pytest.raises(Refused):
        checkout.refund(order.id, {1: 20}, actor="cli", reason="asked")
    provider.error = None

    assert opened()
    assert checkout.left(order, records.find(order.payment)) == {1: 20}


def test_a_refund_that_bounces_restores_what_it_revoked(provider):
    """A failed refund outranks its success: the entry is reversed and the key is back."""
    order = bought(provider)
    asked = checkout.refund(order.id, {1: 20}, actor="cli", reason="asked")
    payment = records.find(order.payment)
    back = Movement(Kind.REFUND, f"re_{asked.id}", 20, "EUR", Status.FAILED, fee=0, asked=asked.id)
    checkout.settle(provider, payment.id, Facts(payment.ref, payment.facts.state, (back,)))

    assert opened()
    assert balance("income:posts", "EUR") == eur(-20)


def test_a_refund_to_the_balance_credits_the_keeper_at_once(provider):
    """The reader may pick a provider that can keep money; nothing leaves the site."""
    order = bought(provider)
    checkout.refund(order.id, {1: 20}, actor="cli", reason="asked", to="purse")

    assert balance(f"liabilities:purse:{READER.holder}", "EUR") == eur(-20)
    assert balance("assets:standin", "EUR") == eur(20)
    assert not opened()


def test_a_refund_that_was_named_is_asked_for_once(provider):
    """A form may be sent twice; whatever the second one says, the first one counts."""
    order, name = bought(provider), checkout.new_refund_id()
    first = checkout.refund(order.id, {1: 5}, actor="cli", reason="asked", refund_id=name)
    second = checkout.refund(order.id, {1: 7}, actor="cli", reason="again", refund_id=name)

    assert first == second
    assert first.id == name
    assert balance("income:posts", "EUR") == eur(-15)
    assert [what for what, _, _ in provider.asked].count("act") == 1


def test_a_name_that_is_none_or_belongs_to_another_order_is_refused(provider):
    """Nothing goes back under a name that somebody made up."""
    order, other = bought(provider), bought(provider, post_line(30, "post:other"))
    done = checkout.refund(other.id, {1: 5}, actor="cli", reason="asked")
    for name in ("ref_1", done.id, "x" * 40):
        with pytest.raises(BadInput):
            checkout.refund(order.id, {1: 5}, actor="cli", reason="asked", refund_id=name)

    assert balance("income:posts", "EUR") == eur(-45)

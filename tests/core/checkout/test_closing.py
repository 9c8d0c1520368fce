"""What was never paid is closed, once nothing can pay it any more; what a guest has moves once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import checkout, entitlements, ledger, orders
from core.errors import Conflict
from core.ledger import CLAIMS, UNASSIGNED, Bound, Leg, balance, declare_bounds, post
from core.orders import Line
from core.payments import Cancel, ProviderRefused, ProviderUnknown, State, records
from core.plugins import catalogue
from core.reconcile import reconcile
from core.storage import execute, transaction
from core.verify import verify
from tests.stand_in import READER, StandIn, changed, charge, eur, paid, plugged, post_line

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
GUEST, USER = "gst_reader", "usr_ada"


def begun(provider):
    order = checkout.start_order(READER, (post_line(),))
    checkout.pay(order.id, provider.name, READER, "")
    return records.of_order(order.id)[-1]


def state_of(payment):
    return orders.find(payment.order).state


def acted(provider):
    return [(about, key) for name, about, key in provider.asked if name == "act"]


def test_an_order_that_nobody_tried_to_pay_is_closed(provider):
    """Plugins are told once; a second time there is nothing to close."""
    with plugged(provider, on_order_expired=lambda order: None):
        order = checkout.start_order(READER, (post_line(),))

        assert checkout.expire(order.id)
        assert orders.find(order.id).state == "closed"
        assert not checkout.expire(order.id)
        causes = execute("SELECT cause FROM notices_notice").fetchall()
        assert causes == [(f"{order.id}:expired",)]


def test_what_waits_for_the_reader_is_cancelled_first(provider):
    """So that it cannot be paid after the order is closed."""
    payment = begun(provider)

    assert checkout.expire(payment.order)
    assert acted(provider) == [(Cancel(), f"{payment.id}:cancel")]
    assert records.find(payment.id).facts.state is State.CANCELLED
    assert state_of(payment) == "closed"


def test_the_order_is_still_open_while_the_provider_cancels(provider):
    """A success that comes first pays the order."""
    seen = []

    @dataclass
    class Looking(StandIn):
        def act(self, payment, action, key):
            seen.append(orders.find(payment.order).state)
            return super().act(payment, action, key)

    looking = Looking("card")
    with plugged(looking):
        payment = begun(looking)
        checkout.expire(payment.order)

    assert seen == ["open"]


@pytest.mark.parametrize("state", [State.BANK, State.SAVED])
def test_while_a_payment_may_still_succeed_the_order_stays_open(provider, state):
    """A bank takes days; what it works on cannot be cancelled."""
    payment = begun(provider)
    changed(provider, payment, state=state)

    assert not checkout.expire(payment.order)
    assert state_of(payment) == "open"
    assert acted(provider) == []
    changed(provider, payment, charge("ch", 20))
    checkout.refresh(payment.id)
    assert not checkout.expire(payment.order)
    assert state_of(payment) == "paid"


@pytest.mark.parametrize("error", [ProviderUnknown("time-out"), ProviderRefused("not now")])
def test_while_the_provider_cannot_be_asked_the_order_stays_open(provider, error):
    """Not knowing is no end; it is tried again."""
    payment = begun(provider)
    provider.error = error
    assert not checkout.expire(payment.order)
    assert state_of(payment) == "open"
    provider.error = None

    assert checkout.expire(payment.order)


def test_while_the_provider_is_off_the_order_stays_open(provider):
    """Nobody can say what became of the payment."""
    payment = begun(provider)
    catalogue.providers.clear()
    assert not checkout.expire(payment.order)
    catalogue.providers["standin"] = provider

    assert state_of(payment) == "open"


def test_a_cancel_that_comes_too_late_pays_the_order(provider):
    """The provider answers that the money is there."""

    @dataclass
    class Late(StandIn):
        def act(self, payment, action, key):
            return paid(payment, charge("ch", 20))

    late = Late("card")
    with plugged(late):
        payment = begun(late)

        assert not checkout.expire(payment.order)
        assert state_of(payment) == "paid"
        assert entitlements.holds_any(READER.holders, ["post:hello"])


def test_a_try_that_failed_is_cancelled_when_the_order_closes(provider):
    """Its page could still be paid, which would open nothing."""
    payment = begun(provider)
    changed(provider, payment, state=State.FAILED)

    assert checkout.expire(payment.order)
    assert [action for action, _ in acted(provider)] == [Cancel()]


@pytest.mark.parametrize("end", [State.EXPIRED, State.CANCELLED])
def test_what_has_ended_does_not_keep_an_order_open(provider, end):
    """Every try is over; one that failed may be let go as well, so that its page is shut."""
    payment = begun(provider)
    changed(provider, payment, state=end)

    assert checkout.expire(payment.order)
    assert state_of(payment) == "closed"
    if end is not State.FAILED:
        assert acted(provider) == []


def test_one_try_that_may_succeed_keeps_the_order_open(provider):
    """However many others have failed."""
    first = begun(provider)
    changed(provider, first, state=State.FAILED)
    checkout.refresh(first.id)
    checkout.pay(first.order, "standin", READER, "")
    second = records.of_order(first.order)[-1]
    changed(provider, second, state=State.BANK)

    assert not checkout.expire(first.order)
    changed(provider, second, state=State.FAILED)
    checkout.refresh(second.id)
    assert checkout.expire(first.order)


def test_money_that_was_wrong_does_not_keep_an_order_open_for_ever(provider):
    """It is unassigned and will not pay the order any more, so nobody asks for it for ever."""
    payment = begun(provider)
    changed(provider, payment, charge("ch", 19))
    checkout.refresh(payment.id)

    assert checkout.expire(payment.order)
    assert state_of(payment) == "closed"
    assert balance(UNASSIGNED, "EUR") == eur(-19)


def test_a_success_after_the_end_is_unassigned(provider):
    """Money that came in is a fact: it opens nothing, and a person decides."""
    payment = begun(provider)
    checkout.expire(payment.order)
    checkout.settle(provider, payment.id, paid(payment, charge("ch", 20)))

    assert state_of(payment) == "closed"
    assert records.find(payment.id).wrong == "closed"
    assert balance(UNASSIGNED, "EUR") == eur(-20)
    assert balance("income:posts", "EUR") == eur(0)
    assert not entitlements.holds_any(READER.holders, ["post:hello"])
    with pytest.raises(Conflict):
        checkout.refund(payment.order, {1: 20}, actor="cli", reason="late")


def test_a_paid_order_is_not_closed(provider):
    """Whatever its time says."""
    payment = begun(provider)
    changed(provider, payment, charge("ch", 20))
    checkout.refresh(payment.id)

    assert not checkout.expire(payment.order)
    assert state_of(payment) == "paid"


def test_reconciling_closes_only_what_is_over(provider):
    """An order of which a minute is left waits for it."""
    with time_machine.travel(START, tick=False) as clock:
        order = checkout.start_order(READER, (post_line(),))
        clock.move_to(order.expires - timedelta(seconds=1))
        reconcile(order.expires - timedelta(seconds=1))
        assert orders.find(order.id).state == "open"
        clock.move_to(order.expires)
        reconcile(order.expires)

    assert orders.find(order.id).state == "closed"


@pytest.fixture
def bounded(db):
    ledger._bounds.clear()
    declare_bounds({"liabilities:purse:": Bound(least=0), "assets:tab:": Bound(least=0, most=100)})
    yield
    assert verify() == []
    ledger._bounds.clear()


def move(key, account, minor, currency="EUR", mode="live"):
    amount = eur(minor) if currency == "EUR" else type(eur(1))(minor, currency)
    with transaction():
        post(key, [Leg(account, amount), Leg("assets:till", -amount)], reason="test", mode=mode)


def held(family, holder, currency="EUR", mode="live"):
    return balance(family + holder, currency, mode).minor


def test_a_guest_s_balances_move_to_the_user_it_became(bounded):
    """Every bounded account, in each currency, live and test, by one entry each."""
    move("a", f"liabilities:purse:{GUEST}", -500)
    move("b", f"liabilities:purse:{GUEST}", -30, "USD")
    move("c", f"assets:tab:{GUEST}", 70)
    move("d", CLAIMS + GUEST, 5)
    move("e", f"liabilities:purse:{GUEST}", -9, mode="test")
    move("f", f"liabilities:purse:{USER}", -100)
    moved = checkout.merge(GUEST, USER)

    assert moved == 5
    assert held("liabilities:purse:", USER) == -600
    assert held("liabilities:purse:", USER, "USD") == -30
    assert held("assets:tab:", USER) == 70
    assert held(CLAIMS, USER) == 5
    assert held("liabilities:purse:", USER, mode="test") == -9
    for family in ("liabilities:purse:", "assets:tab:", CLAIMS):
        assert held(family, GUEST) == 0
    assert ledger.claims([USER])
    assert not ledger.claims([GUEST])


def test_merging_again_moves_nothing(bounded):
    """What has moved is not there any more."""
    move("a", f"liabilities:purse:{GUEST}", -500)
    checkout.merge(GUEST, USER)

    assert checkout.merge(GUEST, USER) == 0
    assert held("liabilities:purse:", USER) == -500


def test_merging_again_after_more_movements_moves_those(bounded):
    """A payment that was under way arrives at the guest's account; then it moves too."""
    for number in range(3):
        move(f"in:{number}", f"liabilities:purse:{GUEST}", -500)
        assert checkout.merge(GUEST, USER) == 1

    assert held("liabilities:purse:", USER) == -1500
    assert held("liabilities:purse:", GUEST) == 0


def test_moving_is_no_new_money_so_a_cap_does_not_stop_it(bounded):
    """Two tabs below the cap may be above it together; then they can only be paid off."""
    move("a", f"assets:tab:{GUEST}", 80)
    move("b", f"assets:tab:{USER}", 90)
    checkout.merge(GUEST, USER)

    assert held("assets:tab:", USER) == 170
    with pytest.raises(ledger.BoundExceeded):
        move("more", f"assets:tab:{USER}", 1)
    move("paid", f"assets:tab:{USER}", -100)


def test_nobody_else_s_balance_moves(bounded):
    """Not of a holder whose name ends or begins alike, nor the site's own."""
    for number, holder in enumerate(("xgst_reader", "gst_reader2", "gstXreader", "GST_READER")):
        move(str(number), f"liabilities:purse:{holder}", -7)
    move("site", "income:posts", -7)

    assert checkout.merge(GUEST, USER) == 0
    assert held("liabilities:purse:", USER) == 0


def test_a_family_that_was_declared_late_moves_too(bounded):
    """What a guest had before its family was bounded is not left behind."""
    move("early", f"liabilities:gift:{GUEST}", -30)
    declare_bounds({"liabilities:gift:": Bound(least=0)})

    assert checkout.merge(GUEST, USER) == 1
    assert held("liabilities:gift:", USER) == -30


def test_an_account_further_down_in_a_family_moves_too(bounded):
    """A plugin may keep several for a holder, such as a balance and a bonus."""
    move("bonus", f"liabilities:purse:bonus:{GUEST}", -30)

    assert checkout.merge(GUEST, USER) == 1
    assert held("liabilities:purse:bonus:", USER) == -30


def test_what_was_bought_stays_with_the_guest_s_holder(provider):
    """Nothing rewrites a holder: reads ask for all holders of a user."""
    payment = begun(provider)
    changed(provider, payment, charge("ch", 20))
    checkout.refresh(payment.id)
    checkout.merge(GUEST, USER)

    assert orders.find(payment.order).holder == GUEST
    assert entitlements.holds_any((USER, GUEST), ["post:hello"])
    assert not entitlements.holds_any((USER,), ["post:hello"])


def test_a_top_up_that_was_under_way_reaches_the_user_by_a_second_merge(provider):
    """The money is booked to the holder that ordered, then moved."""
    top_up = Line("Top-up", eur(500), f"liabilities:purse:{GUEST}")
    order = checkout.start_order(READER, (top_up,))
    checkout.pay(order.id, "standin", READER, "")
    payment = records.of_order(order.id)[0]
    checkout.merge(GUEST, USER)
    checkout.settle(provider, payment.id, paid(payment, charge("ch", 500)))

    assert checkout.merge(GUEST, USER) == 1
    assert held("liabilities:purse:", USER) == -500

"""Paying: quotes first, the intent stored before the provider is called, the truth after."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import checkout, entitlements, orders, settings, storage
from core.checkout import AlreadyHeld
from core.errors import Conflict, NotFound, Refused
from core.ledger import CLAIMS, BoundExceeded, Leg, balance, claims, post
from core.orders import Line
from core.payments import (
    Cancel,
    Capture,
    Facts,
    Hint,
    Inline,
    Intent,
    Kind,
    Movement,
    ProviderRefused,
    ProviderUnknown,
    Quote,
    Redirect,
    Refund,
    Settled,
    State,
    Status,
    inbox,
    records,
)
from core.people import Reader
from core.plugins import catalogue
from core.storage import execute, in_transaction, transaction
from core.verify import verify
from tests.stand_in import READER, Instant, StandIn, changed, charge, eur, paid, plugged, post_line

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
PURSE = f"liabilities:purse:{READER.holder}"
WRITTEN = (
    "entitlements_entitlement",
    "ledger_entry",
    "ledger_leg",
    "notices_notice",
    "orders_order",
    "payments_movement",
    "payments_payment",
)


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in, Instant()):
        yield stand_in
    assert verify() == []


def ordered(*lines):
    return checkout.start_order(READER, lines or (post_line(),), return_to="/hello")


def begun(provider, *lines):
    """Start to pay an order; return the payment."""
    order = ordered(*lines)
    checkout.pay(order.id, provider.name, READER, "https://site.example/back")
    return records.of_order(order.id)[0]


def asked(provider, what):
    return [(about, key) for name, about, key in provider.asked if name == what]


def fill(minor):
    """Put money into the reader's purse."""
    with transaction():
        post("fill", [Leg(PURSE, eur(-minor)), Leg("assets:till", eur(minor))], reason="test")


def opened(key="post:hello"):
    return entitlements.holds_any(READER.holders, [key])


def due(payment):
    row = execute("SELECT next_look FROM payments_payment WHERE id = ?", [payment.id]).fetchone()
    return row[0] is not None


def count(table):
    return execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


def offer(*providers):
    catalogue.providers.clear()
    catalogue.providers.update({one.name: one for one in providers})


def names(minor=20, reader=READER):
    return [way.provider.name for way in checkout.ways(eur(minor), reader)]


def test_the_cheapest_way_for_the_site_comes_first(provider):
    """Two of one fee stay in the order of the enabled list."""
    offer(StandIn("card", fee=2), StandIn("bank", fee=1), StandIn("purse"), StandIn("tab"))

    assert names() == ["purse", "tab", "bank", "card"]
    assert [way.quote.fee for way in checkout.ways(eur(20), READER)][2:] == [eur(1), eur(2)]


@pytest.mark.parametrize(("fee", "shown"), [(2, True), (3, False), (20, False), (25, False)])
def test_a_way_whose_fee_would_eat_the_sale_is_hidden(provider, fee, shown):
    """It may take a tenth of a sale, unless the owner sets another share or tries a loss out."""
    offer(StandIn("card", fee=fee))
    order = ordered()
    assert names() == (["card"] if shown else [])
    if not shown:
        with pytest.raises(Refused, match="not offered"):
            checkout.pay(order.id, "card", READER, "")
        assert count("payments_payment") == 0
    settings.save("checkout.allow_loss", value=True, actor="test")
    settings.reload()

    assert names() == ["card"]
    checkout.pay(order.id, "card", READER, "")
    assert count("payments_payment") == 1


def test_a_way_that_is_not_offered_is_not_shown(provider):
    """A provider says None for an amount or a country."""

    class Picky(StandIn):
        def quote(self, amount, *, country):
            return Quote("Picky", eur(0)) if country == "IT" and amount.minor >= 50 else None

    offer(Picky("picky"))

    assert names(50, replace(READER, country="IT")) == ["picky"]
    assert names(49, replace(READER, country="IT")) == []
    assert names(50) == []


def test_the_intent_says_all_and_is_stored_before_the_provider_is_called(provider):
    """Whoever dies while the provider works can ask for the truth afterwards."""

    @dataclass
    class Looking(StandIn):
        seen: list = field(default_factory=list)

        def begin(self, intent, key):
            assert not in_transaction()
            storage.close()  # another connection sees only what is committed
            self.seen.append(records.find(key))
            return super().begin(intent, key)

    looking = Looking("card")
    offer(looking)
    order = ordered()
    step = checkout.pay(order.id, "card", READER, "https://site.example/back")
    ((intent, key),) = asked(looking, "begin")
    (stored,) = looking.seen

    assert key == stored.id
    assert (stored.facts, stored.ref, stored.amount) == (Facts(""), None, eur(20))
    assert due(stored)
    assert intent == Intent(
        stored.id, order.id, READER.holder, eur(20), "Read this post",
        "https://site.example/back", "en",
    )  # fmt: skip
    assert step == Redirect(f"si_{key}", "https://pay.example/")
    assert records.find(key).ref == f"si_{key}"


@pytest.mark.parametrize("reported", [False, True])
def test_the_same_provider_again_goes_on_with_the_same_payment(provider, reported):
    """A reload sends the same key, so that nothing is charged twice."""
    payment = begun(provider)
    if reported:
        checkout.refresh(payment.id)
    checkout.pay(payment.order, "standin", READER, "https://site.example/other")

    assert [one.id for one in records.of_order(payment.order)] == [payment.id]
    assert [key for _, key in asked(provider, "begin")] == [payment.id] * 2


@pytest.mark.parametrize("state", [State.BANK, State.READY])
@pytest.mark.parametrize("way", ["standin", "card", "purse"])
def test_while_a_payment_is_under_way_no_second_one_starts(provider, state, way):
    """What the bank works on, or what is held already, is not charged once more by a reload."""
    offer(provider, StandIn("card"), Instant())
    payment = begun(provider)
    changed(provider, payment, state=state)
    checkout.settle(provider, payment.id, provider.facts[payment.id])
    with pytest.raises(Conflict):
        checkout.pay(payment.order, way, READER, "")

    assert [one.id for one in records.of_order(payment.order)] == [payment.id]


def test_another_provider_is_another_try(provider):
    """The reader may change its mind; one of the two will settle the order."""
    other = StandIn("card")
    offer(provider, other)
    payment = begun(provider)
    checkout.pay(payment.order, "card", READER, "")

    assert [one.provider for one in records.of_order(payment.order)] == ["standin", "card"]


def test_a_refused_start_fails_and_another_may_follow(provider):
    """No money moved, plugins are told, and the next try has a key of its own."""
    provider.error = ProviderRefused("no such card {x}")
    order = ordered()
    with pytest.raises(ProviderRefused):
        checkout.pay(order.id, "standin", READER, "")
    (first,) = records.of_order(order.id)
    provider.error = None
    checkout.pay(order.id, "standin", READER, "")
    second = records.of_order(order.id)[1]

    assert (first.facts.state, first.facts.failure) == (State.FAILED, "no such card {x}")
    assert not due(first)
    assert orders.find(order.id).state == "open"
    assert [key for _, key in asked(provider, "begin")] == [first.id, second.id]
    changed(provider, second, charge("ch", 20))
    checkout.refresh(second.id)
    assert opened()


def test_a_failed_try_that_was_paid_after_all_takes_no_second_payment(provider):
    """The reader tried again on the provider's page: that is found before another try begins."""
    payment = begun(provider)
    changed(provider, payment, state=State.FAILED)
    checkout.refresh(payment.id)
    changed(provider, payment, charge("ch", 20))
    with pytest.raises(Conflict):
        checkout.pay(payment.order, "standin", READER, "")

    assert len(asked(provider, "begin")) == 1
    assert orders.find(payment.order).payment == payment.id


def test_a_failed_try_is_let_go_before_another_begins(provider):
    """Its page could still be paid beside the new one."""
    payment = begun(provider)
    changed(provider, payment, state=State.FAILED)
    checkout.refresh(payment.id)
    checkout.pay(payment.order, "standin", READER, "")
    done = [what for what, _, _ in provider.asked if what != "look_up"]

    assert done == ["begin", "act", "begin"]
    assert asked(provider, "act") == [(Cancel(), f"{payment.id}:cancel")]


def test_a_refused_start_is_told_once(provider):
    """`on_payment_failed` carries the order."""
    told = []
    with plugged(provider, on_payment_failed=lambda order: told.append(order.id)):
        provider.error = ProviderRefused("no")
        order = ordered()
        with pytest.raises(ProviderRefused):
            checkout.pay(order.id, "standin", READER, "")
        causes = execute("SELECT cause FROM notices_notice").fetchall()

    assert causes == [(f"{records.of_order(order.id)[0].id}:failed",)]


def test_an_unknown_start_leaves_the_payment_new_and_due(provider):
    """A time-out is never a refusal: the same key is used again, and the truth is asked for."""
    provider.error = ProviderUnknown("time-out")
    order = ordered()
    with pytest.raises(ProviderUnknown):
        checkout.pay(order.id, "standin", READER, "")
    (payment,) = records.of_order(order.id)
    assert (payment.facts, payment.ref) == (Facts(""), None)
    assert due(payment)
    provider.error = None
    provider.facts[payment.id] = paid(payment, charge("ch", 20))
    checkout.refresh(payment.id)

    assert opened()
    assert records.find(payment.id).ref == f"si_{payment.id}"
    with pytest.raises(Conflict):
        checkout.pay(order.id, "standin", READER, "")


@pytest.mark.parametrize("error", [ProviderUnknown("reset"), RuntimeError("a bug")])
def test_after_an_unknown_start_a_second_call_repeats_the_first(provider, error):
    """With the same payment and the same key."""
    provider.error = error
    order = ordered()
    for _ in range(2):
        with pytest.raises(type(error)):
            checkout.pay(order.id, "standin", READER, "")
    (payment,) = records.of_order(order.id)

    assert [key for _, key in asked(provider, "begin")] == [payment.id] * 2
    assert due(payment)


@pytest.mark.parametrize("state", ["paid", "closed"])
def test_an_order_that_is_not_open_takes_no_payment(provider, state):
    """Paid or closed, the provider is not even asked."""
    order = ordered()
    with transaction():
        orders.mark(order, state)
    with pytest.raises(Conflict, match="no longer open"):
        checkout.pay(order.id, "standin", READER, "")

    assert provider.asked == []
    assert count("payments_payment") == 0
    with transaction():
        orders.mark(order, "open")


def test_an_order_whose_time_is_over_takes_no_payment(provider):
    """At the very instant, though nobody has closed it yet."""
    with time_machine.travel(START, tick=False) as clock:
        order = ordered()
        clock.move_to(order.expires - timedelta(microseconds=1))
        checkout.pay(order.id, "standin", READER, "")
        clock.move_to(order.expires)
        with pytest.raises(Conflict, match="no longer open"):
            checkout.pay(order.id, "standin", READER, "")


def test_an_order_or_a_provider_that_is_not_there_takes_no_payment(provider):
    """NotFound for the one, Refused for the other."""
    order = ordered()
    with pytest.raises(NotFound):
        checkout.pay("ord_nothing", "standin", READER, "")
    with pytest.raises(Refused):
        checkout.pay(order.id, "nobody", READER, "")

    assert count("payments_payment") == 0


def test_a_provider_may_draw_its_piece_on_the_page(provider):
    """Whatever the step is, its reference is stored."""

    class Drawn(StandIn):
        def begin(self, intent, key):
            return Inline("dr_1", {"token": "x"})

    offer(Drawn("card"))
    order = ordered()

    assert checkout.pay(order.id, "card", READER, "") == Inline("dr_1", {"token": "x"})
    assert records.of_order(order.id)[0].ref == "dr_1"


def test_a_provider_that_settles_at_once_needs_no_second_look(provider):
    """What it reports in its first answer is booked."""

    class Quick(StandIn):
        def begin(self, intent, key):
            facts = Facts("q_1", State.PAID, (charge("c_1", 20),), reference=intent.payment)
            return Settled(facts)

    offer(Quick("quick"))
    order = ordered()
    checkout.pay(order.id, "quick", READER, "")

    assert opened()
    assert balance("assets:quick", "EUR") == eur(20)


def test_buying_from_a_balance_is_one_step(provider):
    """Order, payment, entry and key are there at once, and nothing is left to look at."""
    fill(50)
    order = checkout.buy(READER, (post_line(),), "purse", return_to="/hello")
    (payment,) = records.of_order(order.id)

    assert opened()
    assert balance(PURSE, "EUR") == eur(-30)
    assert balance("income:posts", "EUR") == eur(-20)
    assert (order.state, order.payment, order.return_to) == ("paid", payment.id, "/hello")
    assert orders.find(order.id) == order
    assert payment.facts.state is State.PAID
    assert not due(payment)


@pytest.mark.parametrize("way", ["buy", "pay"])
def test_a_bound_that_refuses_rolls_all_of_it_back(provider, way):
    """A balance that is too small buys nothing, owes nothing, and leaves no row behind."""
    fill(19)
    order = ordered()
    calls = {
        "buy": lambda: checkout.buy(READER, (post_line(),), "purse"),
        "pay": lambda: checkout.pay(order.id, "purse", READER, ""),
    }
    before = {table: count(table) for table in WRITTEN}
    with pytest.raises(BoundExceeded) as caught:
        calls[way]()

    assert caught.value.account == PURSE
    assert {table: count(table) for table in WRITTEN} == before
    assert not opened()
    assert not claims(READER.holders)
    assert balance(PURSE, "EUR") == eur(-19)


def test_a_refused_reservation_takes_the_purchase_along(provider):
    """The seat is gone, so the money stays."""

    def refuse(order):
        raise Refused("The last seat is gone.")

    fill(50)
    with plugged(provider, Instant(), reserve=refuse), pytest.raises(Refused, match="seat"):
        checkout.buy(READER, (post_line(),), "purse")

    assert count("orders_order") == count("payments_payment") == 0
    assert balance(PURSE, "EUR") == eur(-50)


def test_a_wrong_answer_of_an_instant_provider_takes_the_purchase_along(provider):
    """What a card does is a fact; what a balance says is not, until it is right."""

    class Wrong(Instant):
        def begin(self, intent, key):
            return Settled(Facts("w", State.PAID, (charge(key, 19),), reference=intent.payment))

    offer(Wrong("purse"))
    fill(50)
    with pytest.raises(Refused, match="amount"):
        checkout.buy(READER, (post_line(),), "purse")

    assert count("orders_order") == 0
    assert balance(PURSE, "EUR") == eur(-50)


@pytest.mark.parametrize(("way", "error"), [("standin", Conflict), ("nobody", Refused)])
def test_only_an_instant_way_buys_in_one_step(provider, way, error):
    """A card takes more than one."""
    with pytest.raises(error):
        checkout.buy(READER, (post_line(),), way)

    assert count("orders_order") == 0


def test_a_double_tap_buys_once(provider):
    """What the reader holds for ever is not sold again; what lasts a while or opens nothing is."""
    fill(100)
    checkout.buy(READER, (post_line(),), "purse")
    with pytest.raises(AlreadyHeld):
        checkout.buy(READER, (post_line(),), "purse")
    tip = Line("Tip", eur(5), "income:tips")
    checkout.buy(READER, (tip,), "purse")
    checkout.buy(READER, (tip,), "purse")

    assert balance(PURSE, "EUR") == eur(-70)


def test_a_debtor_does_not_pay_from_what_it_owns(provider):
    """While a payment was taken back, balance and tab are shut, and a card is not."""
    order = ordered()
    fill(50)
    with transaction():
        legs = [Leg(CLAIMS + READER.holder, eur(5)), Leg("assets:till", eur(-5))]
        post("claim", legs, reason="test")
    with pytest.raises(Conflict, match="taken back"):
        checkout.buy(READER, (post_line(),), "purse")
    with pytest.raises(Conflict, match="taken back"):
        checkout.pay(order.id, "purse", READER, "")
    user = Reader(holder="usr_ada", holders=("usr_ada", READER.holder))
    with pytest.raises(Conflict, match="taken back"):
        checkout.buy(user, (post_line(),), "purse")

    assert isinstance(checkout.pay(order.id, "standin", READER, ""), Redirect)


class Holding(StandIn):
    """Holds the money until it is captured or let go."""

    def act(self, payment, action, key):
        if isinstance(action, Capture):
            self._ask("act", action, key)
            changed(self, payment, charge(f"ch_{payment.id}", payment.amount.minor))
            return self.facts[payment.id]
        return super().act(payment, action, key)


def held(provider):
    payment = begun(provider)
    changed(provider, payment, state=State.READY)
    return payment


def test_what_is_held_is_captured_once(provider):
    """By one look; later ones find it paid."""
    holding = Holding("card")
    offer(holding)
    payment = held(holding)
    for _ in range(3):
        checkout.refresh(payment.id)

    assert asked(holding, "act") == [(Capture(), f"{payment.id}:capture")]
    assert opened()


def test_a_capture_whose_answer_was_lost_is_repeated_with_the_same_key(provider):
    """Unknown is not refused: the provider takes one key once."""

    class Losing(Holding):
        def act(self, payment, action, key):
            super().act(payment, action, key)
            self.facts[payment.id] = replace(before, state=State.READY)
            if len(asked(self, "act")) == 1:
                raise ProviderUnknown("reset")
            return super().act(payment, action, key)

    losing = Losing("card")
    offer(losing)
    payment = held(losing)
    before = losing.facts[payment.id]
    checkout.refresh(payment.id)
    assert not opened()
    checkout.refresh(payment.id)

    assert {key for _, key in asked(losing, "act")} == {f"{payment.id}:capture"}
    assert opened()
    assert balance("assets:card", "EUR") == eur(20)


@pytest.mark.parametrize("state", [State.NEW, State.CUSTOMER, State.READY])
def test_what_waits_for_an_order_that_is_not_open_is_cancelled(provider, state):
    """Another payment settled it, or its time is over: nothing is taken."""
    holding = Holding("card")
    offer(provider, holding)
    payment = begun(holding)
    checkout.pay(payment.order, "standin", READER, "")
    other = records.of_order(payment.order)[1]
    changed(holding, payment, state=state)
    checkout.settle(holding, payment.id, holding.facts[payment.id])
    provider.facts[other.id] = paid(other, charge("ch", 20))
    checkout.refresh(other.id)
    found = checkout.refresh(payment.id)

    assert asked(holding, "act") == [(Cancel(), f"{payment.id}:cancel")]
    assert found.facts.state is State.CANCELLED
    assert not due(payment)
    assert balance("assets:card", "EUR") == eur(0)


def test_what_is_wrong_is_not_captured(provider):
    """Money that belongs to something else is left where it is."""
    holding = Holding("card")
    offer(holding)
    payment = held(holding)
    holding.facts[payment.id] = replace(holding.facts[payment.id], reference="pay_other")
    checkout.refresh(payment.id)

    assert asked(holding, "act") == []
    assert records.find(payment.id).wrong == "reference"


def test_a_look_that_cannot_be_had_now_is_taken_later(provider):
    """In growing pauses; a provider that is off waits like one that does not answer."""
    with time_machine.travel(START, tick=False) as clock:
        payment = begun(provider)
        provider.error = ProviderUnknown("time-out")
        clock.shift(60)
        assert records.due(datetime.now(UTC)) == [payment.id]
        assert checkout.refresh(payment.id).facts.state is State.NEW
        assert records.due(datetime.now(UTC) + timedelta(minutes=9)) == []
        clock.shift(600)
        assert records.due(datetime.now(UTC)) == [payment.id]
        offer()
        checkout.refresh(payment.id)
        assert records.due(datetime.now(UTC) + timedelta(minutes=59)) == []
        assert records.due(datetime.now(UTC) + timedelta(minutes=60)) == [payment.id]
        offer(provider)


def test_a_refund_whose_answer_was_lost_is_asked_again_with_its_key(provider):
    """Until the provider tells of it."""
    order = bought(provider)
    provider.error = ProviderUnknown("reset")
    refund = checkout.refund(order.id, {1: 20}, actor="cli", reason="asked")
    provider.error = None
    checkout.refresh(order.payment)
    checkout.refresh(order.payment)
    (state,) = [one.state for one in records.refunds(records.find(order.payment))]

    assert (refund.state, state) == ("asked", "done")
    assert [key for action, key in asked(provider, "act")] == [refund.id] * 2
    assert not opened()


def test_a_refund_that_is_refused_when_it_is_repeated_has_failed(provider):
    """The provider's no is for sure, whenever it comes: what was asked for is free again."""
    order = bought(provider)
    provider.error = ProviderUnknown("reset")
    checkout.refund(order.id, {1: 20}, actor="cli", reason="asked")
    provider.error = None
    act, provider.act = provider.act, refusing
    checkout.refresh(order.payment)
    provider.act = act
    payment = records.find(order.payment)

    assert [one.state for one in records.refunds(payment)] == ["failed"]
    assert checkout.left(order, payment) == {1: 20}


@pytest.mark.parametrize(
    "other",
    [
        charge("ch_a", 20, status=Status.FAILED),
        charge("ch_a", 20, status=Status.PENDING),
        charge("ch_a", 7),
    ],
)
def test_a_refund_takes_from_the_charge_that_paid(provider, other):
    """Not from one that failed, is pending, or was of another amount."""
    payment = begun(provider)
    changed(provider, payment, other, charge("ch_b", 20))
    checkout.refresh(payment.id)
    checkout.refund(payment.order, {1: 20}, actor="cli", reason="asked")
    ((action, _),) = asked(provider, "act")

    assert action == Refund(action.id, eur(20), "ch_b")


def refusing(payment, action, key):
    raise ProviderRefused("too late")


def bought(provider):
    payment = begun(provider)
    changed(provider, payment, charge(f"ch_{payment.id}", 20))
    checkout.refresh(payment.id)
    return orders.find(payment.order)


def test_a_hint_is_settled_by_what_the_provider_says_when_asked(provider):
    """It carries no amount and no state; the delivery is done with it."""
    payment = begun(provider)
    provider.facts[payment.id] = paid(payment, charge("ch", 20))
    hint = Hint("evt_1", ref=f"si_{payment.id}")
    inbox.keep("standin", hint)

    assert checkout.hear(provider, hint)
    assert opened()
    assert inbox.unsettled() == []


def test_a_hint_that_points_to_nothing_is_done(provider):
    """Another site may share the account at the provider."""
    inbox.keep("standin", Hint("evt_1", reference="pay_other"))

    assert not checkout.hear(provider, Hint("evt_1", reference="pay_other"))
    assert inbox.unsettled() == []
    assert provider.asked == []


def test_a_hint_that_cannot_be_settled_stays(provider):
    """The error passes on, so that whoever keeps the inbox tries again."""
    payment = begun(provider)
    hint = Hint("evt_1", reference=payment.id)
    inbox.keep("standin", hint)
    provider.error = ProviderUnknown("time-out")
    with pytest.raises(ProviderUnknown):
        checkout.hear(provider, hint)

    assert [row[1] for row in inbox.unsettled()] == ["evt_1"]


def test_a_movement_leads_to_its_payment(provider):
    """An event that names only a refund is settled like one that names the payment."""
    order = bought(provider)
    payment = records.find(order.payment)
    dispute = Movement(Kind.DISPUTE, "dp_1", 20, "EUR", Status.PENDING, fee=0)
    changed(provider, payment, dispute)
    checkout.hear(provider, Hint("evt", movement=f"ch_{payment.id}"))

    assert not opened()

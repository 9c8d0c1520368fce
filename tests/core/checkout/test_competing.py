"""Several tries to pay one order: none can be paid beside the one that goes on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core import checkout, orders, storage
from core.checkout.competing import let_others_go, refuse_under_way
from core.clock import now
from core.errors import Conflict, Refused
from core.payments import (
    Cancel,
    Facts,
    Inline,
    Kind,
    ProviderRefused,
    ProviderUnknown,
    Redirect,
    State,
    Status,
    records,
)
from core.reconcile import reconcile
from core.storage import execute, transaction
from core.verify import verify
from tests.stand_in import (
    READER,
    StandIn,
    begun,
    changed,
    charge,
    paid,
    plugged,
    post_line,
)


@pytest.mark.parametrize("state", [State.BANK, State.READY])
def test_nobody_pays_beside_what_the_bank_decides(provider, state):
    """Neither by hand nor by a kept method."""
    payment = begun(provider)
    payment = checkout.settle(provider, payment.id, Facts(payment.ref, state))

    with pytest.raises(Conflict):
        refuse_under_way([payment])


def by_kept_method(provider):
    """Return a page that waits for the reader, and a charge that begins beside it."""
    first = begun(provider)
    second = replace(first, id="pay_second", ref=None, method="met_1", facts=Facts(""))
    with transaction():
        records.store(second)
    return first, second


def test_a_page_that_waits_is_let_go_before_a_kept_method_is_charged(provider):
    """So that the reader cannot pay there a second time."""
    first, second = by_kept_method(provider)
    let_others_go(second, [first])

    assert records.find(first.id).facts.state is State.CANCELLED
    provider.facts[second.id] = Facts("x", State.CANCELLED, reference=second.id)


def test_what_was_paid_meanwhile_stands(provider):
    """The charge is never made."""
    first, second = by_kept_method(provider)
    provider.facts[first.id] = paid(first, charge("ch", 20))

    with pytest.raises(Conflict):
        let_others_go(second, [first])


def test_without_an_answer_nothing_new_begins(provider):
    """Not known is not cancelled."""
    first, second = by_kept_method(provider)
    provider.error = ProviderUnknown("time-out")
    with pytest.raises(Conflict):
        let_others_go(second, [first])
    provider.error = None

    assert records.find(first.id).facts.state is State.NEW


ROUNDS = 3


class Doors(StandIn):
    """Knows both ways, and cannot cancel what it has never heard of."""

    def __init__(self):
        super().__init__(can=frozenset({"inline", "refund"}))
        self.lock = threading.Lock()
        self.meanwhile = None

    def begin(self, intent, key):
        """Answer as it was asked, after what a test lets happen meanwhile."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        with self.lock:
            step = super().begin(intent, key)
        return Inline(step.ref, {"secret": key}) if intent.inline else step

    def act(self, payment, action, key):
        """Do one thing at a time; what is charged stays charged."""
        with self.lock:
            if payment.id not in self.facts:
                raise ProviderRefused("unknown")
            return super().act(payment, action, key)

    def take(self, payment):
        """Charge, unless it was cancelled."""
        with self.lock:
            known = self.facts[payment.id]
            if known.state is not State.CANCELLED:
                self.facts[payment.id] = known.join(paid(payment, charge(f"ch_{payment.id}", 20)))


@pytest.fixture
def doors(db):
    doors = Doors()
    with plugged(doors):
        yield doors
    assert verify() == []


def ordered(key="post:hello"):
    return checkout.start_order(READER, (post_line(key=key),)).id


def pay(order, *, inline, name="standin"):
    return checkout.pay(order, name, READER, "https://site.example/back", inline=inline)


def states(order):
    return [(one.inline, str(one.facts.state)) for one in records.of_order(order)]


def test_each_door_is_a_payment_of_its_own_and_the_last_one_stands(doors):
    """The one that is left is let go before the other one begins; coming back is a new try."""
    order = ordered()
    assert isinstance(pay(order, inline=True), Inline)
    assert isinstance(pay(order, inline=False), Redirect)
    assert isinstance(pay(order, inline=True), Inline)
    made = [what if what == "begin" else about for what, about, _ in doors.asked
            if what != "look_up"]  # fmt: skip

    assert made == ["begin", Cancel(), "begin", Cancel(), "begin"]
    assert states(order)[:2] == [(True, "cancelled"), (False, "cancelled")]
    assert [one.ref is None for one in records.of_order(order)] == [False] * 3


def test_a_button_on_the_page_keeps_no_method(doors):
    """Whoever adds the wish to a request by hand gets a payment without it."""
    doors.can |= {"save"}
    order = ordered()
    checkout.pay(order, "standin", READER, "https://site.example/back", save=True, inline=True)

    assert [(one.inline, one.save) for one in records.of_order(order)] == [(True, False)]


def test_the_same_door_again_goes_on_with_the_same_payment(doors):
    """A second tap on the button sends the same key."""
    order = ordered()
    pay(order, inline=True)
    pay(order, inline=True)

    assert len(records.of_order(order)) == 1


def test_what_was_paid_through_one_door_shuts_the_other(doors):
    """That is found before the other one begins."""
    order = ordered()
    pay(order, inline=True)
    (payment,) = records.of_order(order)
    changed(doors, payment, charge("ch", 20))
    with pytest.raises(Conflict):
        pay(order, inline=False)

    assert orders.find(order).payment == payment.id
    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == 1


def test_a_door_that_may_still_be_open_keeps_the_other_one_shut(doors):
    """While the provider does not answer nothing is begun, once the reader has an address."""
    order = ordered()
    pay(order, inline=False)
    doors.error = ProviderUnknown("time-out")
    with pytest.raises(Conflict):
        pay(order, inline=True)

    assert len([what for what, _, _ in doors.asked if what == "begin"]) == 1


def test_a_start_that_nobody_heard_of_keeps_no_door_shut(doors):
    """It has no reference, so that no reader can have its page."""
    order = ordered()
    doors.error = ProviderUnknown("time-out")
    with pytest.raises(ProviderUnknown):
        pay(order, inline=False)
    doors.error = None

    assert isinstance(pay(order, inline=True), Inline)


def test_whoever_was_overtaken_while_the_provider_was_asked_gives_way(doors):
    """Their page is given to nobody, and is cancelled."""
    order = ordered()
    doors.meanwhile = lambda: pay(order, inline=True)
    with pytest.raises(Conflict, match="meanwhile"):
        pay(order, inline=False)

    assert states(order)[0] == (False, "cancelled")
    assert states(order)[1][0] is True


def test_a_provider_with_a_page_of_its_own_only_draws_none_here(doors):
    """The form that asks for it is refused, and nothing is stored."""
    with plugged(StandIn("card")):
        order = ordered()
        with pytest.raises(Refused, match="page of its own"):
            pay(order, inline=True, name="card")

    assert records.of_order(order) == []


def test_both_doors_at_once_charge_once(doors):
    """Two tabs, each paid as soon as it may: one charge, one order, and the rest is cancelled."""
    for number in range(ROUNDS):
        order = ordered(f"post:{number}")
        gate = threading.Barrier(4)

        def tap(inline, order=order, gate=gate):
            gate.wait()
            try:
                step = pay(order, inline=inline)
                (mine,) = [one for one in records.of_order(order) if one.ref == step.ref]
                doors.take(mine)
            except Conflict:
                pass
            finally:
                storage.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(tap, [True, False, True, False]))
        for one in records.of_order(order):
            checkout.refresh(one.id)
        reconcile(now())
        done = [
            one.id for one in records.of_order(order) if one.facts.total(Kind.CHARGE, Status.DONE)
        ]

        assert len(done) == 1
        assert orders.find(order).payment == done[0]

"""The entries that follow from a movement: named after it, so that nothing is booked twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import checkout, entitlements, orders
from core.checkout import booking
from core.ledger import CLAIMS, UNASSIGNED, Leg, balance, legs_of
from core.money import Money
from core.orders import Line, Order
from core.payments import Facts, Kind, Movement, Payment, State, Status, records
from core.storage import execute, transaction
from core.verify import verify
from tests.stand_in import READER, StandIn, charge, eur, paid, plugged, post_line

FEES = "expenses:fees:standin"
PENDING, DONE, FAILED = Status.PENDING, Status.DONE, Status.FAILED


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in):
        yield stand_in
    assert verify() == []


def begun(provider, *lines):
    order = checkout.start_order(READER, lines or (post_line(),))
    checkout.pay(order.id, provider.name, READER, "")
    return records.of_order(order.id)[0]


def settled(provider, payment, *movements, **rest):
    return checkout.settle(provider, payment.id, paid(payment, *movements, **rest))


def sold(provider, *lines):
    """Return the payment of an order that was paid in full."""
    payment = begun(provider, *lines)
    return settled(provider, payment, charge("ch", payment.amount.minor))


def dispute(id, minor, status=PENDING, fee=0):
    return Movement(Kind.DISPUTE, id, minor, "EUR", status, fee)


def held(*accounts):
    return [balance(account, "EUR").minor for account in accounts]


def keys():
    rows = execute("SELECT key FROM ledger_entry ORDER BY id").fetchall()
    return [row[0] for row in rows]


def taxed(label="Post", minor=122, tax=22, first=1):
    """Return a line with its tax moved out of it by two lines that are part of it."""
    return (
        Line(label, eur(minor), "income:posts"),
        Line("VAT", eur(-tax), "income:posts", part_of=first),
        Line("VAT", eur(tax), "liabilities:vat:IT", part_of=first),
    )


def test_an_entry_is_named_after_provider_kind_and_movement():
    """Never after the delivery that told of it."""
    payment = Payment("pay_1", "ord_1", "standin", "live", eur(20))

    assert booking.key_of(payment, charge("ch:1", 20)) == "standin:charge:ch:1"
    assert booking.key_of(payment, dispute("d", 1), "fee") == "standin:dispute:d:fee"


def test_a_charge_earns_what_the_lines_say(provider):
    """Tax goes to its own account, a line of nothing nowhere."""
    payment = sold(provider, *taxed(), Line("Free", eur(0), "income:gifts"))

    assert legs_of("standin:charge:ch") == [
        Leg("assets:standin", eur(122)), Leg("income:posts", eur(-100)),
        Leg("liabilities:vat:IT", eur(-22)),
    ]  # fmt: skip
    row = execute("SELECT order_id, mode, reason FROM ledger_entry").fetchone()
    assert tuple(row) == (payment.order, "live", "charge")


def test_a_charge_that_is_pending_moves_nothing(provider):
    """Neither money nor its fee; both are booked when it is done."""
    payment = begun(provider)
    settled(provider, payment, charge("ch", 20, status=PENDING, fee=3))
    assert keys() == []
    settled(provider, payment, charge("ch", 20, status=DONE, fee=3))

    assert keys() == ["standin:charge:ch", "standin:charge:ch:fee"]
    assert held("assets:standin", FEES, "income:posts") == [17, 3, -20]


def test_a_charge_that_failed_costs_its_fee_and_no_more(provider):
    """Some providers take one for a failure."""
    payment = begun(provider)
    checkout.settle(
        provider, payment.id, Facts("si", State.FAILED, (charge("ch", 20, status=FAILED, fee=1),))
    )

    assert keys() == ["standin:charge:ch:fee"]
    assert held("assets:standin", FEES) == [-1, 1]


@pytest.mark.parametrize(
    "fees", [(None, 5), (0, 5), (5, 5), (3, 5), (None, 3, None, 4, 5), (5, 3), (5, None)]
)
def test_fees_come_to_the_largest_that_was_reported(provider, fees):
    """Known late, grown, or reported again in another order."""
    payment = begun(provider)
    for fee in fees:
        settled(provider, payment, charge("ch", 20, fee=fee))

    assert held(FEES, "assets:standin") == [5, 15]


def test_a_fee_that_the_provider_gives_is_booked_as_one(provider):
    """A negative fee is money for the site."""
    payment = begun(provider)
    settled(provider, payment, charge("ch", 20, fee=-2))

    assert held(FEES, "assets:standin") == [-2, 22]


def test_a_figure_that_grows_later_is_unassigned_and_what_was_bought_stays_open(provider):
    """More came in than was first said: nobody asked for the difference, and nobody loses by it."""
    payment = begun(provider, post_line())
    settled(provider, payment, charge("ch", 20))
    settled(provider, payment, charge("ch", 25))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [25, -20, -5]
    assert orders.find(payment.order).state == "paid"
    assert entitlements.holds_any(READER.holders, ["post:hello"])


def test_a_charge_that_fails_takes_back_all_that_was_booked_for_it(provider):
    """What was added when its figure grew as well."""
    payment = begun(provider)
    settled(provider, payment, charge("ch", 20))
    settled(provider, payment, charge("ch", 25))
    settled(provider, payment, charge("ch", 25, status=FAILED))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [0, 0, 0]


def test_a_charge_that_fails_with_another_figure_takes_back_what_was_booked(provider):
    """The reversal is the opposite of the entry, whatever the last report says."""
    payment = begun(provider)
    settled(provider, payment, charge("ch", 20, fee=1))
    settled(provider, payment, charge("ch", 30, status=FAILED, fee=1))

    assert held("assets:standin", "income:posts", UNASSIGNED, FEES) == [-1, 0, 0, 1]


@pytest.mark.parametrize("order", [("ch_1", "ch_2"), ("ch_2", "ch_1")])
def test_what_is_earned_and_what_is_opened_go_together(provider, order):
    """A report that names a charge of another payment earns nothing with its own charge either."""
    first, second = begun(provider), begun(provider, post_line(key="post:other"))
    mine, stolen = order
    settled(provider, first, charge(stolen, 20))
    settled(provider, second, charge(mine, 20), charge(stolen, 20))
    open_now = entitlements.holds_any(READER.holders, ["post:other"])

    assert held("income:posts") == [-40 if open_now else -20]
    assert held("assets:standin") == [40]
    assert orders.find(second.order).state == ("paid" if open_now else "open")


def test_money_that_was_reused_stays_marked_when_more_is_reported(provider):
    """A fee that becomes known later does not make a wrong payment right."""
    first, second = begun(provider), begun(provider, post_line(key="post:other"))
    settled(provider, first, charge("ch", 20))
    settled(provider, second, charge("ch", 20))
    settled(provider, second, charge("ch", 20, fee=2))

    assert records.find(second.id).wrong == "reused"


def test_money_that_came_in_pays_the_order_or_is_marked(provider):
    """A figure that grows to the amount asked is never taken without a word to anybody."""
    payment = begun(provider)
    settled(provider, payment, charge("ch", 19))
    settled(provider, payment, charge("ch", 20))

    assert orders.find(payment.order).state == "paid" or records.find(payment.id).wrong


@pytest.mark.parametrize("second", ["ch_2", "ch_0"])
def test_one_of_two_charges_pays_and_the_other_is_unassigned(provider, second):
    """In one report or in two."""
    payment = begun(provider)
    settled(provider, payment, charge("ch_1", 20))
    settled(provider, payment, charge("ch_1", 20), charge(second, 20))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [40, -20, -20]


def test_a_test_payment_is_booked_apart(provider):
    """What a provider calls test is test money, whatever was asked."""
    payment = begun(provider)
    settled(provider, payment, charge("ch", 20, fee=1), mode="test")

    assert held("assets:standin", "income:posts", UNASSIGNED, FEES) == [0, 0, 0, 0]
    assert balance(UNASSIGNED, "EUR", "test") == eur(-20)
    assert balance(FEES, "EUR", "test") == eur(1)


def test_a_dispute_takes_from_all_lines_in_proportion(provider):
    """Lines that are part of another follow it, to the cent."""
    payment = sold(provider, *taxed(), Line("Tip", eur(61), "income:tips"))
    settled(provider, payment, dispute("dp", 90))

    assert held("assets:standin", "income:posts", "liabilities:vat:IT", "income:tips") == [
        93, -51, -11, -31,
    ]  # fmt: skip


@pytest.mark.parametrize("status", [DONE, PENDING])
def test_a_dispute_takes_no_more_than_refunds_left(provider, status):
    """What is beyond it belongs to nobody yet."""
    payment = sold(provider, *taxed(), Line("Tip", eur(61), "income:tips"))
    checkout.refund(payment.order, {1: 61, 4: 61}, actor="cli", reason="asked")
    settled(provider, payment, dispute("dp", 61, status))

    assert held("income:posts", "liabilities:vat:IT", "income:tips", UNASSIGNED) == [0, 0, 0, 0]
    assert held("assets:standin") == [0]


def test_a_dispute_of_more_than_was_charged_is_partly_unassigned(provider):
    """A provider may take a cost of its own in the same figure."""
    payment = sold(provider)
    settled(provider, payment, dispute("dp", 35))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [-15, 0, 15]


def test_two_disputes_share_what_is_left(provider):
    """Both open, they take the order once; a won one gives back what it took."""
    payment = sold(provider)
    settled(provider, payment, dispute("dp_1", 15))
    settled(provider, payment, dispute("dp_2", 15))
    assert held("assets:standin", "income:posts", UNASSIGNED) == [-10, 0, 10]
    settled(provider, payment, dispute("dp_2", 15, FAILED))
    settled(provider, payment, dispute("dp_1", 15, FAILED))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [20, -20, 0]


def test_a_dispute_s_fee_stays_when_it_is_won(provider):
    """The bank keeps it."""
    payment = sold(provider)
    settled(provider, payment, dispute("dp", 20, fee=1500))
    settled(provider, payment, dispute("dp", 20, FAILED, fee=1500))

    assert held("assets:standin", "income:posts", FEES) == [-1480, -20, 1500]


def test_money_back_from_what_never_paid_the_order_is_unassigned(provider):
    """A refund or dispute of an unassigned charge takes it from there."""
    first = begun(provider)
    settled(provider, first, charge("ch_1", 19))
    settled(provider, first, charge("ch_1", 19), Movement(Kind.REFUND, "re", 12, "EUR", fee=0))
    settled(provider, first, dispute("dp", 7, DONE))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [0, 0, 0]


def test_a_refund_of_another_figure_than_was_asked_is_unassigned(provider):
    """Which lines it belongs to is for a person to say."""
    payment = sold(provider)
    provider.act = lambda payment, action, key: paid(
        payment, Movement(Kind.REFUND, "re", 15, "EUR", fee=0, asked=key)
    )
    checkout.refund(payment.order, {1: 20}, actor="cli", reason="asked")

    assert held("assets:standin", "income:posts", UNASSIGNED) == [5, -20, 15]


def test_a_refund_that_is_pending_moves_nothing_yet(provider):
    """It is booked when it is done, from the lines that were named."""
    payment = sold(provider, *taxed())
    provider.act = lambda payment, action, key: paid(
        payment, Movement(Kind.REFUND, "re", 61, "EUR", PENDING, fee=0, asked=key)
    )
    refund = checkout.refund(payment.order, {1: 61}, actor="cli", reason="asked")
    assert refund.state == "asked"
    assert held("income:posts", "liabilities:vat:IT") == [-100, -22]
    settled(provider, payment, Movement(Kind.REFUND, "re", 61, "EUR", DONE, fee=0, asked=refund.id))

    assert held("income:posts", "liabilities:vat:IT", "assets:standin") == [-50, -11, 61]
    assert [one.state for one in records.refunds(payment)] == ["done"]


@pytest.mark.parametrize("spent", [0, 120, 500])
def test_what_a_reversal_cannot_take_from_a_purse_becomes_a_claim(provider, spent):
    """The provider took all of it back; the reader owes what it spent."""
    purse = f"liabilities:purse:{READER.holder}"
    payment = sold(provider, Line("Top-up", eur(500), purse))
    with transaction():
        booking.post(
            "spend", [Leg(purse, eur(spent)), Leg("income:posts", eur(-spent))], reason="test"
        )
    settled(provider, payment, charge("ch", 500, status=FAILED))

    assert held("assets:standin", purse, CLAIMS + READER.holder) == [0, 0, spent]


EVENTS = st.lists(
    st.one_of(
        st.builds(
            Movement,
            kind=st.just(Kind.CHARGE),
            id=st.sampled_from(["a", "b"]),
            minor=st.sampled_from([19, 20]),
            currency=st.just("EUR"),
            status=st.sampled_from(Status),
            fee=st.sampled_from([None, 0, 2]),
        ),
        st.builds(
            Movement,
            kind=st.sampled_from([Kind.REFUND, Kind.DISPUTE]),
            id=st.sampled_from(["x", "y"]),
            minor=st.sampled_from([5, 20]),
            currency=st.just("EUR"),
            status=st.sampled_from(Status),
            fee=st.sampled_from([None, 0, 2]),
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=EVENTS)
def test_the_till_holds_what_the_provider_holds(db, events):
    """Whatever is reported in whatever steps: charges, less what went back, less fees."""
    provider = StandIn()
    with plugged(provider):
        payment = begun(provider, Line("Tip", eur(20), "income:tips"))
        before, known = held("assets:standin")[0], Facts("")
        for event in events:
            report = paid(payment, replace(event, id=f"{payment.id}{event.id}"))
            known = known.join(report)
            checkout.settle(provider, payment.id, report)
        faults = {fault.invariant for fault in verify()}

    assert held("assets:standin")[0] - before == sum(_worth(m) for m in known.movements)
    assert faults <= {"refunds"}  # more may go back than came in: that is said, and booked


def _worth(movement):
    """Return what a movement leaves in the till."""
    opened = movement.kind is Kind.DISPUTE and movement.status is PENDING
    moved = movement.minor if opened or movement.status is DONE else 0
    known = movement.kind is Kind.DISPUTE or movement.status is not PENDING
    fee = movement.fee or 0 if known else 0
    return (moved if movement.kind is Kind.CHARGE else -moved) - fee


@settings(deadline=None, max_examples=60)
@given(
    worths=st.lists(st.integers(1, 500), min_size=1, max_size=4),
    tax=st.integers(0, 40),
    cuts=st.lists(st.integers(1, 300), max_size=6),
)
def test_what_goes_back_of_an_order_comes_to_what_it_earned(worths, tax, cuts):
    """Line by line, in any steps, every account ends at nothing when all of it went back."""
    order = Order("gst_x", (), "EUR")
    for worth in worths:
        first = len(order.lines) + 1
        order = order.with_lines(taxed(minor=worth, tax=min(tax, worth), first=first))
    left = dict.fromkeys((line.number for line in order.lines if line.part_of is None), 0)
    sums = dict.fromkeys((line.account for line in order.lines), 0)
    worth_of = {n: sum(one.amount.minor for one in order.group(n)) for n in left}
    for number in left:
        for cut in [*cuts, worth_of[number]]:
            step = min(cut, worth_of[number] - left[number])
            for leg in booking.parts(order, number, step, left[number]):
                sums[leg.account] += leg.amount.minor
            left[number] += step

    earned = {}
    for line in order.lines:
        earned[line.account] = earned.get(line.account, 0) + line.amount.minor
    assert sums == earned
    assert Money(sum(sums.values()), "EUR") == order.total

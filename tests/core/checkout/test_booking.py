"""The entries that follow from a movement: named after it, so that nothing is booked twice."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import checkout, entitlements, orders
from core.checkout import booking
from core.ledger import UNASSIGNED, Leg, balance, legs_of
from core.orders import Line
from core.payments import Facts, Kind, Movement, Payment, State, Status, records
from core.storage import execute
from core.verify import verify
from tests.stand_in import (
    READER,
    StandIn,
    begun,
    charge,
    dispute,
    eur,
    held,
    paid,
    plugged,
    post_line,
    settled,
    sold,
    taxed,
)

FEES = "expenses:fees:standin"
PENDING, DONE, FAILED = Status.PENDING, Status.DONE, Status.FAILED


def keys():
    rows = execute("SELECT key FROM ledger_entry ORDER BY id").fetchall()
    return [row[0] for row in rows]


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


def changed_on_the_way(ref):
    """Return the reports on ten euro that became 1,080 US cents, of which 63 were the fee."""
    bare = {"id": f"ch_{ref}", "minor": 1000, "fee": None}
    settled = {**bare, "settled_minor": 1080, "settled_currency": "USD"}
    back = Movement(Kind.REFUND, f"re_{ref}", 500, "EUR", DONE, fee=0)
    return [
        charge(**bare),
        charge(**settled),
        charge(**{**bare, "fee": 63, "fee_currency": "USD"}),
        replace(back, settled_minor=545, settled_currency="USD"),
    ]


def sums(order):
    rows = execute(
        "SELECT account, currency, SUM(minor) FROM ledger_leg JOIN ledger_entry ON id = entry_id "
        "WHERE order_id = ? GROUP BY account, currency HAVING SUM(minor) <> 0",
        [order],
    )
    return {(account, currency): int(minor) for account, currency, minor in rows.fetchall()}


def test_money_that_was_changed_crosses_by_an_exchange_in_whatever_order_it_is_told(provider):
    """Legs balance in each currency; the fee costs its share of what was changed."""
    found = []
    for number, order in enumerate(itertools.permutations(range(4))):
        payment = begun(provider, Line("Book", eur(1000), "income:books"))
        reports = changed_on_the_way(str(number))
        for one in order:
            checkout.settle(provider, payment.id, paid(payment, reports[one]))
        found.append(sums(payment.order))

    assert all(one == found[0] for one in found)
    assert found[0] == {
        ("assets:standin", "USD"): 1080 - 545 - 63,
        ("exchange:EUR:USD", "USD"): -1080 + 545 + 63,
        ("exchange:EUR:USD", "EUR"): 1000 - 500 - 58,
        ("income:books", "EUR"): -1000,
        (UNASSIGNED, "EUR"): 500,
        (FEES, "EUR"): 58,
    }


def test_a_fee_in_another_currency_is_a_cost_in_that_currency(provider):
    """Where nothing was changed there is no rate to tell what it was worth."""
    payment = begun(provider)
    checkout.settle(
        provider, payment.id, paid(payment, charge("ch", 20, fee=3, fee_currency="USD"))
    )

    assert sums(payment.order)[FEES, "USD"] == 3
    assert sums(payment.order)["assets:standin", "USD"] == -3

"""A provider's account is explained to the cent, or what differs is named."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from core import checkout
from core.clock import now
from core.errors import Refused
from core.orders import Line
from core.payments import Kind, Movement, ProviderUnknown, StatementLine, Status, lines
from core.reconcile import explain_yesterday
from core.storage import execute
from core.verify import verify
from tests.stand_in import StandIn, begun, changed, charge, dispute, eur, held, plugged, sold

FEES = "expenses:fees:standin"


@dataclass
class Telling(StandIn):
    """A stand-in that tells the account that a test wrote."""

    can: frozenset[str] = frozenset({"refund", "statement"})
    account: list[StatementLine] = field(default_factory=list)

    def statement(self, since, until):
        self._ask("statement", (since, until), "")
        return [one for one in self.account if since <= one.at < until]

    def add(self, kind, id, minor, fee=0, *, days_ago=0, payout=None, currency="EUR"):
        at = now() - timedelta(days=days_ago)
        self.account.append(StatementLine(kind, id, at, minor, fee, currency, payout))


@pytest.fixture
def teller(db):
    teller = Telling()
    with plugged(teller):
        yield teller
    assert verify() == []


def explained(teller):
    found = checkout.explain(teller, now().date())
    return {(one.subject, one.problem): one.amount.minor for one in found}


def busy_day(teller):
    """Let a reader pay ten euro; five go back, two are disputed, the rest is paid out."""
    payment = begun(teller, Line("Book", eur(1000), "income:books"))
    changed(teller, payment, charge("ch", 1000, fee=40))
    changed(teller, payment, Movement(Kind.REFUND, "re", 500, "EUR", fee=0), dispute("dp", 200))
    checkout.refresh(payment.id)
    teller.add("charge", "ch", 1000, 40, payout="po")
    teller.add("refund", "re", -500, payout="po")
    teller.add("dispute", "dp", -200, payout="po")
    teller.add("fee", "monthly", -10, payout="po")
    teller.add("payout", "po", -250)
    return payment


def test_a_day_on_which_everything_agrees_is_explained(teller):
    """Payouts and fees of no movement are booked by it, once however often it is asked for."""
    busy_day(teller)

    for _ in range(2):
        assert explained(teller) == {}
    assert held("assets:standin", "assets:bank", FEES) == [0, 250, 50]
    assert lines.differences(9) == []
    assert [one.id for _, one in lines.payouts(9)] == ["po"]


@pytest.mark.parametrize(
    ("position", "change", "found"),
    [
        (0, {"minor": 999}, {("charge:ch", "amount"): -1, ("payout:po", "payout"): -1}),
        (0, {"fee": 41}, {("charge:ch", "fee"): 1, ("payout:po", "payout"): -1}),
        (1, {"id": "re_2"}, {("refund:re_2", "unknown"): -500, ("refund:re", "missing"): -500}),
        (2, {"minor": -199}, {("dispute:dp", "amount"): 1, ("payout:po", "payout"): 1}),
        (3, {"kind": "other"}, {("other:monthly", "unknown"): -10}),
        (4, {"minor": -249}, {("payout:po", "payout"): 1}),
    ],
)
def test_every_cent_that_differs_is_named(teller, position, change, found):
    """Which line, in what, and by how much."""
    busy_day(teller)
    teller.account[position] = replace(teller.account[position], **change)

    assert explained(teller) == found
    assert {(one.subject, one.problem): one.amount.minor for one in lines.differences(9)} == found


def test_what_is_mended_is_no_longer_a_difference(teller):
    """The day is explained again, and what was found before is forgotten."""
    busy_day(teller)
    right, teller.account[0] = teller.account[0], replace(teller.account[0], id="ch_9")
    assert explained(teller)
    execute("DELETE FROM payments_line WHERE id = 'ch_9'")
    teller.account[0] = right

    assert explained(teller) == {}
    assert lines.differences(9) == []


def test_a_line_of_an_earlier_day_explains_what_was_booked_late(teller):
    """A webhook that came three days late is no difference, nor is its payout."""
    sold(teller)
    teller.add("charge", "ch", 20, days_ago=3, payout="po")
    teller.add("payout", "po", -20)

    assert explained(teller) == {}
    assert held("assets:standin", "assets:bank") == [0, 20]


def test_a_dispute_is_explained_on_the_day_it_opens_and_on_the_day_it_is_won(teller):
    """Its two lines have one id, and come to nothing together."""
    payment = sold(teller)
    changed(teller, payment, charge("ch", 20), dispute("dp", 20))
    checkout.refresh(payment.id)
    teller.add("charge", "ch", 20)
    teller.add("dispute", "dp", -20)
    opened = explained(teller)
    changed(teller, payment, dispute("dp", 20, Status.FAILED))
    checkout.refresh(payment.id)
    teller.add("dispute", "dp", 20)

    assert opened == explained(teller) == {}


def test_an_exchange_is_booked_when_both_of_its_lines_are_known(teller):
    """One alone is not explained."""
    teller.add("exchange", "fx", -100)
    alone = explained(teller)
    teller.add("exchange", "fx", 109, 1, currency="USD")

    assert alone == {("exchange:fx", "unknown"): -100}
    assert explained(teller) == {}
    assert held("exchange:EUR:USD", "assets:standin") == [100, -100]


def test_a_payout_that_comes_back_is_booked_back(teller):
    """The bank refused it; the money lies with the provider again."""
    teller.add("payout", "po", -20)
    teller.add("payout", "po", 20)

    assert explained(teller) == {}
    assert held("assets:standin", "assets:bank") == [0, 0]


def test_yesterday_is_explained_each_day_and_silence_is_a_difference(teller):
    """A provider that does not answer is looked at by a person, and asked again on demand."""
    teller.add("payout", "po", -20, days_ago=1)
    teller.error = ProviderUnknown("time-out")
    silent = explain_yesterday(now()), [one.problem for one in lines.differences(9)]
    teller.error = None

    assert silent == (1, ["silent"])
    assert explain_yesterday(now()) == 0
    assert lines.differences(9) == []


def test_only_who_tells_an_account_is_asked_for_it(provider):
    """The others have none."""
    with pytest.raises(Refused):
        checkout.explain(provider, now().date())
    assert explain_yesterday(now()) == 0

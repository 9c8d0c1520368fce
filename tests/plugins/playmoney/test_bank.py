"""The bank's own rules, beyond what every provider keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from core.clock import now
from core.money import Money
from plugins.playmoney.bank import Bank, BankRefused, UnknownPayment, Wish
from plugins.playmoney.prices import charge_fee

WISH = Wish(
    payee="site", key="pay_1", reference="pay_1", minor=20, currency="EUR", description="Hello",
    return_url="http://localhost/checkout/ord_1", language="it",
)  # fmt: skip


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    made = Bank(tmp_path / "bank.db")
    yield made
    made.log.close()


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@pytest.mark.parametrize(
    ("minor", "fee"), [(20, 25), (33, 25), (34, 26), (100, 27), (300, 30), (500, 33), (1000, 40)]
)
def test_a_charge_costs_what_the_price_list_says(minor: int, fee: int) -> None:
    """One and a half percent, half a cent rounded up, and 25 cents."""
    assert charge_fee(minor, "EUR") == fee


def test_other_currencies_have_their_own_prices() -> None:
    """A pound's list and a dollar's list are not the euro's."""
    assert (charge_fee(1000, "GBP"), charge_fee(1000, "USD")) == (35, 59)


def test_a_dispute_costs_its_fee_even_when_it_is_won(bank: Bank) -> None:
    """Twenty euros per dispute, and nothing of it comes back."""
    ref = bank.begin(WISH).ref
    bank.pay(ref, "pay")
    dispute = bank.dispute(ref, 20)

    assert (dispute.fee, bank.decide(dispute.id, "won").fee) == (2000, 2000)


def test_a_dispute_is_decided_once(bank: Bank) -> None:
    """What was won cannot be lost later, and what was never opened cannot be decided."""
    ref = bank.begin(WISH).ref
    bank.pay(ref, "pay")
    dispute = bank.dispute(ref, 20)
    bank.decide(dispute.id, "won")

    with pytest.raises(BankRefused):
        bank.decide(dispute.id, "lost")
    with pytest.raises(UnknownPayment):
        bank.decide("dp_unknown", "won")


def test_money_that_was_won_back_can_be_refunded(bank: Bank) -> None:
    """A dispute that the site won leaves the whole charge with it."""
    ref = bank.begin(WISH).ref
    bank.pay(ref, "pay")
    bank.decide(bank.dispute(ref, 20).id, "won")

    assert bank.refund("site", "pay_1", "ref_1", euros(20)).left == 0


@pytest.mark.parametrize("change", [
    {"minor": 21}, {"currency": "USD"}, {"reference": "pay_2"},
])  # fmt: skip
def test_a_key_names_one_payment(bank: Bank, change: dict[str, object]) -> None:
    """The same key for another amount or reference is refused; other words are the first ones."""
    bank.begin(WISH)

    with pytest.raises(BankRefused):
        bank.begin(replace(WISH, **change))  # type: ignore[arg-type]


def test_two_sites_may_use_the_same_key(bank: Bank) -> None:
    """A key belongs to its payee; neither finds the other's payment."""
    mine, theirs = bank.begin(WISH), bank.begin(replace(WISH, payee="another"))

    assert mine.ref != theirs.ref
    assert bank.find("another", "pay_1").ref == theirs.ref
    with pytest.raises(UnknownPayment):
        bank.find("another", mine.ref)


def test_an_amount_that_has_no_price_is_refused(bank: Bank) -> None:
    """Nothing, less than nothing, and a currency without a price list."""
    for change in ({"minor": 0}, {"minor": -1}, {"currency": "JPY"}):
        with pytest.raises(BankRefused):
            bank.begin(replace(WISH, **change))  # type: ignore[arg-type]


def test_a_payment_expires_and_can_then_not_be_paid(bank: Bank) -> None:
    """A day after it was begun it is over."""
    ref = bank.begin(WISH).ref
    with time_machine.travel(now() + timedelta(hours=25), tick=False):
        assert bank.report(ref).standing == "expired"
        with pytest.raises(BankRefused):
            bank.pay(ref, "pay")
    assert bank.charges() == []


def test_whoever_abandons_the_page_can_come_back(bank: Bank) -> None:
    """Closing the window says nothing; the payment still waits."""
    ref = bank.begin(WISH).ref

    assert bank.pay(ref, "abandon").payable
    assert bank.pay(ref, "pay").standing == "paid"
    assert bank.pay(ref, "abandon").standing == "paid"


def test_a_slow_payment_is_charged_when_its_time_is_over(bank: Bank) -> None:
    """It is with the bank for as long as was said, and cannot be paid a second time meanwhile."""
    ref = bank.begin(WISH).ref
    with time_machine.travel(now(), tick=False) as clock:
        bank.pay(ref, "slow", slow_seconds=3)
        clock.shift(2.9)
        assert bank.report(ref).standing == "processing"
        with pytest.raises(BankRefused):
            bank.pay(ref, "pay")
        clock.shift(0.2)
        assert bank.report(ref).standing == "paid"
    assert len(bank.charges()) == 1


def test_a_slow_payment_is_told_of_though_nobody_looks(bank: Bank) -> None:
    """Its message is there once its time is over."""
    bank.pay(bank.begin(WISH).ref, "slow", slow_seconds=0)

    assert [b'"payment.paid"' in one.body for one in bank.deliveries()] == [False, True]


def test_a_bank_can_err_on_demand(bank: Bank) -> None:
    """It charges another amount or currency than was asked, so that a site can be tried with it."""
    ref = bank.begin(WISH).ref
    charge = bank.pay(ref, "pay", instead=Money(19, "USD")).charge

    assert charge is not None
    assert (charge.minor, charge.currency, charge.fee) == (19, "USD", 31)


def test_a_cancel_before_the_beginning_is_remembered(bank: Bank) -> None:
    """The late beginning gets the payment that was let go, and no page takes money for it."""
    buried = bank.cancel("site", "pay_1")
    late = bank.begin(WISH)

    assert (late.ref, late.standing) == (buried.ref, "cancelled")
    with pytest.raises(BankRefused):
        bank.pay(late.ref, "pay")


def test_what_happened_is_never_changed(bank: Bank) -> None:
    """The file itself refuses to change or to forget, whoever asks."""
    bank.pay(bank.begin(WISH).ref, "pay")
    with sqlite3.connect(bank.log.path) as other:
        other.execute("PRAGMA recursive_triggers = ON")
        for statement in (
            "UPDATE happened SET minor = 1", "DELETE FROM happened",
            "REPLACE INTO happened SELECT * FROM happened",
        ):  # fmt: skip
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                other.execute(statement)
    other.close()


def test_nobody_is_charged_twice_even_past_the_code(bank: Bank) -> None:
    """A second charge of a payment breaks a rule of the file."""
    ref = bank.begin(WISH).ref
    bank.pay(ref, "pay")
    row = replace(bank.charges()[0], id="ch_again")

    with pytest.raises(sqlite3.IntegrityError), bank.log.writing():
        bank.log.add(row)
    assert len(bank.charges()) == 1


def test_only_the_sites_user_reads_the_log(bank: Bank) -> None:
    """The file holds the secret that signs messages."""
    assert bank.secret
    assert {path.stat().st_mode & 0o077 for path in bank.log.path.parent.glob("bank.db*")} == {0}


def test_a_bank_keeps_its_own_secret(bank: Bank) -> None:
    """Opened again, it signs with the same one; another bank has another."""
    again = Bank(bank.log.path)
    other = Bank(bank.log.path.with_name("other.db"))

    assert bank.secret == again.secret != other.secret
    again.log.close()
    other.log.close()

"""obolo ledger, reconcile, refund, replay."""

from __future__ import annotations

import re

import pytest

from core import checkout, orders
from core.clock import now
from core.ledger import balance
from core.money import Money
from core.payments import Hint, inbox, records
from core.plugins import catalogue
from core.settings import save
from core.storage import execute, transaction
from plugins.playmoney.chosen import local_bank
from tests.stand_in import READER, post_line


@pytest.fixture
def sold(obolo):
    """Sell a post for play money, and return its order."""
    assert obolo("ledger", "verify").code == 0
    save("checkout.allow_loss", value=True, actor="test")
    order = checkout.start_order(READER, (post_line(),))
    checkout.pay(order.id, "playmoney", READER, "http://localhost/back")
    (payment,) = records.of_order(order.id)
    local_bank().pay(payment.ref, "pay")
    checkout.refresh(payment.id)
    return orders.find(order.id)


def test_books_that_hold_are_said_to(obolo, sold):
    """With how much was looked at."""
    done = obolo("ledger", "verify")

    assert sold.state == "paid"
    assert done.code == 0
    assert re.fullmatch(r"2 entries, 0 faults\.\n", done.text)


def test_a_fault_is_named_and_fails(obolo, sold):
    """A supervisor sees the exit code, a person the line."""
    with transaction():
        execute("UPDATE entitlements_entitlement SET state = 'revoked'")
    done = obolo("ledger", "verify")

    assert done.code == 1
    assert re.search(rf"^granted +{sold.id}: ", done.text, re.MULTILINE)
    assert "1 faults." in done.text


def test_balances_show_test_money_apart(obolo, sold):
    """Debits stand above zero."""
    text = obolo("ledger", "balances").text

    assert re.search(r"^test:income:posts +-0\.20 EUR$", text, re.MULTILINE)
    assert not re.search(r"^income", text, re.MULTILINE)


def test_nothing_is_unassigned_at_first(obolo):
    """And it is said, instead of printing nothing."""
    assert obolo("ledger", "unassigned").text == "Nothing is unassigned.\n"


def test_money_that_nobody_asked_for_is_shown(obolo, sold):
    """When, how much, test or not, and the entry's key."""
    (payment,) = records.of_order(sold.id)
    local_bank().refund("site", payment.ref, "at the bank's own page", Money(5, "EUR"))
    checkout.refresh(payment.id)
    text = obolo("ledger", "unassigned").text

    assert "-0.05 EUR test playmoney:refund:" in text
    assert payment.id in text


def test_lines_are_given_back(obolo, sold):
    """In minor units, with a reason, and it is in the audit log."""
    done = obolo("refund", sold.id, "1=20", "--reason", "asked")

    assert done.code == 0, done.text
    assert re.fullmatch(r"ref_\w+: 0\.20 EUR done\n", done.text)
    assert "orders.refund" in obolo("audit", "list").text
    assert obolo("ledger", "verify").code == 0


@pytest.mark.parametrize(("words", "code"), [
    (("1",), 1), (("one=20",), 1), (("1=20",), 2), ((), 2),
])  # fmt: skip
def test_a_refund_that_is_not_understood_does_nothing(obolo, sold, words, code):
    """A line without an amount, words for figures, no reason, no line."""
    reason = () if words == ("1=20",) else ("--reason", "asked")

    assert obolo("refund", sold.id, *words, *reason).code == code
    assert execute("SELECT COUNT(*) FROM payments_refund").fetchone()[0] == 0


def test_reconciling_says_how_much_was_looked_at(obolo):
    """Nothing is due on a new site."""
    assert obolo("reconcile").text == "0 looked at.\n"


def test_a_delivery_is_settled_again(obolo, sold):
    """By its provider and event."""
    (payment,) = records.of_order(sold.id)
    with transaction():
        inbox.keep("playmoney", Hint("evt_1", reference=payment.id))
        inbox.failed("playmoney", "evt_1", "no")
    done = obolo("replay", "playmoney", "evt_1")

    assert (done.code, done.text) == (0, "1 looked at.\n")
    assert inbox.unsettled() == []
    assert "playmoney" in catalogue.providers


def test_a_delivery_that_does_not_exist_is_said_so(obolo):
    """Instead of doing nothing."""
    done = obolo("replay", "playmoney", "evt_none")

    assert done.code == 1
    assert "There is no such delivery." in done.text


def test_a_providers_account_is_explained_to_the_cent_or_the_command_fails(obolo):
    """Play money charges, gives back by itself, and pays out; one line that is not ours differs."""
    assert obolo("ledger", "verify").code == 0
    order = checkout.start_order(READER, (post_line(1000),))
    checkout.pay(order.id, "playmoney", READER, "http://localhost/back")
    (payment,) = records.of_order(order.id)
    bank = local_bank()
    bank.pay(payment.ref, "pay")
    bank.refund("site", payment.id, "by hand", Money(300, "EUR"))
    bank.pay_out("site")
    checkout.refresh(payment.id)
    day = f"{now():%Y-%m-%d}"
    right = obolo("reconcile", "--provider", "playmoney", "--day", day)
    bank.refund("site", payment.id, "unheard", Money(100, "EUR"))
    wrong = obolo("reconcile", "--provider", "playmoney", "--day", day)
    verified = obolo("ledger", "verify")

    assert (right.code, wrong.code) == (0, 1), right.text
    assert f"playmoney on {day}: 0 differences." in right.text
    assert re.search(r"payout +-6\.60 EUR fee +0\.00 EUR po_", right.text)
    assert re.search(r"DIFFERS unknown +-1\.00 EUR refund:re_", wrong.text)
    assert balance("assets:bank", "EUR", "test") == Money(660, "EUR")
    assert verified.code == 0, verified.text
    assert obolo("reconcile", "--provider", "nobody").code == 1

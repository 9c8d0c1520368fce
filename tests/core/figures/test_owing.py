"""What the site owes, and money that belongs to no order."""

from __future__ import annotations

from core.figures import balances, fill, owed, unassigned
from core.orders import Line
from tests.core.figures.conftest import NOON, TAX
from tests.stand_in import eur, post_line


def test_balances_are_told_in_sum_and_by_holder(shop):
    """Whoever kept most with the site comes first; tax is owed, too, but to nobody here."""
    for name, minor in (("ada", 500), ("bea", 700)):
        shop.sell(2, Line("Top-up", eur(minor), f"liabilities:purse:gst_{name}"), who=name)
    shop.sell(0, post_line(24), *TAX)
    before = owed(mode="live", currency="EUR")
    fill(NOON)

    assert [(one.account, one.amount) for one in before] == [
        ("liabilities:purse:", eur(1200)), ("liabilities:vat:IT", eur(4)),
    ]  # fmt: skip
    assert owed(mode="live", currency="EUR") == before
    assert [(one.holder, one.amount.minor) for one in balances(mode="live", currency="EUR")] == [
        ("gst_bea", 700), ("gst_ada", 500),
    ]  # fmt: skip
    assert owed(mode="test", currency="EUR") == balances(mode="test", currency="EUR") == []


def test_unassigned_money_says_what_is_wrong(shop):
    """With its payment and its order, the newest first."""
    wrong = shop.sell(1, reference="pay_other")
    shop.card.mode = "test"
    shop.sell(0, who="bea", reference="pay_other")
    (found,) = unassigned("live")

    assert (found.amount, found.wrong, found.payment) == (eur(20), "reference", wrong.id)
    assert found.order == wrong.order
    assert found.key == f"standin:charge:ch_{wrong.id}"
    assert len(unassigned("test")) == 1

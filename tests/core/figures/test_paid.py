"""Each order as an accountant reads it."""

from __future__ import annotations

from core import figures
from core.orders import Line
from tests.core.figures.conftest import NOON, TAX
from tests.stand_in import eur, post_line

DAY = figures.last_days(7, NOON)


def test_gross_less_paid_in_vat_and_fee_is_net(shop):
    """A top-up is no income yet; VAT is the state's; a refund is taken off."""
    shop.sell(2, post_line(20), *TAX, fee=2)
    top_up = Line("Paid in", eur(480), "liabilities:purse:gst_bo")
    shop.sell(1, post_line(20, "post:b"), top_up, who="bo", fee=33)
    back = shop.sell(0, post_line(300, "post:c"), who="cy", fee=30)
    shop.refund(0, back, 100)
    found = figures.paid_orders(DAY, mode="live", currency="EUR")

    assert [
        [m.minor for m in (one.gross, one.paid_in, one.vat, one.fee, one.net)] for one in found
    ] == [[20, 0, 4, 2, 14], [500, 480, 0, 33, -13], [200, 0, 0, 30, 170]]
    assert {one.provider for one in found} == {"standin"}
    assert figures.paid_orders(DAY, mode="test", currency="EUR") == []


def test_fees_are_known_by_provider_and_day(shop):
    """The effective share of each day: what was taken of what was paid."""
    shop.sell(2, post_line(300), fee=30)
    shop.sell(1, post_line(500, "post:b"), fee=33)
    found = figures.fees_by_day(DAY, mode="live", currency="EUR")

    assert [(one.provider, one.paid, one.fees) for _, one in found] == [
        ("standin", eur(300), eur(30)), ("standin", eur(500), eur(33)),
    ]  # fmt: skip
    assert [round(one.share, 3) for _, one in found] == [0.1, 0.066]

"""From gross to net, by day, kind and provider."""

from __future__ import annotations

from core import checkout, clock
from core.figures import last_days, takings
from core.orders import Line
from tests.core.figures.conftest import NOON, TAX, reader
from tests.stand_in import eur, post_line

PURSE = "liabilities:purse:"


def test_gross_comes_down_to_net_and_to_the_books(shop):
    """Gross with VAT, less fees, VAT and what went back, is what income less expenses says."""
    taxed = shop.sell(3, post_line(24), *TAX, who="bea")
    shop.refund(2, taxed, 12)
    shop.sell(1, Line("A tip", eur(500), "income:tips"), fee=33)
    shop.sell(0)
    shop.dispute(0, shop.sell(2, key="post:other", who="eve"))
    found = takings(last_days(7, NOON), mode="live", currency="EUR")

    assert found.gross == eur(24 + 500 + 20 + 20)
    assert found.vat == eur(2)
    assert found.returned == eur(12 + 20)
    assert found.fees == eur(1 + 33 + 1 + 1 + 1500)
    assert found.net == found.gross - found.fees - found.vat - found.returned
    assert found.net.minor == sum(found.net_by_day.values())
    assert list(found.by_kind) == ["tips", "posts"]
    assert found.of_kind("posts") == eur(20 - 10 + 20 + 20 - 20)


def test_fees_stand_against_what_was_paid_that_way(shop):
    """A top-up is no income, yet it was paid by card; a balance takes no fee."""
    shop.sell(1, Line("Top-up", eur(1000), f"{PURSE}gst_ada"), fee=40)
    with clock.set_to(NOON):
        checkout.buy(reader("ada"), (post_line(50, "post:purse"),), "purse")
    found = takings(last_days(7, NOON), mode="live", currency="EUR")

    assert [(one.provider, one.paid, one.fees, one.share) for one in found.providers] == [
        ("standin", eur(1000), eur(40), 0.04), ("purse", eur(50), eur(0), 0.0),
    ]  # fmt: skip
    assert (found.gross, found.net) == (eur(50), eur(10))


def test_test_money_and_other_days_are_left_out(shop):
    """They are asked for by name, or not at all."""
    shop.sell(8)
    shop.card.mode = "test"
    shop.sell(0, who="bea")
    live = takings(last_days(7, NOON), mode="live", currency="EUR")
    play = takings(last_days(7, NOON), mode="test", currency="EUR")

    assert (live.gross, live.net) == (eur(0), eur(0))
    assert play.gross == eur(20)
    assert takings(last_days(7, NOON).before, mode="live", currency="EUR").gross == eur(20)
    assert takings(last_days(7, NOON), mode="test", currency="USD").gross.minor == 0

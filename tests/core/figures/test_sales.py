"""What was sold of a resource, and how long it took."""

from __future__ import annotations

from core import views
from core.figures import last_days, sales, waited
from core.payments import records
from core.views import day_of
from tests.core.figures.conftest import NOON, TAX
from tests.stand_in import eur, post_line


def test_a_resource_is_seen_sold_and_given_back(shop):
    """Rates stand against what was counted; income is without VAT."""
    today = day_of(NOON)
    views.store({
        (today, "post:hello", "teaser"): 8, (today, "post:hello", "read"): 2,
        (today - 9, "post:hello", "teaser"): 5, (today, "post:free", "read"): 3,
    })  # fmt: skip
    shop.sell(0, post_line(24), *TAX)
    shop.dispute(0, shop.sell(1, who="bea"))
    shop.sell(1, post_line(30, "post:new"), who="cid")
    hello, new, free = sales(last_days(7, NOON), mode="live", currency="EUR")

    assert (hello.resource, hello.sold, hello.returned) == ("post:hello", 2, 1)
    assert (hello.teasers, hello.seen, hello.income) == (8, 10, eur(40))
    assert (hello.unlock_rate, hello.refund_rate, hello.per_thousand) == (0.25, 0.5, eur(4000))
    assert (new.resource, new.unlock_rate, new.per_thousand) == ("post:new", None, None)
    assert (free.resource, free.sold, free.refund_rate) == ("post:free", 0, 0.0)


def test_time_to_text_is_told_by_half_and_by_nearly_all(shop):
    """In steps: each is at most so many seconds."""
    for number, seconds in enumerate((1, 4, 4, 4, 700)):
        shop.sell(0, key=f"post:{number}", seconds=seconds)

    assert waited(last_days(7, NOON), mode="live") == (5, 1800)
    assert waited(last_days(7, NOON).before, mode="live") is None


def test_money_for_nothing_sold_is_no_sale(shop):
    """It opened nothing, so it is neither a sale nor a wait."""
    wrong = shop.sell(0, key="post:wrong", who="cid", reference="pay_other")
    shop.sell(0, who="bea", seconds=100)
    found = sales(last_days(7, NOON), mode="live", currency="EUR")

    assert records.find(wrong.id).wrong == "reference"
    assert [one.resource for one in found] == ["post:hello"]
    assert waited(last_days(7, NOON), mode="live") == (120, 120)

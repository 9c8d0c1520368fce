"""Days are summed once they are over, and the sums are those of the books."""

from __future__ import annotations

from datetime import timedelta

from core import views
from core.figures import buyers, fill, forget, last_days, sales, takings, waited, wrong_days
from core.figures.daily import MONEY, SALES, WAITED
from core.orders import Line
from core.storage import execute, transaction
from core.views import day_of
from tests.core.figures.conftest import NOON
from tests.stand_in import eur


def everything():
    """Return all figures of ten days."""
    span = last_days(10, NOON)
    return (
        takings(span, mode="live", currency="EUR"), sales(span, mode="live", currency="EUR"),
        waited(span, mode="live"), buyers(span, mode="live"),
    )  # fmt: skip


def rows(kept):
    return execute(f"SELECT COUNT(*) FROM {kept.table}").fetchone()[0]


def test_sums_change_no_figure(shop):
    """Summed or not, once or in parts, with further sales meanwhile."""
    back = shop.sell(5, who="bea")
    shop.sell(3, key="post:other", seconds=70)
    before = everything()
    assert fill(NOON - timedelta(days=4)) == 1
    assert everything() == before
    assert fill(NOON) == 4
    assert fill(NOON) == 0
    assert everything() == before
    assert wrong_days() == []
    assert rows(MONEY) > rows(SALES) == rows(WAITED) == 2

    shop.refund(0, back, 20)
    shop.sell(0, who="cid")

    assert everything()[0].gross == before[0].gross + eur(20)
    assert everything()[0].returned == eur(20)
    with transaction():
        execute("UPDATE figures_money SET minor = minor + 1 WHERE account = 'income:posts'")
    assert wrong_days() == [day_of(NOON) - 5, day_of(NOON) - 3]
    with transaction():
        forget()
    assert rows(MONEY) == 0
    assert everything()[0].returned == eur(20)


def test_a_day_waits_for_the_last_transaction(shop):
    """Just after midnight somebody may still commit what belongs to yesterday."""
    shop.sell(1)
    midnight = NOON.replace(hour=0)

    assert fill(midnight + timedelta(minutes=9)) == 0
    assert fill(midnight + timedelta(minutes=11)) == 1


def test_a_holders_account_is_summed_with_its_family(shop):
    """Or each holder would have a row on each day."""
    for name in ("ada", "bea"):
        shop.sell(2, Line("Top-up", eur(500), f"liabilities:purse:gst_{name}"), who=name)
    fill(NOON)
    kept = execute(
        "SELECT minor FROM figures_money WHERE account = 'liabilities:purse:'"
    ).fetchall()

    assert [row[0] for row in kept] == [-1000]


def test_an_empty_site_has_figures(db):
    """Before anything was sold."""
    assert fill(NOON) == 0
    assert views.sums(0, 10**6) == {}
    found, sold, wait, came = everything()

    assert (found.net.minor, found.providers, sold, wait) == (0, (), [], None)
    assert (came.all, came.share) == (0, 0.0)

"""Figures in an owner's words."""

from __future__ import annotations

import pytest

from core.figures import Span, Takings, last_days, takings
from core.web.admin import drawing
from tests.core.figures.conftest import NOON
from tests.stand_in import eur

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=["en", "it"])
def words(client, request):
    """Speak a language; return it."""
    headers = {"Accept-Language": request.param}
    with client.application.test_request_context(headers=headers):
        yield request.param


def made(span, kinds, net=None):
    return Takings(span, eur(100), eur(0), eur(0), eur(0), kinds, net or {}, ())


def test_amounts_and_parts_are_written_as_the_language_does(words):
    """A scale has no cents where there are none; a small part has a digit more."""
    spoken = {
        "en": ("€40", "€0.50", "-€20", "12%", "4.0%", "1,603"),
        "it": ("40 €", "0,50 €", "-20 €", "12 %", "4,0 %", "1603"),
    }
    found = (
        drawing.brief(4000), drawing.brief(50), drawing.brief(-2000), drawing.percent(0.12),
        drawing.percent(0.04), drawing.number(1603),
    )  # fmt: skip

    assert tuple(text.replace("\xa0", " ") for text in found[:5]) == spoken[words][:5]
    assert found[5].replace(".", "") == spoken[words][5].replace(".", "")


def test_a_change_stands_beside_the_days_before(words):
    """Growth and loss; from nothing, or next to nothing, there is no part."""
    grown, fallen = drawing.change(150, 100, 7), drawing.change(98, 100, 30)

    assert grown.startswith("+50")
    assert fallen.startswith("−2")  # noqa: RUF001
    assert "30" in fallen
    assert drawing.change(5, 0, 7) == drawing.change(5, -5, 7) == drawing.change(5000, 5, 7) == ""


def test_a_long_span_is_drawn_by_weeks_that_end_today(words):
    """No day is lost, and none counts twice."""
    year, month = last_days(365, NOON), last_days(30, NOON)
    weeks = drawing.buckets(year)

    assert [day for week in weeks for day in week] == list(year.days)
    assert {len(week) for week in weeks[1:]} == {7}
    assert all(len(day) == 1 for day in drawing.buckets(month))
    assert len(drawing.labels_of(weeks)) == len(weeks)


def test_the_table_behind_a_chart_has_its_figures(words):
    """The newest day first, a column for each kind, the sums in the legend."""
    span = Span(last_days(3, NOON).first, last_days(3, NOON).last)
    chart = drawing.by_kind(made(span, {"tips": {span.last: 500}, "own_kind": {span.first: 20}}))

    assert [row[1] for row in chart.rows] == [drawing.amount(m) for m in (500, 0, 0)]
    assert len(chart.columns) == 3
    assert chart.columns[2] == "Own kind"
    assert chart.legend[0] == (drawing.kind_name("tips"), drawing.amount(500))
    assert drawing.amount(520) in chart.says
    assert len(chart.plot.shapes) == 2


def test_the_net_is_added_up_beside_the_days_before(words):
    """The line of now lies above, so it is the first."""
    span = last_days(3, NOON)
    now = made(span, {}, {span.first: 100, span.last: -30})
    before = made(span.before, {}, {span.before.first + 1: 40})
    chart = drawing.net_so_far(now, before)

    assert chart.rows[0][1:] == (drawing.amount(70), drawing.amount(40))
    assert chart.rows[2][1:] == (drawing.amount(100), drawing.amount(0))
    assert len(chart.plot.lines) == 2


def test_time_is_told_in_seconds_then_in_minutes(words):
    """Nobody counts 600 seconds."""
    said = drawing.time_to_text((20, 600))

    assert "20 " in said
    assert "10 min" in said
    assert drawing.time_to_text(None) == ""


def test_the_demo_of_an_empty_site_can_be_drawn(words):
    """No figure, no error."""
    empty = takings(last_days(7, NOON), mode="live", currency="EUR")

    assert drawing.by_kind(empty).plot.shapes == ()
    assert [bar.length for bar in drawing.from_gross_to_net(empty)] == [0] * 5
    assert drawing.way_to_a_sale([])[3].text == "0"
    assert drawing.named([], 5) == []
    assert drawing.way_name("nobody") == "nobody"
    assert drawing.address_of("nowhere.show") == ""

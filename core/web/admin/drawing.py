"""Figures as an owner reads them: in words, in columns, lines and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any

from babel import Locale
from babel.numbers import format_currency, format_decimal, format_percent
from flask import current_app, url_for
from flask_babel import format_date, gettext, ngettext
from flask_babel import gettext as _

from core import figures
from core.figures import Sale, Span, Takings
from core.money import Money
from core.plugins import card_of, catalogue
from core.settings import site_currency
from core.web import charts
from core.web.charts import Bar, Plot
from core.web.languages import choose_language
from core.web.rendering import money, plays_money

SPANS = (7, 30, 90, 365)
"""The numbers of days that figures are shown for."""
MOST_GROWTH = 10
"""Beyond so many times the days before, those were only a beginning."""
DAYS_ONE_BY_ONE = 92
"""A longer span is drawn by weeks."""
WEEK = 7


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot with all that stands around it; `rows` are those of the table behind it."""

    plot: Plot
    says: str
    legend: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def mode() -> str:
    """Return whose money counts here: play money on a site that has no other."""
    return "test" if plays_money() else "live"


def amount(minor: int) -> str:
    """Write minor units of the site's currency."""
    return _written(Money(minor, site_currency()), choose_language())


@lru_cache(maxsize=8192)
def _written(amount: Money, _language: str) -> str:
    """Write money once: Babel takes longer for a table of a year than all else on its page."""
    return money(amount)


def brief(minor: int) -> str:
    """Write minor units for a scale: without cents where there are none."""
    language, found = choose_language(), Money(minor, site_currency())
    if found.decimal != found.decimal.to_integral_value():
        return amount(minor)
    pattern = Locale.parse(language).currency_formats["standard"].pattern.replace("0.00", "0")
    return str(format_currency(
        found.decimal, found.currency, pattern, locale=language, currency_digits=False
    ))  # fmt: skip


def number(value: int) -> str:
    """Write a whole number."""
    return str(format_decimal(value, locale=choose_language()))


def percent(part: float) -> str:
    """Write a part as a percentage: with a digit more where it is small."""
    pattern = "#,##0.0 %" if 0 < abs(part) < 0.1 else "#,##0 %"
    text = str(format_percent(part, pattern, locale=choose_language()))
    return text if choose_language() == "it" else text.replace(" %", "%")


def short_day(day: date) -> str:
    """Write a day for a chart."""
    return str(format_date(day, "d MMM"))


def change(now: int, before: int, days: int) -> str:
    """Say how a figure compares with that of as many days before, where that says something."""
    part = (now - before) / before if before > 0 else 0.0
    if before <= 0 or part > MOST_GROWTH:
        return ""
    sign = "+" if part > 0 else "−" if part < 0 else "±"  # noqa: RUF001 - a minus sign
    written = f"{sign}{percent(abs(part))}"
    return str(gettext("%(part)s on the %(days)s days before", part=written, days=days))


def kind_name(kind: str) -> str:
    """Return what an owner calls an income account; a plugin's own is named after itself."""
    known = {
        "posts": _("Unlocks"), "tips": _("Tips"), "campaigns": _("Campaigns"),
        "bookings": _("Bookings"), "goods": _("Goods"), "passes": _("Passes"),
        "files": _("Files"),
    }  # fmt: skip
    return str(known.get(kind, kind.replace("_", " ").capitalize()))


def way_name(provider: str) -> str:
    """Return what an owner calls a way to pay: the title of the plugin of that name."""
    manifest = catalogue.manifests.get(provider)
    titles = manifest.plugin.title if manifest else {}
    return titles.get(choose_language()) or titles.get("en") or provider


def address_of(endpoint: str, **values: Any) -> str:
    """Return the address of a page of the administration; nothing where this site has it not."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


def buckets(span: Span) -> list[range]:
    """Return the days that stand in one column: each alone, or by weeks that end with the span."""
    size = 1 if len(span.days) <= DAYS_ONE_BY_ONE else WEEK
    ends = range(span.last + 1, span.first, -size)
    return [range(max(span.first, end - size), end) for end in reversed(ends)]


def labels_of(some: Sequence[range]) -> list[str]:
    """Return the first day of each column, written."""
    dates = Span(some[0][0], some[-1][-1]).dates
    return [short_day(dates[days[0] - some[0][0]]) for days in some]


def by_kind(found: Takings) -> Chart:
    """Draw the income of each kind, refunds taken off, in columns."""
    some = buckets(found.span)
    labels = labels_of(some)
    rows = {
        kind_name(kind): [sum(days.get(day, 0) for day in bucket) for bucket in some]
        for kind, days in found.by_kind.items()
    }
    whole = sum(found.of_kind(kind).minor for kind in found.by_kind)
    best = max(range(len(some)), key=lambda i: sum(row[i] for row in rows.values()))
    says = gettext(
        "In all %(sum)s. The most on %(day)s: %(most)s.", sum=amount(whole), day=labels[best],
        most=amount(sum(row[best] for row in rows.values())),
    )  # fmt: skip
    return Chart(
        charts.columns(labels, rows, brief), says,
        tuple((name, amount(sum(row))) for name, row in rows.items()),
        (_day_or_week(some), *rows),
        tuple(
            (label, *(amount(row[i]) for row in rows.values()))
            for i, label in reversed(list(enumerate(labels)))
        ),
    )  # fmt: skip


def net_so_far(found: Takings, before: Takings) -> Chart:
    """Draw the net of the span, added up day by day, above that of the span before."""
    some = buckets(found.span)
    rows = [_added_up(one, [len(days) for days in some]) for one in (found, before)]
    labels = labels_of(some)
    says = gettext(
        "%(sum)s at the end; at the same point of the days before it was %(before)s.",
        sum=amount(rows[0][-1]), before=amount(rows[1][-1]),
    )  # fmt: skip
    names = (_("Now"), _("The days before"))
    return Chart(
        charts.lines(labels, rows, brief), says,
        tuple(zip(names, (amount(row[-1]) for row in rows), strict=True)),
        (_day_or_week(some), *names),
        tuple(
            (label, amount(rows[0][i]), amount(rows[1][i]))
            for i, label in reversed(list(enumerate(labels)))
        ),
    )  # fmt: skip


def _added_up(found: Takings, sizes: Sequence[int]) -> list[int]:
    """Return the net so far at the end of each column of days."""
    sums, at, days = [], 0, iter(found.span.days)
    for size in sizes:
        at += sum(found.net_by_day.get(day, 0) for day in islice(days, size))
        sums.append(at)
    return sums


def _day_or_week(some: Sequence[range]) -> str:
    return str(_("Day") if len(some[-1]) == 1 else _("Week from"))


def from_gross_to_net(found: Takings) -> list[Bar]:
    """Draw what came in, what went where, and what is left."""
    takes = (
        (_("Fees of providers"), found.fees), (_("VAT"), found.vat),
        (_("Given back"), found.returned),
    )  # fmt: skip
    steps = [(_("Gross"), found.gross.minor, money(found.gross), "total")]
    steps += [(name, -taken.minor, money(-taken), "taken") for name, taken in takes]
    steps.append((_("Net"), found.net.minor, money(found.net), "total"))
    return charts.waterfall(steps)


def way_to_a_sale(sales: Sequence[Sale]) -> list[Bar]:
    """Draw how many of the teasers that were seen became sales."""
    steps = (
        (_("Teaser seen"), sum(one.teasers for one in sales)),
        (_("Price seen"), sum(one.panels for one in sales)),
        (_("Tapped"), sum(one.taps for one in sales)),
        (_("Paid"), sum(one.sold for one in sales)),
    )
    return charts.funnel([(name, n, number(n)) for name, n in steps], percent)


def time_to_text(found: tuple[int, int] | None) -> str:
    """Say how long readers waited for their text after they had chosen to pay."""
    if found is None:
        return ""
    return str(gettext(
        "Time from the tap to the text: half within %(half)s, 95 of 100 within %(most)s.",
        half=_duration(found[0]), most=_duration(found[1]),
    ))  # fmt: skip


def _duration(seconds: int) -> str:
    if seconds < 90:
        return str(ngettext("%(num)s second", "%(num)s seconds", seconds))
    return str(ngettext("%(num)s minute", "%(num)s minutes", round(seconds / 60)))


@dataclass(frozen=True, slots=True)
class Named:
    """A sale with what its resource is called and where it is."""

    sale: Sale
    title: str
    url: str


def named(sales: Sequence[Sale], most: int) -> list[Named]:
    """Name the first of these sales; what is no longer described keeps its resource's name."""
    found = []
    for sale in sales[:most]:
        card = card_of(sale.resource)
        found.append(Named(sale, card.title if card else sale.resource, card.url if card else ""))
    return found


def sold(span: Span) -> list[Sale]:
    """Return what was sold or seen of each resource."""
    return figures.sales(span, mode=mode(), currency=site_currency())


def taken(span: Span) -> Takings:
    """Return the money of a span, in the site's currency."""
    return figures.takings(span, mode=mode(), currency=site_currency())


TOOLS = {
    "address_of": address_of, "change": change, "number": number, "percent": percent,
    "way_name": way_name,
}  # fmt: skip
"""What templates draw with; the sandbox lets none of them into a module."""

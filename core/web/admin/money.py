"""Money: what came in, what it cost, what is left, what is owed, and what nobody asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from core import checkout, figures
from core.clock import now
from core.errors import BadInput, NotFound
from core.figures import Span
from core.money import Money
from core.payments import lines
from core.people import current_reader, users
from core.settings import site_currency
from core.sheets import Row, as_csv
from core.views import date_of
from core.web.admin import drawing
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told
from core.web.rendering import money, remains_of

blueprint = Blueprint("admin_money", __name__, url_prefix="/admin/money")
TOP, WRONG, PAYOUTS, MOST_ROWS = 20, 100, 12, 10_000


@blueprint.get("/")
@callers("orders.view")
def show() -> Response:
    """Show the figures of 7, 30, 90 or 365 days, beside those of as many days before."""
    days = _days()
    span = figures.last_days(days, now())
    found, before = drawing.taken(span), drawing.taken(span.before)
    sales, mode = drawing.sold(span), drawing.mode()
    return admin_page(
        "admin/money.html", days=days, spans=drawing.SPANS, draw=drawing.TOOLS, found=found,
        before=before, plays=mode == "test", kinds=drawing.by_kind(found),
        line=drawing.net_so_far(found, before), steps=drawing.from_gross_to_net(found),
        funnel=drawing.way_to_a_sale(sales), top=drawing.named(sales, TOP),
        waited=drawing.time_to_text(figures.waited(span, mode=mode)),
        buyers=figures.buyers(span, mode=mode), owed=owed_words(),
        claimed=figures.claimed(mode=mode, currency=site_currency()),
        unassigned=figures.unassigned(mode, limit=WRONG), payouts=lines.payouts(PAYOUTS),
        differences=lines.differences(WRONG), priced=priced(),
        can_export="orders.export" in current_reader().permissions,
    )  # fmt: skip


def priced() -> tuple[str, list[checkout.Remaining], str]:
    """Return the price that was asked about, what remains of it, and what is wrong with it."""
    text = request.args.get("price", "").strip()
    if not text:
        return "", [], ""
    try:
        return text, remains_of(text), ""
    except BadInput as error:
        return text, [], told(error)


@blueprint.get("/owed")
@callers("orders.view")
def owed() -> Response:
    """List whom the site owes what they keep here, and who owes the site, the largest first."""
    mode, currency = drawing.mode(), site_currency()
    rows = figures.balances(mode=mode, currency=currency)
    claims = figures.claims_of_all(mode=mode, currency=currency)
    return admin_page(
        "admin/owed.html", rows=[(one, _whose(one.holder)) for one in rows], sums=owed_words(),
        claims=[(one, _whose(one.holder)) for one in claims],
        claimed=figures.claimed(mode=mode, currency=currency),
        lost=Money.total((one.amount for one in claims if not one.is_open), currency),
        account_name=account_name, draw=drawing.TOOLS,
        can_export="orders.export" in current_reader().permissions,
    )  # fmt: skip


@blueprint.get("/<table>.csv")
@callers("orders.export")
def file(table: str) -> Response:
    """Send a table of the page as a file: `days`, `payments`, `fees` and so on."""
    if table not in FILES:
        raise NotFound("There is no such page.")
    days = _days()
    name = f"{table}-{now():%Y-%m-%d}.csv"
    response = Response(
        as_csv(FILES[table](figures.last_days(days, now()))), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _days() -> int:
    text = request.args.get("days", "30")
    if text not in map(str, drawing.SPANS):
        raise BadInput("Figures are shown for 7, 30, 90 or 365 days.")
    return int(text)


def account_name(account: str) -> str:
    """Return what an owner calls what is owed on an account."""
    family, _sep, rest = account.removeprefix("liabilities:").partition(":")
    if family == "vat":
        return str(_("VAT to pay: %(country)s", country=rest))
    known = {
        "unassigned": _("Unassigned money"),
        "wallet": _("Balances of readers"),
        "refunds": _("Refunds on their way"),
    }
    return str(known.get(family, family.replace("_", " ").capitalize()))


def owed_words() -> list[tuple[str, str]]:
    """Return what the site owes now, by kind, in words."""
    found = figures.owed(mode=drawing.mode(), currency=site_currency())
    return [(account_name(one.account), money(one.amount)) for one in found]


def _whose(holder: str) -> str:
    """Return the name of a holder that is a user; guests have none."""
    if not holder.startswith(f"{users.PREFIX}_"):
        return ""
    try:
        user = users.find(holder)
    except NotFound:
        return ""
    return user.name or user.email


def _day_rows(span: Span) -> list[Row]:
    found = drawing.taken(span)
    dates = dict(zip(span.days, span.dates, strict=True))
    return [
        {
            "day": str(date),
            **{kind: decimal(sums.get(day, 0)) for kind, sums in found.by_kind.items()},
            "net": decimal(found.net_by_day.get(day, 0)),
            "currency": found.gross.currency,
        }
        for day, date in dates.items()
    ]


def decimal(minor: int) -> Decimal:
    """Return minor units as a spreadsheet reads them: `0.20`."""
    return Money(minor, site_currency()).decimal


def _resource_rows(span: Span) -> list[Row]:
    return [
        {
            "resource": one.resource, "teasers": one.teasers, "panels": one.panels,
            "taps": one.taps, "reads": one.reads, "sold": one.sold, "returned": one.returned,
            "income": one.income.decimal, "currency": one.income.currency,
        }
        for one in drawing.sold(span)
    ]  # fmt: skip


def _unassigned_rows(_span: Span) -> list[Row]:
    return [
        {
            "at": one.at.isoformat(), "amount": one.amount.decimal, "currency": one.amount.currency,
            "wrong": one.wrong, "order": one.order, "payment": one.payment, "entry": one.key,
        }
        for one in figures.unassigned(drawing.mode(), limit=MOST_ROWS)
    ]  # fmt: skip


def _owed_rows(_span: Span) -> list[Row]:
    found = figures.balances(mode=drawing.mode(), currency=site_currency(), limit=MOST_ROWS)
    return [
        {
            "holder": one.holder, "account": one.account, "amount": one.amount.decimal,
            "currency": one.amount.currency,
        }
        for one in found
    ]  # fmt: skip


def _claim_rows(_span: Span) -> list[Row]:
    found = figures.claims_of_all(
        mode=drawing.mode(), currency=site_currency(), limit=MOST_ROWS
    )  # fmt: skip
    return [
        {
            "holder": one.holder, "since": one.since.isoformat(), "amount": one.amount.decimal,
            "currency": one.amount.currency, "state": "disputed" if one.is_open else "lost",
            "orders": " ".join(one.orders),
        }
        for one in found
    ]  # fmt: skip


def _fee_rows(span: Span) -> list[Row]:
    found = figures.fees_by_day(span, mode=drawing.mode(), currency=site_currency())
    return [
        {
            "day": str(date_of(day)), "provider": one.provider, "paid": one.paid.decimal,
            "fees": one.fees.decimal, "share": f"{one.share:.4f}", "currency": one.paid.currency,
        }
        for day, one in found
    ]  # fmt: skip


def _payment_rows(span: Span) -> list[Row]:
    found = figures.paid_orders(span, mode=drawing.mode(), currency=site_currency())
    return [
        {
            "at": one.at.isoformat(), "order": one.order, "provider": one.provider,
            "gross": one.gross.decimal, "paid_in": one.paid_in.decimal, "vat": one.vat.decimal,
            "fee": one.fee.decimal, "net": one.net.decimal, "currency": one.gross.currency,
        }
        for one in found
    ]  # fmt: skip


FILES: Mapping[str, Callable[[Span], list[Row]]] = {
    "days": _day_rows,
    "resources": _resource_rows,
    "unassigned": _unassigned_rows,
    "owed": _owed_rows,
    "claims": _claim_rows,
    "fees": _fee_rows,
    "payments": _payment_rows,
}
"""The tables that can be taken along."""

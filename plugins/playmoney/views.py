"""The bank's page on the site itself: what is to be paid, and what a person can do about it."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from core import BadInput, Money, NotFound, callers, use_language, value
from plugins.playmoney.bank import BankRefused, UnknownPayment, Way
from plugins.playmoney.chosen import is_local, local_bank
from plugins.playmoney.reports import Report

BUTTONS = ("pay", "decline", "slow", "cancel")

pages = Blueprint(
    "playmoney", __name__, url_prefix="/x/playmoney", cli_group="playmoney",
    static_folder="static",
)  # fmt: skip


@pages.get("/pay/<ref>")
@callers("anyone")
def show(ref: str) -> tuple[str, dict[str, str]]:
    """Show a payment in its own language; buttons while it can be paid."""
    report = _report(ref)
    use_language(report.language)
    amount = Money(report.minor, report.currency)
    page = render_template("playmoney/pay.html", payment=report, amount=amount)
    return page, {"Cache-Control": "private, no-store"}


@pages.post("/pay/<ref>")
@callers("anyone")
def choose(ref: str) -> Response:
    """Do what was chosen, and send the person back to where the site asked for it."""
    report = _report(ref)
    how = request.form.get("how", "")
    if how not in BUTTONS:
        raise BadInput("Please choose one of the buttons.")
    with suppress(BankRefused):  # it is over already; the site says how it ended
        local_bank().pay(ref, cast("Way", how), slow_seconds=value("playmoney.slow_seconds"))
    return redirect(report.return_url, 303)


def _report(ref: str) -> Report:
    """Return a payment that was begun here. Raises NotFound."""
    if is_local():
        with suppress(UnknownPayment):
            report = local_bank().report(ref)
            if report.return_url:
                return report
    raise NotFound("There is no such payment.")

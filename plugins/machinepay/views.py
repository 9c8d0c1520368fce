"""The page on which a user says how much each of their tokens may spend."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import (
    SPEND,
    BadInput,
    Money,
    NotFound,
    Refused,
    Token,
    callers,
    card_of,
    current_reader,
    gettext,
    kept_for,
    site_currency,
    site_mode,
    tokens_of,
)
from plugins.machinepay import budgets, drafts

pages = Blueprint("machinepay", __name__, url_prefix="/x/machinepay")


def _paying(known: list[Token]) -> list[Token]:
    return [one for one in known if SPEND in one.scopes and not one.over]


@pages.get("/")
@callers("user", confirmed=True)
def show() -> Response:
    """Show each token that may pay: what it may spend, what it has, and what was bought."""
    return _page(done=request.args.get("done", ""))


def _page(status: int = 200, **more: Any) -> Response:
    reader, currency = current_reader(), site_currency()
    known = tokens_of(reader.holder)
    bought = [
        (one, card.title if (card := card_of(one.resource)) else one.resource)
        for one in drafts.sold_to(reader.holder)
    ]
    page = render_template(
        "machinepay/page.html", bought=bought, kept=kept_for(reader, currency),
        rows=[(one, budgets.of_token(one.id)) for one in _paying(known)],
        names={one.id: one.name for one in known}, amount=lambda minor: Money(minor, currency),
        typing=_typing, mode=site_mode(), currency=currency, **more,
    )  # fmt: skip
    response = Response(page, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _typing(minor: int) -> str:
    """Write an amount as its user would type it; nothing for nothing."""
    return Money(minor, site_currency()).typed(current_reader().language) if minor else ""


@pages.post("/<token>")
@callers("user", confirmed=True)
def allow(token: str) -> Any:
    """Allow a token so much in all and on one day."""
    reader, form = current_reader(), request.form
    if token not in [one.id for one in _paying(tokens_of(reader.holder))]:
        raise NotFound("There is no such token.")
    read, wrong = {}, {}
    for name in ("most", "most_a_day"):
        try:
            read[name] = budgets.read(form.get(name, ""), reader.language)
        except (BadInput, Refused) as error:
            wrong[name] = gettext(error.message).format(**error.values)
    if wrong:
        return _page(422, wrong_at=token, wrong_in=wrong, typed=form)
    budgets.save(token, reader.holder, read["most"], read["most_a_day"])
    return redirect(url_for("machinepay.show", done=token), 303)

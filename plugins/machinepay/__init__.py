"""Machines pay: 402 with challenges, met from the balance of the token's user within a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask import Blueprint, render_template
from markupsafe import Markup

from core import (
    SPEND,
    MachineRequest,
    Money,
    Offer,
    Order,
    Periodic,
    Toll,
    execute,
    hookimpl,
    site_currency,
)
from plugins.machinepay import budgets, drafts, gatekeeping
from plugins.machinepay.views import pages


@hookimpl
def register_blueprint() -> Blueprint:
    """Let users say how much each of their tokens may spend."""
    return pages


@hookimpl
def register_tasks() -> Iterable[Periodic]:
    """Throw away drafts that came to nothing."""
    return (Periodic("machinepay.forget", 3_600, drafts.forget),)


@hookimpl
def pay_machine(request: MachineRequest, resource: str, offers: Sequence[Offer]) -> Toll | None:
    """Answer with challenges, and have bought what a machine repeats one for."""
    return gatekeeping.toll(request, resource, offers)


@hookimpl
def reserve(order: Order) -> None:
    """Sell a draft once, within its budget."""
    drafts.take(order)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Say beside a token that may pay what is left of its budget."""
    if slot != "token" or SPEND not in context["scopes"]:  # type: ignore[operator]
        return None
    budget = budgets.of_token(str(context["token"]))
    left, most = (Money(minor, site_currency()) for minor in (budget.left, budget.most))
    return Markup(render_template("machinepay/token.html", left=left, most=most))  # noqa: S704 - a template


@hookimpl
def export_reader(holder: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
    """Return a user's budgets, and what machines were offered and bought for them."""
    names = ("token", "most", "most_a_day", "spent")
    rows = execute(
        "SELECT token, most, most_a_day, spent FROM machinepay_budget WHERE user_id = ?", [holder]
    ).fetchall()
    bought = [
        {"token": one.token, "resource": one.resource, "price": str(one.price), "order": one.order}
        for one in drafts.sold_to(holder, limit=100_000)
    ]
    given = [dict(zip(names, row, strict=True)) for row in rows]
    return {"budgets": given, "bought": bought} if given or bought else None


@hookimpl
def erase_reader(holder: str) -> str | None:
    """Forget budgets and drafts; orders and books are core's."""
    execute("DELETE FROM machinepay_budget WHERE user_id = ?", [holder])
    execute("DELETE FROM machinepay_draft WHERE holder = ?", [holder])
    return None

"""Orders, refunds, entitlements and the books, for machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from flask import Response, request

from core import checkout, cursors, orders
from core.errors import BadInput, NotFound, OboloError, Refused
from core.orders import Order
from core.payments import records
from core.people import current_reader, users
from core.settings import value
from core.web.api import answers, drawing
from core.web.api.operations import JSON, mode, operation
from core.web.api.shapes import (
    BalancesAsked,
    Entitlement,
    EntitlementsAsked,
    EntriesAsked,
    Entry,
    Leg,
    OrdersAsked,
    Page,
    Paged,
    Refund,
    RefundWanted,
    WholeOrder,
)
from core.web.api.shapes import Order as DrawnOrder

Found = TypeVar("Found")
NO_ORDER = {404: "There is no such order, or it is not of this token’s mode."}


def page_of(
    found: Sequence[Found], limit: int, draw: Callable[[Found], Any], name: Callable[[Found], str]
) -> Page[Any]:
    """Draw a page of a list of which one more than `limit` was asked for."""
    shown = found[:limit]
    more = name(shown[-1]) if len(found) > limit else None
    return Page(data=[draw(one) for one in shown], next=more)


@operation("GET", "/orders", "orders.view", Page[DrawnOrder], query=OrdersAsked)
def list_orders(asked: OrdersAsked) -> Page[DrawnOrder]:
    """List orders, newest first."""
    found = cursors.page_of_orders(
        mode(), after=asked.after, limit=asked.limit + 1, state=asked.state, holder=asked.holder
    )
    return page_of(found, asked.limit, drawing.order, lambda one: one.id)


@operation("GET", "/orders/<id>", "orders.view", WholeOrder, refusals=NO_ORDER)
def show_order(id: str) -> WholeOrder:
    """Show an order with its payments, refunds and entitlements."""
    return drawing.whole_order(_order(id))


def _order(id: str) -> Order:
    order = orders.find(id)
    if order.mode != mode():
        raise NotFound("There is no such order.")
    return order


@operation(
    "POST", "/orders/<id>/refunds", "orders.refund", Refund, takes=RefundWanted,
    keyed=True, refusals={
        **NO_ORDER, 409: "The order is not paid, or the key was used for something else.",
    },
)  # fmt: skip
def refund_order(id: str, body: RefundWanted, key: str) -> Response:
    """Give lines of an order back, once for each Idempotency-Key."""
    order, reader = _order(id), current_reader()
    wanted = {part.number: part.minor for part in body.lines}
    if len(wanted) < len(body.lines):
        raise BadInput("A line can be named once only.")
    content = request.path.encode() + b"\n" + msgspec.json.encode(body)
    kept = answers.claim(reader.holder, key, content, "ref")
    if kept.status is not None:
        return Response(kept.body, kept.status, content_type=JSON)
    try:
        _refuse_too_much(order, wanted, kept.subject)
        done = checkout.refund(
            order.id,
            wanted,
            actor=reader.holder,
            reason=body.reason,
            to=body.to,
            refund_id=kept.subject,
        )
    except OboloError:
        if records.find_refund(kept.subject) is None:
            answers.release(reader.holder, key)
        raise
    if done.state == "failed":
        raise Refused("The provider refused this refund; use another key to ask again.")
    drawn = msgspec.json.encode(drawing.refund(done))
    status, said = answers.keep(reader.holder, key, 201, drawn)
    return Response(said, status, content_type=JSON)


def _refuse_too_much(order: Order, wanted: dict[int, int], refund: str) -> None:
    """Refuse more of one order, all its refunds together, than goes back without a step-up."""
    asked = records.refunds(records.find(order.payment)) if order.payment else []
    before = sum(one.amount.minor for one in asked if one.state != "failed" and one.id != refund)
    if before + sum(wanted.values()) > value("checkout.confirm_above"):
        raise Refused("So much is given back by a person who confirms it, not by a token.")


@operation(
    "GET", "/entitlements", "orders.view", Page[Entitlement], query=EntitlementsAsked,
)  # fmt: skip
def list_entitlements(asked: EntitlementsAsked) -> Page[Entitlement]:
    """List what a holder was given, with what they claimed as a guest, newest first."""
    holders = (asked.holder, *users.claimed_by(asked.holder))
    found = cursors.page_of_entitlements(holders, after=asked.after, limit=asked.limit + 1)
    return page_of(found, asked.limit, drawing.entitlement, cursors.cursor_of)


@operation("GET", "/entries", "orders.view", Page[Entry], query=EntriesAsked)
def list_entries(asked: EntriesAsked) -> Page[Entry]:
    """List the entries of the books, oldest first."""
    found = cursors.page_of_entries(
        mode(), after=asked.after, limit=asked.limit + 1, account=asked.account, order=asked.order
    )
    return page_of(found, asked.limit, drawing.entry, lambda one: one.id)


@operation("GET", "/balances", "orders.view", Page[Leg], query=BalancesAsked)
def list_balances(asked: BalancesAsked) -> Page[Leg]:
    """List what accounts hold: debits above zero, credits below."""
    found = cursors.page_of_balances(
        mode(), after=asked.after, limit=asked.limit + 1, family=asked.family
    )
    return page_of(found, asked.limit, drawing.leg, cursors.cursor_of_balance)


@operation("GET", "/library", "user", Page[Entitlement], query=Paged)
def show_library(asked: Paged) -> Page[Entitlement]:
    """List what the token’s own user holds, newest first."""
    found = cursors.page_of_entitlements(
        current_reader().holders, after=asked.after, limit=asked.limit + 1
    )
    return page_of(found, asked.limit, drawing.entitlement, cursors.cursor_of)


@operation("GET", "/library/balances", "user", Page[Leg])
def show_own_balances() -> Page[Leg]:
    """List what the token’s own user keeps here, such as a balance."""
    found = [
        leg
        for holder in current_reader().holders
        for leg in cursors.page_of_balances(mode(), after="", limit=100, holder=holder)
    ]
    return Page(data=[drawing.leg(leg) for leg in found])

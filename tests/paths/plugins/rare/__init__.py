"""What a demo shows seldom or never: several offers, questions, instructions, failing pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from flask import Blueprint

from core import (
    Action,
    Facts,
    Gate,
    Grant,
    Hint,
    Inbound,
    Instructions,
    Intent,
    Line,
    Money,
    Offer,
    Order,
    Payment,
    Provider,
    Question,
    Quote,
    State,
    Step,
    Unavailable,
    callers,
    hookimpl,
)

WEEK = "rare:week"
LINES = (
    "Account: IT60 X054 2811 1010 0000 0123 456",
    "Reference: 4711 0815, which leads your payment to this order",
)
pages = Blueprint("rare", __name__, url_prefix="/x/rare")


@pages.get("/<int:status>")
@callers("anyone")
def fail(status: int) -> str:
    """Fail as the address says."""
    if status == 503:
        raise Unavailable("Payments are not possible right now. Nothing was taken.")
    raise RuntimeError(status)


@hookimpl
def register_blueprint() -> Blueprint:
    return pages


@hookimpl
def guard(gate: Gate | None) -> Gate | None:
    """Let a week open all that has a price."""

    def offers() -> tuple[Offer, ...] | None:
        single = gate.offers() if gate is not None else None
        if single is None:
            return None
        week = Line("A week of everything", Money(300, "EUR"), "income:rare",
                    (Grant(WEEK, timedelta(days=7)),))  # fmt: skip
        return (*single, Offer("week", "Read everything for a week", (week,)))

    return None if gate is None else Gate(gate.keys | {WEEK}, offers)


@hookimpl
def ask(order: Order) -> Iterable[Question]:
    """Ask whoever takes a week for all that can be asked."""
    if all(line.account != "income:rare" for line in order.lines):
        return ()
    return (
        Question("now", "consent", "I want it at once and know that I cannot withdraw then."),
        Question("where", "choice", "Where do you live?", choices=("Italy", "Elsewhere")),
        Question("why", "text", "What brings you here?", required=False),
    )


class Transfer:
    """A bank transfer: instructions now, money in some days."""

    name = "transfer"
    can = frozenset[str]()
    mode = "live"
    payee = "rare"

    def till(self, holder: str, currency: str) -> str:
        return "assets:transfer"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        if amount.minor < 300:
            return None
        return Quote("Bank transfer", Money(0, amount.currency), "instructions")

    def begin(self, intent: Intent, key: str) -> Step:
        return Instructions(f"tr_{key}", LINES)

    def look_up(self, payment: Payment) -> Facts:
        return Facts(payment.ref or "", State.CUSTOMER)

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        return Facts(payment.ref or "", State.CANCELLED)

    def hear(self, request: Inbound) -> Iterable[Hint]:
        return ()


@hookimpl
def register_provider() -> Provider:
    return Transfer()

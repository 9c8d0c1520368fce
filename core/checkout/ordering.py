"""Draft an order and write it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from core import entitlements, ledger, notices, orders, plugins
from core.checkout import receipts
from core.clock import now
from core.errors import BadInput, Conflict, OboloError, Refused
from core.orders import Line, Order, Question
from core.people import Reader
from core.settings import value
from core.storage import lock_name, new_id, transaction


class Unanswered(OboloError):
    """The order asks something first; `questions` are all that it asks."""

    status = 422

    def __init__(self, questions: list[Question]) -> None:
        super().__init__("Please answer the questions first.")
        self.questions = questions


def draft(reader: Reader, lines: Iterable[Line], *, return_to: str = "/") -> Order:
    """Return the order that these lines would make, with what plugins add; nothing is stored."""
    given = tuple(lines)
    order = Order(reader.holder, (), given[0].amount.currency, return_to, reader.language)
    order = plugins.fold("add_lines", "order", order.with_lines(given), Order.with_lines)
    if order.total.minor < 0:
        raise BadInput("An order cannot cost less than nothing.")
    return order


def start_order(
    reader: Reader,
    lines: Iterable[Line],
    *,
    return_to: str = "/",
    answers: Mapping[str, str] | None = None,
    mode: str = "live",
) -> Order:
    """Write an order down: the same draft, answered, reviewed, reserved.

    An order whose lines sum to zero needs no provider and is settled at once. Raises Unanswered,
    Refused, and whatever a plugin refuses with; then nothing is stored. The same lines ordered
    again while the first order is open are that order, so that two tabs pay once.
    """
    order = prepare(reader, lines, return_to=return_to, answers=answers or {}, mode=mode)
    with transaction():
        lock_name(order.holder)
        if order.total and (same := _same(order)):
            return same
        orders.store(order)
        reserve(order)
        return order if order.total else settle_nothing(order)


def _same(order: Order) -> Order | None:
    """Return an open order of this holder with the same lines, where they open something."""
    if not any(line.grants for line in order.lines):
        return None
    found = orders.open_of(order.holder, now())
    return next((other for other in found if _alike(other) == _alike(order)), None)


def _alike(order: Order) -> tuple[object, ...]:
    return order.lines, order.answers, order.mode, order.return_to


def prepare(
    reader: Reader,
    lines: Iterable[Line],
    *,
    return_to: str,
    answers: Mapping[str, str],
    mode: str = "live",
) -> Order:
    """Return the order as it would be stored, after all that may refuse it."""
    order = draft(reader, lines, return_to=return_to)
    assert order.holder, "a reader needs a holder to buy"
    own = [line.account for line in order.lines if line.account.endswith(f":{order.holder}")]
    if any(not account.startswith("assets:") for account in own):
        refuse_debtors(reader)
    made = now()
    until = made + timedelta(minutes=value("checkout.order_minutes"))
    given = _answers(order, answers)
    order = replace(order, answers=given, id=new_id("ord"), mode=mode, created=made, expires=until)
    for _, refusal in plugins.each("review", order=order, reader=reader):
        raise Refused(refusal.reason)
    return order


def refuse_debtors(reader: Reader) -> None:
    """Refuse whoever the site has an open claim against: reading goes on, spending does not."""
    if ledger.claims(reader.holders or (reader.holder,)):
        raise Conflict(
            "A payment of yours was taken back, so nothing can be spent until that is settled."
        )


def _answers(order: Order, given: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    questions = [question for _, some in plugins.each("ask", order=order) for question in some]
    open_questions = [q for q in questions if q.required and not _answered(q, given.get(q.key, ""))]
    if open_questions:
        raise Unanswered(questions)
    return {q.key: (q.text, given[q.key]) for q in questions if _answered(q, given.get(q.key, ""))}


def _answered(question: Question, answer: str) -> bool:
    return answer in question.choices if question.kind == "choice" else bool(answer.strip())


def reserve(order: Order) -> None:
    """Let plugins take what the order needs, in the transaction that stored it."""
    for _ in plugins.each("reserve", order=order):
        pass


def settle_nothing(order: Order) -> Order:
    """Settle an order that sums to zero: its legs balance by themselves, its keys are granted."""
    order = orders.mark(order, "paid")
    legs = [ledger.Leg(line.account, -line.amount) for line in order.lines]
    ledger.post(
        f"order:{order.id}", legs, reason="order of nothing", mode=order.mode, order=order.id
    )
    grant(order)
    notices.tell("on_order_paid", f"{order.id}:paid", order=order.id)
    receipts.send(order)
    return order


def grant(order: Order) -> None:
    """Give the holder what the order's lines open."""
    keys = [(line.number, one.key, one.lasts) for line in order.lines for one in line.grants]
    if keys:
        entitlements.grant(order.holder, order.id, keys)

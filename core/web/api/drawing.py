"""What is kept, as the interface for machines answers it."""

from __future__ import annotations

from typing import Any

import msgspec

from core import cursors, orders, plugins
from core.cursors import Entry
from core.entitlements import Entitlement
from core.ledger import Leg
from core.money import Money
from core.orders import Line, Order
from core.outgoing import Delivery, Endpoint
from core.payments import Movement, Payment, records
from core.payments.records import AskedRefund
from core.people.users import User
from core.settings import Setting, locked, value
from core.web.api import shapes


def amount(money: Money) -> shapes.Amount:
    """Draw money."""
    return shapes.Amount(minor=money.minor, currency=money.currency)


def resource(card: plugins.ResourceCard) -> shapes.Resource:
    """Draw what everybody may know of a resource."""
    return shapes.Resource(
        resource=card.resource, kind=card.kind, title=card.title, url=card.url,
        language=card.language, summary=card.summary, tags=list(card.tags),
        authors=list(card.authors), published=card.published,
    )  # fmt: skip


def fields(drawn: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of something drawn, by name."""
    return {name: getattr(drawn, name) for name in drawn.__struct_fields__}


def plain(drawn: msgspec.Struct) -> Any:
    """Return something drawn as JSON's own kinds of values."""
    return msgspec.to_builtins(drawn)


def _line(line: Line) -> shapes.Line:
    grants = [
        shapes.Given(
            key=one.key, seconds=None if one.lasts is None else int(one.lasts.total_seconds())
        )
        for one in line.grants
    ]
    return shapes.Line(
        number=line.number, label=line.label, amount=amount(line.amount), account=line.account,
        part_of=line.part_of, tax_class=line.tax_class, grants=grants,
    )  # fmt: skip


def order(found: Order) -> shapes.Order:
    """Draw an order with its lines."""
    return shapes.Order(**_order(found))


def _order(found: Order) -> dict[str, Any]:
    return {
        "id": found.id, "holder": found.holder, "state": found.state, "mode": found.mode,
        "total": amount(found.total), "created": found.created, "expires": found.expires,
        "payment": found.payment, "lines": [_line(line) for line in found.lines],
    }  # fmt: skip


def whole_order(found: Order) -> shapes.WholeOrder:
    """Draw an order with payments, refunds and entitlements."""
    payments = records.of_order(found.id)
    given = cursors.page_of_entitlements((), order=found.id, after="", limit=1_000)
    return shapes.WholeOrder(
        **_order(found),
        payments=[payment(one) for one in payments],
        refunds=[refund(one) for paid in payments for one in records.refunds(paid)],
        entitlements=[entitlement(one) for one in given],
    )


def _movement(found: Movement) -> shapes.Movement:
    fee = None if found.fee is None else shapes.Amount(minor=found.fee, currency=found.currency)
    return shapes.Movement(
        kind=found.kind.value, id=found.id, status=found.status.value,
        amount=shapes.Amount(minor=found.minor, currency=found.currency), fee=fee,
    )  # fmt: skip


def payment(found: Payment) -> shapes.Payment:
    """Draw a try to pay."""
    return shapes.Payment(
        id=found.id, provider=found.provider, state=found.facts.state.value, mode=found.mode,
        amount=amount(found.amount), ref=found.ref, wrong=found.wrong, created=found.created,
        movements=[_movement(one) for one in found.facts.movements],
    )  # fmt: skip


def refund(found: AskedRefund) -> shapes.Refund:
    """Draw a refund."""
    parts = [shapes.Part(number=number, minor=minor) for number, minor in found.lines.items()]
    return shapes.Refund(
        id=found.id, payment=found.payment, amount=amount(found.amount), lines=parts,
        to=found.destination, state=found.state,
    )  # fmt: skip


def entitlement(found: Entitlement) -> shapes.Entitlement:
    """Draw an entitlement."""
    return shapes.Entitlement(
        id=cursors.cursor_of(found), order=found.order, line=found.line, key=found.key,
        holder=found.holder, state=found.state, starts=found.starts, until=found.until,
    )  # fmt: skip


def leg(found: Leg) -> shapes.Leg:
    """Draw one side of an entry, or what an account holds."""
    return shapes.Leg(account=found.account, amount=amount(found.amount))


def entry(found: Entry) -> shapes.Entry:
    """Draw an entry with its legs."""
    return shapes.Entry(
        id=found.id, key=found.key, at=found.at, mode=found.mode, reason=found.reason,
        order=found.order, legs=[leg(one) for one in found.legs],
    )  # fmt: skip


def user(found: User) -> shapes.User:
    """Draw a user."""
    return shapes.User(
        id=found.id, state=found.state, role=found.role, language=found.language,
        email=found.email, name=found.name, created=found.created,
    )  # fmt: skip


def setting(found: Setting) -> shapes.Setting:
    """Draw a setting; of a secret only whether there is one."""
    now = value(found.name)
    return shapes.Setting(
        name=found.name, type=found.kind, value=None if found.secret else now,
        is_set=bool(now) if found.secret else True, is_locked=locked(found.name),
    )  # fmt: skip


def endpoint(found: Endpoint) -> shapes.Endpoint:
    """Draw an endpoint, without its secrets."""
    return shapes.Endpoint(**_endpoint(found))


def _endpoint(found: Endpoint) -> dict[str, Any]:
    return {
        "id": found.id, "url": found.url, "events": list(found.events), "state": found.state,
        "created": found.created, "failing_since": found.failing_since,
    }  # fmt: skip


def new_endpoint(found: Endpoint, secret: str) -> shapes.NewEndpoint:
    """Draw an endpoint with its new secret."""
    return shapes.NewEndpoint(**_endpoint(found), secret=secret)


def delivery(found: Delivery) -> shapes.Delivery:
    """Draw a message to an endpoint."""
    return shapes.Delivery(
        id=found.id, type=found.type, order=found.order, created=found.created,
        attempts=found.attempts, next_try=found.next_try, delivered=found.delivered,
        status=found.status, answer=found.answer, error=found.error,
    )  # fmt: skip


def document_of_order(order_id: str) -> bytes:
    """Return an order as JSON, as a webhook carries it."""
    return msgspec.json.encode(whole_order(orders.find(order_id)))

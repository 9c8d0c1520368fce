"""Transfers that readers were asked for, the lines that paid them, and refunds sent by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from core import InstantField, Intent, Money, NotFound, execute, insert, local_path, now
from plugins.banktransfer.accounts import new_reference

INSTANTS = InstantField()
COLUMNS = (
    "id, reference, holder, minor, currency, words, state, failure, back, language, created, until"
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer: its id is core's of the payment. `state` is open, cancelled or failed.

    `back` is the path of the order; `until` is how long it is waited for.
    """

    id: str
    reference: str
    holder: str
    amount: Money
    words: str
    state: str
    failure: str
    back: str
    language: str
    created: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Back:
    """Money that staff send back by hand: `state` is asked, or done once it was sent."""

    id: str
    transfer: str
    amount: Money
    state: str
    created: datetime


def at(micros: int) -> datetime:
    """Return an instant as the tables keep it."""
    return cast("datetime", INSTANTS.python_value(micros))


def keep(intent: Intent, path: str, days: int) -> Transfer:
    """Keep a transfer with a reference of its own, unless it is kept already."""
    made = now()
    known = find(intent.payment)
    while known is None:
        insert("banktransfer_transfer", {
            "id": intent.payment, "reference": new_reference(), "holder": intent.holder,
            "minor": intent.amount.minor, "currency": intent.amount.currency,
            "words": intent.description, "state": "open", "failure": "",
            "back": local_path(path), "language": intent.language,
            "created": INSTANTS.db_value(made),
            "until": INSTANTS.db_value(made + timedelta(days=days)),
        }, ignore=True)  # fmt: skip
        known = find(intent.payment)  # none where the reference was drawn before: draw again
    return known


def bury(id: str, amount: Money) -> None:
    """Note that a transfer is not waited for, even one that was never asked for."""
    if find(id) is None:
        at_once = INSTANTS.db_value(now())
        insert("banktransfer_transfer", {
            "id": id, "reference": f"-{id}", "holder": "", "minor": amount.minor,
            "currency": amount.currency, "words": "", "state": "cancelled", "failure": "",
            "back": "/", "language": "", "created": at_once, "until": at_once,
        }, ignore=True)  # fmt: skip
    mark(id, "cancelled")


def mark(id: str, state: str, failure: str = "") -> None:
    """Store that an open transfer is no longer waited for."""
    execute(
        "UPDATE banktransfer_transfer SET state = ?, failure = ? WHERE id = ? AND state = 'open'",
        [state, failure, id],
    )


def find(id: str) -> Transfer | None:
    """Return a transfer."""
    found = _read("id = ?", [id])
    return found[0] if found else None


def of_reference(reference: str) -> Transfer | None:
    """Return the transfer that a payer named."""
    found = _read("reference = ?", [reference])
    return found[0] if found else None


def waiting(limit: int = 200) -> list[Transfer]:
    """Return the open transfers that nothing came in for, the oldest first."""
    return _read(
        "state = 'open' AND NOT EXISTS (SELECT 1 FROM banktransfer_line l WHERE "
        "l.transfer_id = banktransfer_transfer.id AND l.state = 'booked') "
        "ORDER BY created LIMIT ?",
        [limit],
    )


def _read(where: str, values: Sequence[Any]) -> list[Transfer]:
    sql = f"SELECT {COLUMNS} FROM banktransfer_transfer WHERE {where}"  # noqa: S608 - names of this file
    return [
        Transfer(
            id, reference, holder, Money(minor, currency), words, state, failure, back, language,
            at(created), at(until),
        )
        for id, reference, holder, minor, currency, words, state, failure, back, language,
        created, until in execute(sql, list(values)).fetchall()
    ]  # fmt: skip


def paid(id: str) -> list[tuple[str, Money]]:
    """Return the lines that were booked for a transfer: id and amount."""
    rows = execute(
        "SELECT id, minor, currency FROM banktransfer_line WHERE transfer_id = ? AND "
        "state = 'booked' ORDER BY id",
        [id],
    ).fetchall()
    return [(line, Money(minor, currency)) for line, minor, currency in rows]


def is_seen(id: str) -> bool:
    """Tell whether the bank's statement has a line for a transfer that nobody has confirmed yet."""
    row = execute(
        "SELECT 1 FROM banktransfer_line l JOIN banktransfer_transfer t ON t.id = l.transfer_id "
        "WHERE l.transfer_id = ? AND l.state = 'new' AND l.minor = t.minor "
        "AND l.currency = t.currency",
        [id],
    ).fetchone()
    return row is not None


def ask_back(id: str, transfer: str, amount: Money) -> Back:
    """Note that staff are to send money back, once per id; return what is noted."""
    insert("banktransfer_refund", {
        "id": id, "transfer_id": transfer, "minor": amount.minor, "state": "asked",
        "created": INSTANTS.db_value(now()), "done": None,
    }, ignore=True)  # fmt: skip
    return next(one for one in backs(transfer) if one.id == id)


def sent(id: str) -> Back:
    """Note that money was sent back. Raises NotFound."""
    execute(
        "UPDATE banktransfer_refund SET state = 'done', done = ? WHERE id = ? AND state = 'asked'",
        [INSTANTS.db_value(now()), id],
    )
    found = _backs("r.id = ?", [id])
    if not found:
        raise NotFound("There is no such refund.")
    return found[0]


def backs(transfer: str) -> list[Back]:
    """Return the refunds of a transfer, oldest first."""
    return _backs("r.transfer_id = ?", [transfer])


def backs_to_send() -> list[Back]:
    """Return the refunds that staff are to send."""
    return _backs("r.state = 'asked'", [])


def _backs(where: str, values: list[Any]) -> list[Back]:
    rows = execute(
        "SELECT r.id, r.transfer_id, r.minor, t.currency, r.state, r.created "  # noqa: S608 - names of this file
        "FROM banktransfer_refund r JOIN banktransfer_transfer t ON t.id = r.transfer_id "
        f"WHERE {where} ORDER BY r.id",
        values,
    ).fetchall()
    return [
        Back(id, transfer, Money(minor, currency), state, at(created))
        for id, transfer, minor, currency, state, created in rows
    ]

"""Kept methods: what a reader lets the site charge later, by the provider's own word for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.errors import NotFound
from core.payments.provider import Payment
from core.storage import execute, insert, instant, micros, new_id, vault


@dataclass(frozen=True, slots=True)
class Method:
    """A method that a holder keeps at a provider; `payment` is the one by which it was kept."""

    id: str
    holder: str
    provider: str
    label: str
    payment: str
    created: datetime


def keep(payment: Payment, holder: str, token: str, label: str) -> bool:
    """Keep a method, once for the payment that brought it; False when it is kept already."""
    if execute("SELECT 1 FROM payments_method WHERE payment_id = ?", [payment.id]).fetchone():
        return False
    id, subject = new_id("met"), f"person:{holder}"
    return bool(insert("payments_method", {
        "id": id, "holder": holder, "provider": payment.provider,
        "token": vault.seal(token, subject=subject, **_place(id, "token")),
        "label": vault.seal(label, subject=subject, **_place(id, "label")),
        "payment_id": payment.id, "created": micros(now()),
    }, ignore=True))  # fmt: skip


def _place(id: str, column: str) -> dict[str, str]:
    return {"table": "payments_method", "column": column, "row": id}


def of_holders(holders: Sequence[str]) -> list[Method]:
    """Return what these holders keep, the newest first."""
    marks = ", ".join("?" * len(holders))
    return _read(f"holder IN ({marks}) ORDER BY id DESC", holders) if holders else []


def _read(where: str, values: Iterable[str]) -> list[Method]:
    rows = execute(
        "SELECT id, holder, provider, label, payment_id, created FROM payments_method "
        f"WHERE {where}",
        [*values],
    ).fetchall()
    return [
        Method(id, holder, provider, vault.unseal(bytes(label), **_place(id, "label")), payment,
               instant(created))
        for id, holder, provider, label, payment, created in rows
    ]  # fmt: skip


def find(id: str) -> Method:
    """Return one kept method. Raises NotFound, also when its reader took it away."""
    found = _read("id = ?", [id])
    if not found:
        raise NotFound("This way of paying is no longer kept.")
    return found[0]


def token(id: str) -> str:
    """Return the provider's word for a kept method, for the call that charges it."""
    row = execute("SELECT token FROM payments_method WHERE id = ?", [id]).fetchone()
    if row is None:
        raise NotFound("This way of paying is no longer kept.")
    return vault.unseal(bytes(row[0]), **_place(id, "token"))


def remove(id: str, holders: Sequence[str]) -> bool:
    """Forget a method of these holders, in the caller's transaction; False if there is none."""
    marks = ", ".join("?" * len(holders)) or "NULL"
    sql = f"DELETE FROM payments_method WHERE id = ? AND holder IN ({marks})"
    return bool(execute(sql, [id, *holders]).rowcount)


def forget(holder: str) -> None:
    """Forget all that a holder keeps, in the caller's transaction."""
    execute("DELETE FROM payments_method WHERE holder = ?", [holder])

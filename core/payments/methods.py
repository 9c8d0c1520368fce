"""Kept methods: what a reader lets the site charge later, by the provider's own word for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.errors import NotFound
from core.payments.provider import Payment
from core.storage import execute, insert, instant, micros, new_id, vault

NOBODY = "nobody"
"""The holder of what was taken away, until its provider has forgotten it too."""
UNWANTED = "shop:unwanted"
"""Whose key seals it then."""


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
    found = _read("id = ? AND holder <> ?", [id, NOBODY])
    if not found:
        raise NotFound("This way of paying is no longer kept.")
    return found[0]


def token(id: str) -> str:
    """Return the provider's word for a kept method, for the call that charges it."""
    find(id)
    return _token(id)


def _token(id: str) -> str:
    (cell,) = execute("SELECT token FROM payments_method WHERE id = ?", [id]).fetchone()
    return vault.unseal(bytes(cell), **_place(id, "token"))


def remove(id: str, holders: Sequence[str]) -> bool:
    """Take a method from these holders, in the caller's transaction; False if it is not theirs.

    Nobody can charge it from now on. It waits among the `unwanted` for its provider to forget it.
    """
    owned = next((one for one in of_holders(holders) if one.id == id), None)
    if owned is not None:
        _disown(owned)
    return owned is not None


def forget(holder: str) -> None:
    """Take away all that a holder keeps, in the caller's transaction."""
    for method in of_holders([holder]):
        _disown(method)


def _disown(method: Method) -> None:
    """Leave only what the provider needs to hear, sealed by a key that outlives the person's."""
    token, label = (
        vault.seal(text, subject=UNWANTED, **_place(method.id, column))
        for column, text in (("token", _token(method.id)), ("label", ""))
    )
    execute(
        "UPDATE payments_method SET holder = ?, token = ?, label = ? WHERE id = ?",
        [NOBODY, token, label, method.id],
    )


def unwanted() -> list[tuple[Method, str]]:
    """Return what nobody wants kept any more, each with the provider's word for it."""
    return [(one, _token(one.id)) for one in _read("holder = ? ORDER BY id LIMIT 100", [NOBODY])]


def drop(id: str) -> None:
    """Drop a method that its provider has forgotten, in the caller's transaction."""
    execute("DELETE FROM payments_method WHERE id = ? AND holder = ?", [id, NOBODY])

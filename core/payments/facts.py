"""What a provider reports, and the one pure function that puts reports together.

A provider never sets a status. `Facts.join` is commutative, associative and idempotent, so order,
duplicates and replays cannot matter; everything that is booked follows from the joined facts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a payment stands at its provider, from least to most: the larger one wins a join.

    A late success always wins; refunds and disputes are movements, not states.
    """

    NEW = "new"
    CUSTOMER = "customer"
    BANK = "bank"
    READY = "ready"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SAVED = "saved"
    PAID = "paid"


class Kind(StrEnum):
    """What moved: money to the site, back to the reader, or taken by a dispute."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"


class Status(StrEnum):
    """How far a movement is. A failed refund bounced; a failed dispute was won by the site."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


STATES = list(State)
STATUSES = list(Status)


def _larger(one: Any, other: Any) -> dict[str, Any]:
    """Return the larger of two reports of each figure; not known is the least."""
    larger = {}
    for name in (f.name for f in fields(one) if f.name not in ("state", "status", "movements")):
        known = {getattr(one, name), getattr(other, name)} - {None}
        larger[name] = max(known, default=None)
    return larger


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved at the provider: amounts in minor units; a fee of None is not known yet.

    `id` names the charge, refund or dispute, never the message about it. `asked` is the id of the
    refund that core asked for, where the provider tells it. What the provider changed into another
    currency came to `settled_minor` of `settled_currency` in its account; `fee` is in
    `fee_currency`, and both are None where nothing was changed.
    """

    kind: Kind
    id: str
    minor: int
    currency: str
    status: Status = Status.DONE
    fee: int | None = None
    net: int | None = None
    instrument: str | None = None
    asked: str | None = None
    fee_currency: str | None = None
    settled_minor: int | None = None
    settled_currency: str | None = None

    def join(self, other: Movement) -> Movement:
        """Take the larger value in each field: a total order per field is what makes it a join."""
        status = max(self.status, other.status, key=STATUSES.index)
        return Movement(**_larger(self, other) | {"status": status})


@dataclass(frozen=True, slots=True)
class Facts:
    """A provider's report on one payment.

    `reference` is the payment's id as the provider kept it, `payee` who received the money and
    `mode` live or test: what core compares with what it asked. `saved` is the provider's word for
    a method that was kept, to be charged later; `saved_label` names it to the reader. `warning` is
    the provider's word for a suspicion before any dispute, such as `early_fraud_warning`.
    """

    ref: str
    state: State = State.NEW
    movements: tuple[Movement, ...] = ()
    reference: str | None = None
    payee: str | None = None
    mode: str | None = None
    method: str | None = None
    failure: str | None = None
    saved: str | None = None
    saved_label: str | None = None
    warning: str | None = None

    def join(self, other: Facts) -> Facts:
        """Put two reports together: commutative, associative, idempotent."""
        known: dict[tuple[Kind, str], Movement] = {}
        for m in (*self.movements, *other.movements):
            known[m.kind, m.id] = known[m.kind, m.id].join(m) if (m.kind, m.id) in known else m
        state = max(self.state, other.state, key=STATES.index)
        movements = tuple(known[key] for key in sorted(known))
        return Facts(**_larger(self, other) | {"state": state, "movements": movements})

    def movement(self, kind: Kind, id: str) -> Movement | None:
        """Return the movement of this kind and id."""
        return next((m for m in self.movements if m.kind == kind and m.id == id), None)

    def total(self, kind: Kind, *statuses: Status) -> int:
        """Add up the movements of a kind in these statuses, in minor units."""
        return sum(m.minor for m in self.movements if m.kind is kind and m.status in statuses)

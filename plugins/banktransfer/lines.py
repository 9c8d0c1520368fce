"""Lines of the bank's statements: kept once, matched with transfers, booked by staff."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from peewee import BigIntegerField, TextField

from core import (
    BadInput,
    Conflict,
    EncryptedText,
    Model,
    Money,
    NotFound,
    execute,
    new_id,
    now,
    record_event,
    refresh_payment,
    transaction,
)
from plugins.banktransfer import records
from plugins.banktransfer.accounts import compact, references_in
from plugins.banktransfer.records import INSTANTS, Transfer
from plugins.banktransfer.statements import Entry

LONGEST_REASON = 300


class Line(Model):
    """One line of a statement. `state` is new, booked or aside; payer and words are sealed."""

    id = TextField(primary_key=True, default=partial(new_id, "lin"))
    digest = TextField()
    day = TextField()
    minor = BigIntegerField()
    currency = TextField()
    payer = EncryptedText(shop="banktransfer")
    words = EncryptedText(shop="banktransfer")
    transfer_id = TextField(null=True)
    state = TextField(default="new")
    reason = TextField(default="")
    imported = BigIntegerField()

    class Meta:
        """Its table carries the plugin's name."""

        table_name = "banktransfer_line"

    def shown(self) -> Came:
        """Return what a page shows of it."""
        amount = Money(int(self.minor), str(self.currency))
        day = datetime.fromisoformat(str(self.day)).replace(tzinfo=UTC)
        return Came(str(self.id), day, amount, str(self.payer), str(self.words))


@dataclass(frozen=True, slots=True)
class Came:
    """A line as a page shows it, unsealed."""

    id: str
    day: datetime
    amount: Money
    payer: str
    words: str


@dataclass(frozen=True, slots=True)
class Match:
    """A line and the transfer that it names. `how` is exact, less, more, late or unknown."""

    line: Came
    transfer: Transfer | None
    how: str


def keep(entries: Iterable[Entry]) -> tuple[int, int]:
    """Keep what came in, each once however often it is imported; return how many are new, and not.

    A line is told by the bank's own id. Where there is none, by all that it says, and by how many
    that say the same stand before it in the file.
    """
    seen: Counter[str] = Counter()
    fresh = known = 0
    with transaction():
        for entry in entries:
            natural = _natural(entry)
            seen[natural] += 1
            digest = _digest(natural if entry.id else f"{natural}|{seen[natural]}")
            if execute("SELECT 1 FROM banktransfer_line WHERE digest = ?", [digest]).fetchone():
                known += 1
                continue
            named = [records.of_reference(one) for one in references_in(entry.words)]
            found = {one.id for one in named if one is not None}
            Line.create(
                digest=digest, day=entry.day.isoformat(), minor=entry.amount.minor,
                currency=entry.amount.currency, payer=entry.payer, words=entry.words,
                transfer_id=found.pop() if len(found) == 1 else None,
                imported=INSTANTS.db_value(now()),
            )  # fmt: skip
            fresh += 1
    return fresh, known


def _natural(entry: Entry) -> str:
    if entry.id:
        return f"id|{entry.id}|{entry.amount}"
    return "|".join((entry.day.isoformat(), str(entry.amount), entry.payer, entry.words))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def waiting() -> list[Match]:
    """Return the lines that nobody has dealt with yet, those that fit first."""
    found = [_matched(line) for line in Line.select().where(Line.state == "new").limit(500)]
    order = ("exact", "less", "more", "late", "unknown")
    return sorted(found, key=lambda one: (order.index(one.how), one.line.day, one.line.id))


def _matched(row: Any) -> Match:
    line = row.shown()
    transfer = records.find(row.transfer_id) if row.transfer_id else None
    if transfer is None:
        return Match(line, None, "unknown")
    if transfer.state != "open" or records.paid(transfer.id):
        return Match(line, transfer, "late")
    if line.amount.currency != transfer.amount.currency:
        return Match(line, transfer, "late")
    more = line.amount.minor - transfer.amount.minor
    return Match(line, transfer, "exact" if not more else "more" if more > 0 else "less")


def find(id: str) -> Line:
    """Return a line. Raises NotFound."""
    found = Line.get_or_none(Line.id == id)
    if found is None:
        raise NotFound("There is no such line.")
    return found


def book(id: str, actor: str, *, reference: str = "") -> str:
    """Book a line for the transfer that it names, or for that of a reference; cannot be undone.

    Core settles what follows: the order is paid by exactly what was asked. Anything else is booked
    as money that nobody asked for, until it is given back. Returns what is wrong with it, or
    nothing. Raises NotFound, BadInput and Conflict.
    """
    line = find(id)
    wanted = compact(reference)
    transfer = records.of_reference(wanted) if wanted else records.find(str(line.transfer_id))
    if transfer is None:
        raise BadInput("There is no transfer with this reference.")
    with transaction():
        _leave_new(id, "booked", transfer_id=transfer.id)
        record_event(
            "banktransfer.book", actor=actor, subject=transfer.id, line=id,
            amount=str(line.shown().amount),
        )  # fmt: skip
    payment = refresh_payment(transfer.id)
    return payment.wrong


def set_aside(id: str, actor: str, reason: str) -> None:
    """Leave a line out of the books for a reason: money that is for something else."""
    words = " ".join(reason.split())
    if not words or len(words) > LONGEST_REASON:
        raise BadInput("Please write why, in at most {most} characters.", most=LONGEST_REASON)
    find(id)
    with transaction():
        _leave_new(id, "aside", reason=words, transfer_id=None)
        record_event("banktransfer.aside", actor=actor, subject=id, reason=words)


def _leave_new(id: str, state: str, **changes: str | None) -> None:
    """Deal with a line once: the second of two people is told. Raises Conflict."""
    done = Line.update(state=state, **changes).where(Line.id == id, Line.state == "new")
    if not done.execute():
        raise Conflict("Somebody has dealt with this line already.")

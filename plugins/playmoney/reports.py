"""What the bank says of a payment: the sum of all that happened to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import msgspec

from core import OboloError
from plugins.playmoney.log import Row

Standing = Literal["open", "declined", "processing", "held", "paid", "cancelled", "expired"]


Kind = TypeVar("Kind")


class Unreadable(OboloError):
    """What came is not what it should be."""

    status = 400


def read(body: bytes, kind: type[Kind]) -> Kind:
    """Return JSON as an object of a kind. Raises Unreadable, whatever the body is."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("This cannot be read as {kind}.", kind=kind.__name__) from error


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """The money taken from the person, or on its way; the fee is known once it was taken."""

    id: str
    minor: int
    currency: str
    done: bool
    fee: int | None = None


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went back, by the key that the site gave it."""

    id: str
    key: str
    minor: int
    currency: str


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that the person's bank takes back, in whole or in part."""

    id: str
    minor: int
    currency: str
    fee: int
    verdict: Literal["pending", "won", "lost"] = "pending"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One payment as it stands: minor units, `expires` in microseconds UTC.

    `reference` is the site's id of it and `ref` the bank's; `url` is the page where a person pays.
    """

    ref: str
    reference: str
    payee: str
    standing: Standing
    minor: int = 0
    currency: str = ""
    payable: bool = False
    charge: Charge | None = None
    refunds: tuple[GivenBack, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    failure: str | None = None
    description: str = ""
    return_url: str = ""
    webhook_url: str = ""
    language: str = ""
    expires: int = 0
    url: str = ""
    hold: bool = False
    save: bool = False
    kept: str | None = None
    asks: bool = False

    @property
    def left(self) -> int:
        """How much of the charge is still with the site, in minor units."""
        if self.charge is None or not self.charge.done:
            return 0
        taken = sum(one.minor for one in self.disputes if one.verdict != "won")
        return self.charge.minor - taken - sum(one.minor for one in self.refunds)


def sum_up(rows: Sequence[Row], at: int) -> Report:
    """Return how a payment stands at an instant (microseconds UTC) after its rows, oldest first."""
    first = rows[0]
    report = Report(
        ref=first.ref, reference=first.reference, payee=first.payee, standing="cancelled",
    )  # fmt: skip
    for row in rows:
        step = STEPS.get(row.kind)
        report = step(report, row) if step else report
    if report.standing not in ("open", "declined", "held"):
        return report
    if at < report.expires:
        return msgspec.structs.replace(report, payable=report.standing != "held")
    return msgspec.structs.replace(report, standing="expired")


def _begun(report: Report, row: Row) -> Report:
    return msgspec.structs.replace(
        report, standing="open", minor=row.minor, currency=row.currency, **row.about
    )


def _held(report: Report, row: Row) -> Report:
    return msgspec.structs.replace(report, standing="held")


def _kept(report: Report, row: Row) -> Report:
    return msgspec.structs.replace(report, kept=row.id)


def _forgot(report: Report, _row: Row) -> Report:
    return msgspec.structs.replace(report, kept=None)


def _asked(report: Report, row: Row) -> Report:
    return msgspec.structs.replace(report, asks=True, failure="authentication_required")


def _declined(report: Report, row: Row) -> Report:
    return msgspec.structs.replace(report, standing="declined", failure="declined")


def _slow(report: Report, row: Row) -> Report:
    charge = Charge(id=row.about["charge"], minor=row.minor, currency=row.currency, done=False)
    return msgspec.structs.replace(report, standing="processing", charge=charge)


def _charged(report: Report, row: Row) -> Report:
    charge = Charge(
        id=row.id, minor=row.minor, currency=row.currency, done=True, fee=row.about["fee"]
    )
    return msgspec.structs.replace(report, standing="paid", charge=charge)


def _cancelled(report: Report, row: Row) -> Report:
    return msgspec.structs.replace(report, standing="cancelled")


def _refunded(report: Report, row: Row) -> Report:
    back = GivenBack(id=row.id, key=row.key, minor=row.minor, currency=row.currency)
    return msgspec.structs.replace(report, refunds=(*report.refunds, back))


def _disputed(report: Report, row: Row) -> Report:
    dispute = Dispute(id=row.id, minor=row.minor, currency=row.currency, fee=row.about["fee"])
    return msgspec.structs.replace(report, disputes=(*report.disputes, dispute))


def _decided(report: Report, row: Row) -> Report:
    disputes = tuple(
        msgspec.structs.replace(one, verdict=row.kind) if one.id == row.key else one
        for one in report.disputes
    )
    return msgspec.structs.replace(report, disputes=disputes)


STEPS: dict[str, Callable[[Report, Row], Report]] = {
    "begun": _begun,
    "held": _held,
    "kept": _kept,
    "forgot": _forgot,
    "asked": _asked,
    "declined": _declined,
    "slow": _slow,
    "charged": _charged,
    "cancelled": _cancelled,
    "refunded": _refunded,
    "disputed": _disputed,
    "won": _decided,
    "lost": _decided,
}

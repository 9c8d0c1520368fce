"""How the pages of PayPal and of bank transfers are visited."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import settings
from core.money import Money
from core.payments import Intent
from core.storage import new_id, transaction
from plugins.banktransfer import files, lines
from plugins.banktransfer import records as transfers
from plugins.banktransfer.statements import Entry
from plugins.paypal import records as paypal
from tests.paths.cast import Person
from tests.paths.visits import Ask, Visit, form, of
from tests.plugins.banktransfer.statement_files import IBAN

SEE_OTHER = (303,)
TEN = Money(1000, "EUR")
CSV = "Data;Importo;Causale\n02/03/2026;5,00;x"


def intent(holder: str) -> Intent:
    """Return what core asks for somebody's order."""
    back = "http://localhost/checkout/ord_1"
    return Intent(new_id("pay"), "ord_1", holder, TEN, "A text", back, "en")


def transfer(holder: str) -> str:
    """Return a transfer that somebody was asked for."""
    with transaction():
        return transfers.keep(intent(holder), "/checkout/ord_1", 14).id


def own_transfer(person: Person) -> Ask:
    """Name a transfer of one's own, to an account that is set up."""
    settings.save("banktransfer.iban", IBAN, actor="test")
    settings.save("banktransfer.holder", "Ada", actor="test")
    return of(id=transfer(person.holder or "none"))


def line(person: Person, **fields: str) -> Ask:
    """Name a line that has just been imported."""
    with person.app.app_context():
        lines.keep([Entry(date(2026, 3, 2), TEN, "Leo", "rent", new_id("x"))])
        return Ask({"id": lines.waiting()[0].line.id}, fields)


def table(person: Person) -> str:
    """Name a table that waits."""
    with person.app.app_context():
        return files.keep(CSV)


def refund(_: Person) -> Ask:
    """Name a refund that is to be sent."""
    with transaction():
        return of(id=transfers.ask_back(new_id("ref"), transfer("gst_other"), TEN).id)


def order(_: Person) -> Ask:
    """Name a payment at PayPal; without PayPal's id of the order nobody is believed."""
    with transaction():
        return of(id=paypal.keep(new_id("pay"), TEN, {}).id)


COLUMNS = {"day": "Data", "amount": "Importo", "words": "Causale"}
NOBODYS: dict[str, Any] = {"foreign": lambda _: of(id="none")}
TRANSFERS: dict[str, Visit] = {
    "paypal.save_keys": Visit(SEE_OTHER, own=lambda _: form(environment="sandbox")),
    "paypal.make_webhook": Visit((422,)),
    "paypal.left": Visit((404,), own=order, foreign=lambda _: of(id="none")),
    "banktransfer.static": Visit(own=lambda _: of(filename="copy.js")),
    "banktransfer.show": Visit(
        own=own_transfer, foreign=lambda _: of(id=transfer("gst_other")),
        unless=lambda kind: (404,) if kind.role == "nobody" else (),
    ),
    "banktransfer.take_file": Visit((400,)),
    "banktransfer.choose_columns": Visit(own=lambda p: of(id=table(p)), **NOBODYS),
    "banktransfer.take_columns": Visit(
        SEE_OTHER, own=lambda p: Ask({"id": table(p)}, COLUMNS), **NOBODYS
    ),
    "banktransfer.book": Visit(
        (400,), own=lambda p: line(p, reference="RF00"), **NOBODYS
    ),
    "banktransfer.set_aside": Visit(
        SEE_OTHER, own=lambda p: line(p, reason="rent"),
        foreign=lambda _: Ask({"id": "none"}, {"reason": "rent"}),
    ),
    "banktransfer.note_sent": Visit((404, *SEE_OTHER), own=refund, **NOBODYS),
}  # fmt: skip

"""The pages of staff: what is waited for, what came in, statements to import, refunds to send."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for

from core import (
    BadInput,
    OboloError,
    admin_page,
    callers,
    current_reader,
    gettext,
    ngettext,
    refresh_payment,
    site_currency,
    transaction,
)
from plugins.banktransfer import files, lines, records, statements
from plugins.banktransfer.accounts import account
from plugins.banktransfer.statements import Entry
from plugins.banktransfer.views import pages

VIEW, BOOK = "orders.view", "orders.refund"


@pages.get("/admin/transfers/")
@callers(VIEW)
def overview() -> Response:
    """Show what came in and is to be confirmed, what is waited for, what is to be sent back."""
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    return admin_page(
        "banktransfer/admin/overview.html", status, matches=lines.waiting(),
        transfers=records.waiting(), backs=records.backs_to_send(), account=account(),
        done=_done(), may_book=BOOK in current_reader().permissions, **more,
    )  # fmt: skip


def _done() -> str:
    what, number = request.args.get("done", ""), request.args.get("new", 0, type=int)
    if what == "imported":
        words = ngettext("%(num)s new line.", "%(num)s new lines.", max(number, 0))
        known = request.args.get("known", 0, type=int)
        again = ngettext("%(num)s was here already.", "%(num)s were here already.", max(known, 0))
        return f"{words} {again}" if known > 0 else str(words)
    said: dict[str, str] = {
        "paid": gettext("Confirmed. The order is paid."),
        "apart": gettext("Booked, and kept apart: it is not what was asked for."),
        "aside": gettext("Set aside. It is not in the books."),
        "sent": gettext("Noted as sent back."),
    }
    return said.get(what, "")


def _wrong(error: OboloError, **more: Any) -> Response:
    return _page(error.status, error=gettext(error.message).format(**error.values), **more)


@pages.post("/admin/transfers/import")
@callers(BOOK)
def take_file() -> Any:
    """Read a statement; a table of unknown columns is asked about first."""
    request.max_content_length = statements.MOST_BYTES
    upload = request.files.get("file")
    content = upload.read() if upload else b""
    try:
        return _take(content)
    except BadInput as error:
        return _wrong(error)


def _take(content: bytes) -> Any:
    to = account()
    if to is None:
        raise BadInput("First set up the bank account.")
    if not content:
        raise BadInput("Choose a file first.")
    if statements.is_xml(content):
        return _kept(statements.read_camt(content, to.iban))
    text = statements.text_of(content)
    rows = statements.rows_of(text)
    columns = files.remembered()
    if all(columns.get(name) in rows[0] for name in statements.NEEDED):
        return _kept(statements.read_table(rows, columns, site_currency()))
    return redirect(url_for("banktransfer.choose_columns", id=files.keep(text)), 303)


def _kept(entries: list[Entry]) -> Response:
    fresh, known = lines.keep(entries)
    address = url_for("banktransfer.overview", done="imported", new=fresh, known=known)
    return Response(status=303, headers={"Location": address})


@pages.get("/admin/transfers/columns/<id>")
@callers(BOOK)
def choose_columns(id: str) -> Response:
    """Ask which column of a table holds what."""
    return _columns(id)


def _columns(id: str, status: int = 200, **more: Any) -> Response:
    rows = statements.rows_of(files.text_of(id))
    return admin_page(
        "banktransfer/admin/columns.html", status, id=id, heading=rows[0], rows=rows[1:4],
        **{"chosen": files.remembered(), "error": ""} | more,
    )  # fmt: skip


@pages.post("/admin/transfers/columns/<id>")
@callers(BOOK)
def take_columns(id: str) -> Any:
    """Read a table by the columns that were chosen, and remember them."""
    chosen = {name: request.form.get(name, "") for name in statements.COLUMNS}
    columns = {name: column for name, column in chosen.items() if column}
    try:
        rows = statements.rows_of(files.text_of(id))
        entries = statements.read_table(rows, columns, site_currency())
    except BadInput as error:
        words = gettext(error.message).format(**error.values)
        return _columns(id, 422, chosen=chosen, error=words)
    with transaction():
        files.remember(columns, current_reader().holder)
        files.forget(id)
    return _kept(entries)


@pages.post("/admin/transfers/lines/<id>/book")
@callers(BOOK)
def book(id: str) -> Any:
    """Confirm that a line pays a transfer."""
    try:
        wrong = lines.book(id, current_reader().holder, reference=request.form.get("reference", ""))
    except OboloError as error:
        return _wrong(error, wrong_line=id)
    done = "apart" if wrong else "paid"
    return redirect(url_for("banktransfer.overview", done=done), 303)


@pages.post("/admin/transfers/lines/<id>/aside")
@callers(BOOK)
def set_aside(id: str) -> Any:
    """Leave a line out of the books, for a reason."""
    try:
        lines.set_aside(id, current_reader().holder, request.form.get("reason", ""))
    except OboloError as error:
        return _wrong(error, wrong_line=id)
    return redirect(url_for("banktransfer.overview", done="aside"), 303)


@pages.post("/admin/transfers/refunds/<id>/sent")
@callers(BOOK, confirmed=True)
def note_sent(id: str) -> Any:
    """Note that money was sent back at the bank."""
    with transaction():
        found = records.sent(id)
    refresh_payment(found.transfer)
    return redirect(url_for("banktransfer.overview", done="sent"), 303)

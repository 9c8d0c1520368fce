"""Readers: find one, see what they have, hand over what is kept of them, or erase it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _

from core import audit, entitlements, ledger, mail, orders
from core.doors import leaving
from core.errors import BadInput, NotFound
from core.payments.searching import Buyer, buyers
from core.people import contacts, current_reader, sessions, users
from core.people.readers import Reader
from core.people.users import User
from core.plugins import card_of
from core.storage import transaction
from core.web.admin.listing import Asked, show_list
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told

blueprint = Blueprint("admin_readers", __name__, url_prefix="/admin/readers")
MESSAGES_LOOKED_THROUGH = 500


@blueprint.get("/")
@callers("people.view")
def show() -> Response:
    """List who has bought, the latest first, without names."""
    return show_list("admin/readers.html", (), _latest, as_row=_row)


def _latest(asked: Asked) -> Sequence[Buyer]:
    return buyers(limit=asked.limit, offset=asked.offset)


def _row(buyer: Buyer) -> Mapping[str, object]:
    return {
        "holder": buyer.holder, "last": buyer.last.isoformat(), "orders": buyer.orders,
        "spent": buyer.spent.decimal, "play_money": buyer.played.decimal,
        "currency": buyer.spent.currency,
    }  # fmt: skip


@blueprint.post("/")
@callers("people.view")
def find() -> Any:
    """Lead to who has this address or number. An address is sent, so that no log keeps it."""
    words = request.form.get("q", "").strip()[:300]
    found = _by_email(words) if "@" in words else [words] if _is_somebody(words) else []
    if len(found) == 1:
        return redirect(url_for("admin_readers.reader", holder=found[0]), 303)
    return admin_page("admin/readers_found.html", 200 if found else 422, words=words, found=found)


def _by_email(email: str) -> list[str]:
    """Return the user with an address, and the guests that gave it, who may be that user's."""
    user = users.by_email(email)
    guests = [users.claimant(holder) or holder for holder in contacts.of_email(email)]
    return list(dict.fromkeys(([user.id] if user else []) + guests))


def _is_somebody(holder: str) -> bool:
    if holder.startswith(f"{users.PREFIX}_"):
        return _user(holder) is not None
    return bool(holder) and bool(orders.of_holders([holder]) or contacts.of_holder(holder))


def _user(holder: str) -> User | None:
    try:
        return users.find(holder)
    except NotFound:
        return None


def _reader(holder: str) -> tuple[Reader, User | None]:
    """Return somebody as a reader, with the guests that they claimed. Raises NotFound."""
    if not _is_somebody(holder):
        raise NotFound("There is no such reader.")
    user = _user(holder)
    holders = (holder, *users.claimed_by(holder))
    return Reader(holder, holders, user.id if user else None), user


@blueprint.get("/<holder>")
@callers("people.view")
def reader(holder: str) -> Any:
    """Show what somebody bought, holds and was sent."""
    if owner := users.claimant(holder):
        return redirect(url_for("admin_readers.reader", holder=owner), 303)
    return _page(holder)


def _page(holder: str, status: int = 200, **more: Any) -> Response:
    who, user = _reader(holder)
    contact = contacts.of_holder(holder)
    email = user.email if user else contact[0] if contact else ""
    messages = mail.outbox(limit=MESSAGES_LOOKED_THROUGH, to=email) if email else []
    return admin_page(
        "admin/reader.html", status, who=who, user=user, email=email, messages=messages[:20],
        bought=orders.of_holders(who.holders), devices=len(sessions.of_user(holder)),
        held=[(one, card_of(one.key)) for one in entitlements.of_holders(who.holders)],
        balances=[found for one in who.holders for found in ledger.held_by(one)],
        **more,
    )  # fmt: skip


@blueprint.post("/<holder>/export")
@callers("orders.export", confirmed=True)
def export(holder: str) -> Response:
    """Send all that is kept of somebody in one file, as they could take it along themselves."""
    who, _user = _reader(holder)
    packed = leaving.archive(who)
    me = current_reader()
    with transaction():
        audit.record("reader.export", actor=me.holder, subject=holder, address=me.address)
    response = Response(packed, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{holder}.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/<holder>/erase")
@callers("people.manage", confirmed=True)
def erase(holder: str) -> Response:
    """Erase somebody, once the word is typed that says so."""
    me, (who, user) = current_reader(), _reader(holder)
    try:
        _refuse_erasing(who, me.holder)
        forget = leaving.erase if user else leaving.erase_guest
        stays = forget(holder, actor=me.holder, address=me.address)
    except BadInput as error:
        return _page(holder, 422, error=told(error))
    return admin_page("admin/reader_erased.html", stays=stays)


def _refuse_erasing(who: Reader, me: str) -> None:
    """Raise BadInput unless the word is there and it is somebody else."""
    if who.holder == me:
        raise BadInput("Erase your own user on your own page.")
    word: str = _("erase")
    if request.form.get("word", "").strip().casefold() != word.casefold():
        raise BadInput("Please type “{word}” to say that you mean it.", word=word)

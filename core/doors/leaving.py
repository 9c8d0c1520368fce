"""What the site keeps of a person: to take along (GDPR, articles 15, 20), or to be erased (17).

What was bought stays in the books, under a holder that nobody can name any more: they must be
kept for ten years (Italian civil code, article 2220; GDPR, article 17(3)(b)).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime

from core import audit, entitlements, ledger, orders, plugins
from core.clock import now
from core.doors.notifying import notify
from core.payments import methods, records
from core.people import contacts, passkeys, sessions, tokens, two_factor, users
from core.people.readers import Reader
from core.sheets import Row, as_csv
from core.storage import execute, shred, transaction


def gathered(reader: Reader) -> dict[str, list[Row]]:
    """Return all that is kept of whoever asks, by section; plugins add theirs."""
    found: dict[str, list[Row]] = {}
    if reader.user:
        user = users.find(reader.user)
        found["user"] = [{
            "id": user.id, "email": user.email, "name": user.name, "language": user.language,
            "role": user.role, "receipts": user.receipts, "created": _at(user.created),
            "password": user.password is not None, "app_since": _at(user.totp_since),
            "recovery_codes_left": two_factor.recovery_left(user.id),
        }]  # fmt: skip
        found["devices"] = [
            {"device": one.device, "started": _at(one.started), "seen": _at(one.seen)}
            for one in sessions.of_user(user.id)
        ]
        found["passkeys"] = [
            {"name": one.name, "created": _at(one.created), "used": _at(one.used)}
            for one in passkeys.of_user(user.id)
        ]
        found["tokens"] = [
            {"name": one.name, "scopes": " ".join(sorted(one.scopes)), "mode": one.mode,
             "created": _at(one.created), "expires": _at(one.expires), "used": _at(one.used)}
            for one in tokens.of_user(user.id)
        ]  # fmt: skip
        found["events"] = [
            {"at": _at(event.at), "action": event.action, "address": event.address}
            for event in audit.events(actor=user.id, limit=audit.MOST_EVENTS)
        ]
    found["contacts"] = [
        {"holder": holder, "email": kept[0]}
        for holder in reader.holders
        if (kept := contacts.of_holder(holder))
    ]
    found |= _bought(reader.holders)
    for holder in reader.holders:
        for plugin, sections in plugins.each("export_reader", holder=holder):
            for name, rows in sections.items():
                found.setdefault(f"{plugin}_{name}", []).extend(rows)
    return {name: rows for name, rows in found.items() if rows}


def _bought(holders: Sequence[str]) -> dict[str, list[Row]]:
    ordered = orders.of_holders(holders)
    return {
        "orders": [
            {"id": one.id, "state": one.state, "total": one.total.minor, "currency": one.currency,
             "created": _at(one.created), "mode": one.mode}
            for one in ordered
        ],
        "lines": [
            {"order": one.id, "label": line.label, "amount": line.amount.minor,
             "currency": line.amount.currency}
            for one in ordered for line in one.lines
        ],
        "answers": [
            {"order": one.id, "question": text, "answer": answer}
            for one in ordered for text, answer in one.answers.values()
        ],
        "payments": [
            {"order": one.id, "provider": payment.provider, "amount": payment.amount.minor,
             "currency": payment.amount.currency, "state": payment.facts.state.name.lower()}
            for one in ordered for payment in records.of_order(one.id)
        ],
        "methods": [
            {"provider": one.provider, "label": one.label, "created": _at(one.created)}
            for one in methods.of_holders(holders)
        ],
        "entitlements": [
            {"key": one.key, "state": one.state, "starts": _at(one.starts), "until": _at(one.until)}
            for one in entitlements.of_holders(holders)
        ],
        "balances": [
            {"account": account, "amount": amount.minor, "currency": amount.currency}
            for holder in holders for account, amount in ledger.held_by(holder)
        ],
    }  # fmt: skip


def _at(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def archive(reader: Reader) -> bytes:
    """Return what `gathered` finds as a ZIP file: all of it in JSON, and each section in CSV."""
    found = gathered(reader)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        whole = {"made": _at(now()), **found}
        file.writestr("data.json", json.dumps(whole, ensure_ascii=False, indent=2, default=str))
        for name, rows in found.items():
            file.writestr(f"{name}.csv", as_csv(rows))
    return packed.getvalue()


def erase(user_id: str, *, actor: str, address: str = "") -> list[str]:
    """Forget a person: their keys, what they sign in with, what plugins keep; return what stays.

    The keys are destroyed, so that nothing sealed by them opens again, in backups either.
    Raises BadInput for the last owner, and what a plugin raises: then nothing is erased.
    """
    user = users.find(user_id)
    holders = (user.id, *users.claimed_by(user.id))
    with transaction():
        notify(user, "erased")
        stays = _kept_by_plugins(holders)
        users.erase(user, actor=actor, address=address)
        for table in ("people_session", "people_passkey", "people_recovery", "people_token"):
            execute(f"DELETE FROM {table} WHERE user_id = ?", [user.id])
        _destroy(holders)
    return stays


def erase_guest(holder: str, *, actor: str, address: str = "") -> list[str]:
    """Forget a guest whom no user has claimed, as `erase` does a user; return what stays."""
    assert users.claimant(holder) is None
    with transaction():
        stays = _kept_by_plugins([holder])
        audit.record("guest.erase", actor=actor, subject=holder, address=address)
        _destroy([holder])
    return stays


def _kept_by_plugins(holders: Sequence[str]) -> list[str]:
    return [
        f"{plugin}: {kept}"
        for holder in holders
        for plugin, kept in plugins.each("erase_reader", holder=holder)
    ]


def _destroy(holders: Sequence[str]) -> None:
    for holder in holders:
        contacts.forget(holder)
        methods.forget(holder)
        shred(f"person:{holder}")

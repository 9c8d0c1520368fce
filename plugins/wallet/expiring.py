"""Balances that nobody touched for long: reminded of first, and only then income of the site.

Off unless the owner sets `wallet.expires_months`. Who cannot be reminded loses nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import force_locale

from core import (
    Line,
    Money,
    OboloError,
    Reader,
    address_of,
    execute,
    gettext,
    holders_of,
    instant,
    micros,
    now,
    record_event,
    send_mail,
    site_currency,
    site_mode,
    start_order,
    transaction,
    value,
)
from plugins.wallet.statement import FAMILY, balance_of, movements

NOTICE = timedelta(days=30)
MONTH = timedelta(days=30)
INCOME = "income:expired_balances"
MOST = 500


def expire_due() -> int:
    """Remind of each balance that will expire, and let those expire that were; return how many."""
    months = value("wallet.expires_months")
    if not months:
        return 0
    at, expired = now(), 0
    for holder in _holders():
        reader = Reader(holder, tuple(holders_of(holder)))
        moved = movements(reader)
        last = moved[0].at if moved else at
        if at < last + months * MONTH - NOTICE:
            continue
        reminded = _reminded(holder)
        if reminded is None or reminded < last:
            _remind(reader, at)
        elif at >= max(reminded + NOTICE, last + months * MONTH):
            expired += _expire(reader)
    return expired


def _holders() -> list[str]:
    start = ("test:" if site_mode() == "test" else "") + FAMILY
    rows = execute(
        "SELECT account FROM ledger_balance WHERE minor < 0 AND currency = ? AND account LIKE ? "
        "ORDER BY account LIMIT ?",
        [site_currency(), f"{start}%", MOST],
    ).fetchall()
    return [account.removeprefix(start) for (account,) in rows]


def _reminded(holder: str) -> datetime | None:
    row = execute("SELECT at FROM wallet_reminder WHERE holder = ?", [holder]).fetchone()
    return instant(row[0]) if row else None


def _remind(reader: Reader, at: datetime) -> None:
    """Write to a reader that the balance expires; one without an address is not reminded."""
    found = address_of(reader.holder)
    if found is None:
        return
    email, language = found
    with transaction(), force_locale(language):
        amount = balance_of(reader).format(language)
        subject = gettext(
            "Your balance of %(amount)s with %(site)s expires",
            amount=amount,
            site=value("site.name"),
        )
        body = gettext(
            "It has not moved for long and expires in 30 days. Whatever you open with it keeps it."
        )
        send_mail(email, subject, body, language, holder=reader.holder)
        execute(
            "INSERT INTO wallet_reminder (holder, at) VALUES (?, ?) ON CONFLICT (holder) "
            "DO UPDATE SET at = excluded.at",
            [reader.holder, micros(at)],
        )


def _expire(reader: Reader) -> int:
    """Move a balance to the site's income by an order of nothing."""
    amount = balance_of(reader)
    label = gettext("Expired balance")
    lines = (
        Line(label, Money(-amount.minor, amount.currency), FAMILY + reader.holder),
        Line(label, amount, INCOME),
    )
    try:
        with transaction():
            order = start_order(reader, lines, return_to="/x/wallet/", mode=site_mode())
            record_event("wallet.expire", actor="wallet", subject=order.id, amount=str(amount))
    except OboloError:
        return 0  # it was spent meanwhile, or the site has a claim against it
    return 1


def erase(holder: str) -> str | None:
    """Forget that a holder was reminded."""
    execute("DELETE FROM wallet_reminder WHERE holder = ?", [holder])
    return None

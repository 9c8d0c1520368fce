"""How much may stay unpaid: by one reader, from one network, on the whole site.

What is counted is money that is owed now, and not taps within a day: so settling makes room at
once, and the figure that an owner sets is the one that can be lost. The lock under which it is
counted is held until the commit, so that many at once stay within it. The ledger's bound on the
family is a ceiling that no setting lifts.
"""

from __future__ import annotations

from datetime import timedelta

from flask import has_request_context

from core import (
    Money,
    Reader,
    Refused,
    current_reader,
    execute,
    gettext,
    lock_name,
    micros,
    neighbourhood,
    now,
    site_currency,
    site_mode,
    value,
)

FAMILY = "assets:tab:"
BARRED_FOR = timedelta(days=365)
OWED_IN_ALL = """
SELECT COALESCE(SUM(minor), 0) FROM (
  SELECT DISTINCT balance.account, balance.minor FROM tab_tab tab
  LEFT JOIN people_claim claim ON claim.holder = tab.holder
  JOIN ledger_balance balance ON balance.currency = ? AND balance.account
  IN (CAST(? AS TEXT) || tab.holder, CAST(? AS TEXT) || claim.user_id)
  WHERE balance.minor > 0 AND (tab.network = ? OR ?)
) owed
"""
"""A tab that moved to a user counts where its guest had opened it."""
REMEMBER = """
INSERT INTO tab_tab (holder, network, opened) VALUES (?, ?, ?) ON CONFLICT (holder) DO NOTHING
"""
OPEN = REMEMBER.replace(
    "NOTHING", "UPDATE SET network = excluded.network, opened = excluded.opened"
)
OWED = """
SELECT COALESCE(SUM(minor), 0) FROM ledger_balance
WHERE currency = ? AND minor > 0 AND account IN ({marks})
"""
LOST = "SELECT MAX(lost) FROM tab_tab WHERE holder IN ({marks})"


def family() -> str:
    """Return how the accounts begin on which tabs stand; play money has its own."""
    return ("test:" if site_mode() == "test" else "") + FAMILY


def owed_on(holder: str, currency: str) -> int:
    """Return how many minor units a holder owes."""
    row = execute(
        "SELECT minor FROM ledger_balance WHERE account = ? AND currency = ?",
        [family() + holder, currency],
    ).fetchone()
    return max(0, int(row[0])) if row else 0


def owed_by(reader: Reader, currency: str = "") -> Money:
    """Return what a reader owes, as all that they are here."""
    currency = currency or site_currency()
    if not reader.holders:
        return Money(0, currency)
    sql = OWED.format(marks=", ".join("?" * len(reader.holders)))
    accounts = [family() + holder for holder in reader.holders]
    return Money(int(execute(sql, [currency, *accounts]).fetchone()[0]), currency)


def room(reader: Reader, currency: str) -> Money:
    """Return how much more a reader may put on their tab now."""
    nothing = Money(0, currency)
    most = value("tab.cap") - owed_by(reader, currency).minor
    if most <= 0 or is_barred(reader):
        return nothing
    most = min(most, value("tab.site_most") - _owed(currency))
    if most > 0:
        most = min(most, value("tab.network_most") - _owed(currency, _place(reader)))
    return Money(most, currency) if most > 0 else nothing


def is_barred(reader: Reader) -> bool:
    """Tell whether a tab of this reader was written off within a year."""
    if not reader.holders:
        return False
    marks = ", ".join("?" * len(reader.holders))
    (lost,) = execute(LOST.format(marks=marks), reader.holders).fetchone()
    return lost is not None and lost >= micros(now() - BARRED_FOR)


def put_on(holder: str, amount: Money) -> None:
    """Make sure that an amount fits on a tab, in the transaction that puts it there.

    Raises Refused.
    """
    lock_name("tab")
    reader = current_reader() if has_request_context() else Reader()
    if holder not in reader.holders:
        reader = Reader(holder, (holder,), address=reader.address)
    if amount.minor > room(reader, amount.currency).minor:
        raise Refused("This does not fit on your tab any more. Settle it, and go on.")
    note = REMEMBER if owed_on(holder, amount.currency) else OPEN
    execute(note, [holder, _place(reader), micros(now())])


def _place(reader: Reader) -> str:
    return neighbourhood(reader.address)


def _owed(currency: str, network: str | None = None) -> int:
    """Return what is owed on all tabs, or on those that were opened from a network."""
    start = family()
    values = [currency, start, start, network or "", network is None]
    return int(execute(OWED_IN_ALL, values).fetchone()[0])


def owed_to_the_site() -> Money:
    """Return what is owed on all tabs."""
    return Money(_owed(site_currency()), site_currency())


def export(holder: str) -> dict[str, list[dict[str, object]]] | None:
    """Return what is kept of a holder's tab beside its items; instants are microseconds."""
    rows = execute("SELECT opened, lost, minor FROM tab_tab WHERE holder = ?", [holder]).fetchall()
    kept = ("opened", "written_off", "minor")
    return {"tab": [dict(zip(kept, row, strict=True)) for row in rows]} if rows else None


def erase(holder: str) -> str | None:
    """Forget where a tab was opened, and say that a debt stays until it is written off."""
    execute("DELETE FROM tab_tab WHERE holder = ?", [holder])
    if not owed_on(holder, site_currency()):
        return None
    return str(gettext("What is on your tab stays in the books, without your name."))

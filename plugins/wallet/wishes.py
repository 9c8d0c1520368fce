"""What a reader wants when little of a balance is left: nothing, a word, or that it is filled up.

Off unless the reader asks for it. A row has at most one order at a time, so one low point is filled
up once; one that was stopped meanwhile stays until its order has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core import (
    BadInput,
    Money,
    NotFound,
    Reader,
    Refused,
    address_of,
    execute,
    instant,
    micros,
    now,
    record_event,
    saved_methods,
    site_currency,
    site_mode,
    top_ups,
    transaction,
    value,
)
from plugins.wallet.statement import FAMILY

AGAIN = timedelta(minutes=10)
"""After so long a charge whose answer nobody heard is asked for again, by the same key."""
COLUMNS = "holder, below, adds, method, page, told, order_id, asked"
DUE = f"""
SELECT {COLUMNS} FROM wallet_low low LEFT JOIN ledger_balance held
ON held.account = ? || low.holder AND held.currency = ?
WHERE low.order_id <> '' OR (low.told = 0 AND COALESCE(held.minor, 0) > -low.below)
OR (low.told = 1 AND COALESCE(held.minor, 0) <= -low.below) ORDER BY low.holder
"""  # noqa: S608 - the columns are named above
"""A balance is what the site owes: below zero in the ledger, so `-below` is the reader's mark."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one holder wants below so many minor units: `adds` by a kept method, or a word.

    `page` is the address of the balance, for messages. `order` is the top-up under way, `asked`
    whether its charge was begun, `told` whether the reader knows that little is left.
    """

    holder: str
    below: int
    adds: int = 0
    method: str = ""
    page: str = ""
    told: bool = False
    order: str = ""
    asked: bool = False


def _wish(row: Sequence[Any]) -> Wish:
    holder, below, adds, method, page, told, order, asked = row
    return Wish(holder, below, adds, method, page, bool(told), order, bool(asked))


def find(holder: str) -> Wish | None:
    """Return what a holder wants; nothing where they stopped it."""
    row = execute(f"SELECT {COLUMNS} FROM wallet_low WHERE holder = ?", [holder]).fetchone()  # noqa: S608
    found = _wish(row) if row else None
    return found if found and found.below else None


def due() -> list[Wish]:
    """Return the wishes for which something is to be done, or to be found out."""
    start = ("test:" if site_mode() == "test" else "") + FAMILY
    return [_wish(row) for row in execute(DUE, [start, site_currency()]).fetchall()]


def check(wish: Wish, reader: Reader) -> None:
    """Raise BadInput, Refused or NotFound for what cannot be kept, in words for the reader."""
    if address_of(reader.holder) is None:
        raise Refused("This needs an e-mail address and receipts by e-mail, see your account.")
    cap = value("wallet.balance_cap")
    if not 0 < wish.below < cap:
        most = _written(cap, reader)
        raise BadInput("Please choose an amount between zero and {most}.", most=most)
    if not wish.adds:
        return
    least = max([wish.below, *(one.top_up for one in top_ups(_money(0), reader)[:1])])
    most = min(value("wallet.top_up_most"), value("wallet.daily_cap"), cap - wish.below)
    if not least <= wish.adds <= most:
        raise BadInput(
            "Please add between {least} and {most}: less costs too much in fees, or is low again "
            "at once.", least=_written(least, reader), most=_written(most, reader),
        )  # fmt: skip
    if wish.method not in {one.id for one in saved_methods(reader.holders)}:
        raise NotFound("This way of paying is no longer kept.")


def _money(minor: int) -> Money:
    return Money(minor, site_currency())


def _written(minor: int, reader: Reader) -> str:
    return _money(minor).format(reader.language)


def keep(wish: Wish, reader: Reader) -> None:
    """Keep what a reader wants from now on. Raises what `check` raises."""
    check(wish, reader)
    with transaction():
        execute(
            "INSERT INTO wallet_low (holder, below, adds, method, page, agreed, told, order_id, "
            "asked) VALUES (?, ?, ?, ?, ?, ?, 0, '', 0) ON CONFLICT (holder) DO UPDATE SET "
            "below = excluded.below, adds = excluded.adds, method = excluded.method, "
            "page = excluded.page, agreed = excluded.agreed, told = 0",
            [wish.holder, wish.below, wish.adds, wish.method, wish.page, micros(now())],
        )
        _record("wallet.low", wish, reader.address)


def _record(action: str, wish: Wish, address: str = "") -> None:
    record_event(
        action, actor=wish.holder, subject=wish.holder, address=address, below=wish.below,
        adds=wish.adds, method=wish.method,
    )  # fmt: skip


def stop(reader: Reader) -> None:
    """Do nothing any more by itself; a charge that is under way is still heard of."""
    with transaction():
        changed = execute(
            "UPDATE wallet_low SET below = 0, adds = 0, method = '' WHERE holder = ?",
            [reader.holder],
        )
        if changed.rowcount:
            _record("wallet.low", Wish(reader.holder, 0), reader.address)
        _forget_stopped()


def _forget_stopped() -> None:
    execute("DELETE FROM wallet_low WHERE below = 0 AND order_id = ''")


def begin(wish: Wish, order: str) -> None:
    """Note which order fills a balance up, in the transaction that stores it."""
    execute("UPDATE wallet_low SET order_id = ?, asked = 0 WHERE holder = ?", [order, wish.holder])


def claim(wish: Wish) -> bool:
    """Take it upon this process to charge; False while another one does, or just did."""
    at = now()
    taken = execute(
        "UPDATE wallet_low SET asked = ? WHERE holder = ? AND order_id = ? AND asked < ?",
        [micros(at), wish.holder, wish.order, micros(at - AGAIN)],
    )
    return bool(taken.rowcount)


def end(wish: Wish) -> None:
    """Note that the order of a wish has ended, well or because the reader stopped it."""
    with transaction():
        execute(
            "UPDATE wallet_low SET order_id = '', asked = 0 WHERE holder = ? AND order_id = ?",
            [wish.holder, wish.order],
        )
        _forget_stopped()


def switch_off(wish: Wish) -> bool:
    """Take a wish away, in the caller's transaction; False when that was done already."""
    gone = execute(
        "DELETE FROM wallet_low WHERE holder = ? AND order_id = ?", [wish.holder, wish.order]
    )
    if gone.rowcount:
        _record("wallet.low_failed", wish)
    return bool(gone.rowcount)


def mark_told(holder: str, *, told: bool) -> bool:
    """Note whether a reader knows that little is left; False when that is noted already."""
    marked = execute(
        "UPDATE wallet_low SET told = ? WHERE holder = ? AND told = ?",
        [int(told), holder, int(not told)],
    )
    return bool(marked.rowcount)


def of_order(order: str) -> Wish | None:
    """Return the wish that an order fills up for."""
    row = execute(f"SELECT {COLUMNS} FROM wallet_low WHERE order_id = ?", [order]).fetchone()  # noqa: S608
    return _wish(row) if row else None


def export(holder: str) -> list[dict[str, object]]:
    """Return what is kept of a holder, for themselves."""
    row = execute(
        "SELECT below, adds, agreed FROM wallet_low WHERE holder = ?", [holder]
    ).fetchone()
    if row is None:
        return []
    below, adds, agreed = row
    at = instant(agreed).isoformat()
    return [{"below": below, "adds": adds, "currency": site_currency(), "agreed": at}]


def erase(holder: str) -> None:
    """Forget what a holder wanted."""
    execute("DELETE FROM wallet_low WHERE holder = ?", [holder])

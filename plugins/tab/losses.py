"""Tabs that nobody settled: written off after a while, and what share of all tabs that is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from core import (
    Health,
    Line,
    Money,
    OboloError,
    Reader,
    execute,
    gettext,
    holders_of,
    micros,
    now,
    order_of,
    record_event,
    refund,
    site_currency,
    site_mode,
    start_order,
    transaction,
    value,
)
from plugins.tab.debts import BARRED_FOR, FAMILY, family, owed_by, owed_to_the_site
from plugins.tab.items import movements, unpaid

LOSSES = "expenses:tabs"
MOST = 500
MEASURED = timedelta(days=90)
TOO_MUCH = 20
"""Percent of what was due; LaterPay, which sold so for ten years, lost about 15."""
OPEN = """
SELECT account FROM ledger_balance WHERE minor > 0 AND currency = ? AND account LIKE ?
AND NOT EXISTS (
  SELECT 1 FROM orders_line line JOIN orders_order ordered ON ordered.id = line.order_id
  WHERE line.account = CAST(? AS TEXT) || substr(ledger_balance.account, ?)
  AND ordered.state = 'open'
) ORDER BY account LIMIT ?
"""
"""Whose tab is about to be settled is left alone: a bank transfer may take days."""
SETTLED = """
SELECT COALESCE(SUM(-leg.minor), 0) FROM ledger_entry entry
JOIN ledger_leg leg ON leg.entry_id = entry.id WHERE entry.at >= ? AND entry.reason = 'charge'
AND leg.minor < 0 AND leg.currency = ? AND leg.account LIKE ?
"""
LOST = "SELECT COALESCE(SUM(minor), 0) FROM tab_tab WHERE lost >= ?"
MARK = """
INSERT INTO tab_tab (holder, network, opened, lost, minor) VALUES (?, '', ?, ?, ?)
ON CONFLICT (holder) DO UPDATE SET network = '', lost = excluded.lost, minor = excluded.minor
"""
FORGET = """
DELETE FROM tab_tab WHERE (lost IS NULL OR lost < ?) AND NOT EXISTS (
  SELECT 1 FROM ledger_balance balance LEFT JOIN people_claim claim ON claim.holder = tab_tab.holder
  WHERE balance.minor > 0 AND balance.account
  IN (CAST(? AS TEXT) || tab_tab.holder, CAST(? AS TEXT) || claim.user_id))
"""


def write_off_due() -> int:
    """Write off each tab that did not move for `tab.days`; return how many were."""
    start, at = family(), now()
    values = [site_currency(), f"{start}%", FAMILY, len(start) + 1, MOST]
    accounts = [account for (account,) in execute(OPEN, values).fetchall()]
    before = at - timedelta(days=value("tab.days"))
    written = 0
    for account in accounts:
        holder = account.removeprefix(start)
        reader = Reader(holder, tuple(holders_of(holder)))
        moved = movements(reader)
        if moved and moved[0].at <= before:
            written += _write_off(reader)
    with transaction():
        execute(FORGET, [_micros(BARRED_FOR), start, start])
    return written


def _write_off(reader: Reader) -> int:
    owed = owed_by(reader)
    try:
        if value("tab.take"):
            _undo(reader, owed)
        with transaction():
            order = _write_rest_off(reader)
            at = micros(now())
            execute(MARK, [reader.holder, at, at, owed.minor])
            record_event("tab.write_off", actor="tab", subject=order, amount=str(owed))
    except OboloError:
        return 0  # it was settled meanwhile; what is left is looked at again tomorrow
    return 1


def _undo(reader: Reader, owed: Money) -> None:
    """Undo the sales that were not paid at all: what they opened closes, and no VAT is due."""
    for item in unpaid(movements(reader), owed):
        order = order_of(item.order)
        if item.owed == order.total:
            lines = {
                line.number: sum(one.amount.minor for one in order.group(line.number))
                for line in order.lines
                if line.part_of is None and line.amount.minor > 0
            }
            with suppress(OboloError):  # then it is written off with the rest
                refund(order.id, lines, actor="tab", reason="the tab was never settled")


def _write_rest_off(reader: Reader) -> str:
    """Move what is left to the site's losses by an order of nothing; return its id, if any."""
    amount = owed_by(reader)
    if not amount:
        return ""
    label = gettext("Written off")
    lines = (
        Line(label, amount, FAMILY + reader.holder),
        Line(label, -amount, LOSSES),
    )
    return start_order(reader, lines, return_to="/x/tab/", mode=site_mode()).id


def _micros(ago: timedelta) -> int:
    return micros(now() - ago)


def share_lost() -> tuple[Money, Money]:
    """Return what was lost, and what was settled or lost, within the last 90 days."""
    since, currency = _micros(MEASURED), site_currency()
    lost = int(execute(LOST, [since]).fetchone()[0])
    settled = int(execute(SETTLED, [since, currency, f"{family()}%"]).fetchone()[0])
    return Money(lost, currency), Money(lost + settled, currency)


def health() -> Iterable[Health]:
    """Say what tabs really cost: no fee, but a part that is never paid.

    One tab that is lost is no pattern yet, whatever share it is.
    """
    lost, ended = share_lost()
    percent = lost.minor * 100 // ended.minor if ended else 0
    is_fine = percent < TOO_MUCH or lost.minor <= value("tab.cap")
    values = {
        "owed": owed_to_the_site().format("en"), "lost": lost.format("en"),
        "ended": ended.format("en"), "percent": percent,
    }  # fmt: skip
    yield Health(
        "{owed} are on tabs now. Of {ended} that were due in the last 90 days {lost} were never "
        "paid: {percent} percent.", ok=is_fine, values=values,
    )  # fmt: skip

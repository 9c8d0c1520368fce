"""What each paid order came to, as an accountant reads it: gross, paid in, VAT, fee, net."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.figures.spans import Span, starts
from core.figures.takings import FEES, INCOME, VAT
from core.ledger import TEST, UNASSIGNED
from core.money import Money
from core.storage import execute, instant


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """One order within a span, what went back taken off.

    `paid_in` is the part of the gross that is no income yet: the site owes it to a reader as a
    balance. gross - paid_in - vat - fee = net.
    """

    at: datetime
    order: str
    provider: str
    gross: Money
    paid_in: Money
    vat: Money
    fee: Money

    @property
    def net(self) -> Money:
        """What is left to the site."""
        return self.gross - self.paid_in - self.vat - self.fee


ROWS = """
SELECT entry.order_id, entry.key, entry.at, leg.account, leg.minor FROM ledger_entry entry
JOIN ledger_leg leg ON leg.entry_id = entry.id WHERE entry.at >= ? AND entry.at < ?
AND entry.mode = ? AND leg.currency = ? AND entry.order_id IS NOT NULL ORDER BY entry.id
"""


def paid_orders(span: Span, *, mode: str, currency: str, limit: int = 10_000) -> list[PaidOrder]:
    """Return the orders whose money moved within a span, the oldest first."""
    bounds = [starts(span.first), starts(span.last + 1)]
    sums: dict[str, dict[str, int]] = {}
    about: dict[str, tuple[int, str]] = {}
    for order, key, at, account, minor in execute(ROWS, [*bounds, mode, currency]).fetchall():
        provider = key.partition(":")[0]
        what = _part(account.removeprefix(TEST), provider)
        if what and provider not in ("aside", "unaside", "order", "merge"):
            about.setdefault(order, (at, provider))
            found = sums.setdefault(order, dict.fromkeys(("income", "vat", "paid_in", "fee"), 0))
            found[what] += minor if what == "fee" else -minor
    return [
        PaidOrder(
            instant(about[order][0]), order, about[order][1],
            *(Money(minor, currency) for minor in (
                one["income"] + one["vat"] + one["paid_in"], one["paid_in"], one["vat"], one["fee"],
            )),
        )
        for order, one in list(sums.items())[:limit]
    ]  # fmt: skip


def _part(account: str, provider: str) -> str:
    """Return which column a leg belongs to; the provider's own till is none of them."""
    if account.startswith(FEES):
        return "fee"
    if account.startswith(VAT):
        return "vat"
    if account.startswith(INCOME):
        return "income"
    is_till = account.startswith((f"liabilities:{provider}:", f"assets:{provider}"))
    is_kept = account.startswith("liabilities:") and account != UNASSIGNED
    return "paid_in" if is_kept and not is_till else ""

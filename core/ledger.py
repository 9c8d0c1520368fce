"""Double entry. An entry balances to zero, is written once, and is never changed.

A leg above zero is a debit, below zero a credit. Accounts are paths whose first word says their
kind: assets, expenses, income, liabilities. What an owner means by an account's value is its
natural side: a balance of 5 that a site owes stands as -5 in the legs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.clock import now
from core.errors import Refused
from core.money import Money
from core.storage import (
    execute,
    in_transaction,
    insert,
    micros,
    new_id,
    on_row_lock,
    transaction,
)

UNASSIGNED = "liabilities:unassigned"
CLAIMS = "assets:claims:"
TEST = "test:"


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of an entry."""

    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Bound:
    """The least and the most that an account may hold on its natural side, in minor units."""

    least: int | None = None
    most: int | None = None


class BoundExceeded(Refused):
    """The entry would take an account out of its bounds; nothing was written."""

    def __init__(self, account: str) -> None:
        super().__init__("There is not enough left for this.")
        self.account, self.code = account, "balance_too_low"


_bounds: dict[str, Bound] = {}


def declare_bounds(bounds: Mapping[str, Bound]) -> None:
    """Bound families of accounts by prefix. Core bounds claims; manifests bound the rest.

    A family stays bounded when its plugin is off: what was declared is kept in the database.
    """
    global _bounds  # noqa: PLW0603 - a thread that posts meanwhile sees the old ones or the new
    with transaction():
        for prefix, bound in {CLAIMS: Bound(least=0), **bounds}.items():
            execute(
                "INSERT INTO ledger_bound (prefix, least, most) VALUES (?, ?, ?) "
                "ON CONFLICT (prefix) DO UPDATE SET least = excluded.least, most = excluded.most",
                [prefix, bound.least, bound.most],
            )
        rows = execute("SELECT prefix, least, most FROM ledger_bound").fetchall()
    closest_first = sorted(rows, key=lambda row: len(row[0]), reverse=True)
    _bounds = {prefix: Bound(least, most) for prefix, least, most in closest_first}


def bound_of(account: str) -> Bound | None:
    """Return the bound of an account's family, test money's like the live one's."""
    plain = account.removeprefix(TEST)
    for prefix, bound in _bounds.items():
        if plain.startswith(prefix):
            return bound
    return None


def post(
    key: str,
    legs: Iterable[Leg],
    *,
    reason: str,
    mode: str = "live",
    order: str | None = None,
    spill: str = "",
    keep_bounds: bool = True,
) -> str | None:
    """Write one entry inside the caller's transaction and return its id.

    None when the key is there already, or when no leg carries money. Test money goes to accounts
    under `test:`. With `spill`, what a bounded account cannot give goes to that account instead,
    and what one gets repays that account first. Raises BoundExceeded; legs that do not balance are
    a bug and raise ValueError.
    """
    assert in_transaction()
    prefix = TEST if mode == "test" else ""
    written = _summed(prefix, legs)
    if not written:
        return None
    _refuse_imbalance(key, written)
    if any(bound_of(account) for account, _, _ in written):
        if legs_of(key):
            return None
        if spill and keep_bounds:
            written = _spilled(prefix, written, spill)
            if not written:
                return None
        _move_all(written, keep_bounds=keep_bounds)
    entry = new_id("ent")  # made after all waiting, so that ids are in the order of the balances
    row = {"id": entry, "key": key, "at": micros(now()), "mode": mode, "reason": reason}
    if insert("ledger_entry", {**row, "order_id": order}, ignore=True) == 0:
        taken_back = [(account, currency, -minor) for account, currency, minor in written]
        _move_all(taken_back, keep_bounds=False)
        return None
    insert(
        "ledger_leg",
        [
            {
                "entry_id": entry,
                "number": n,
                "account": account,
                "currency": currency,
                "minor": minor,
            }
            for n, (account, currency, minor) in enumerate(written, 1)
        ],
    )
    return entry


def _summed(prefix: str, legs: Iterable[Leg]) -> list[tuple[str, str, int]]:
    """Add up the legs of each account, and drop what comes to nothing."""
    sums: dict[tuple[str, str], int] = {}
    for leg in legs:
        side = (prefix + leg.account, leg.amount.currency)
        sums[side] = sums.get(side, 0) + leg.amount.minor
    return [(account, currency, minor) for (account, currency), minor in sums.items() if minor]


def _refuse_imbalance(key: str, written: list[tuple[str, str, int]]) -> None:
    sums: dict[str, int] = {}
    for _, currency, minor in written:
        sums[currency] = sums.get(currency, 0) + minor
    if any(sums.values()) or len(written) < 2:
        message = f"entry {key} does not balance: {written}"
        raise ValueError(message)


def _spilled(
    prefix: str, written: list[tuple[str, str, int]], spill: str
) -> list[tuple[str, str, int]]:
    """Cut legs to what bounds let through; the rest goes to `spill`, else it is unassigned.

    A credit repays first what could not be given before, so that in whatever order money comes and
    goes the accounts end alike.
    """
    bounded = {(account, currency) for account, currency, _ in written if bound_of(account)}
    spills = {(prefix + spill, currency) for _, currency in bounded}
    owed = {}
    for account, currency in sorted(bounded | spills):
        owed[account, currency] = _lock(account, currency)  # in one order: no two facts deadlock
    legs: list[Leg] = []
    for account, currency, minor in written:
        fits = minor
        if bound_of(account) and account != prefix + spill:
            repaid = min(owed[prefix + spill, currency], max(0, -minor))
            owed[prefix + spill, currency] -= repaid
            fits = room(account, currency, minor + repaid)
        legs += [
            Leg(account, Money(fits, currency)),
            Leg(prefix + spill, Money(minor - fits, currency)),
        ]
    for account, currency, minor in _summed("", legs):
        if account == prefix + spill:
            over = Money(minor - room(account, currency, minor), currency)
            legs += [Leg(account, -over), Leg(prefix + UNASSIGNED, over)]
    return _summed("", legs)


def room(account: str, currency: str, minor: int) -> int:
    """Return how much of a leg the account's bound lets through, and lock its balance."""
    bound = bound_of(account)
    if bound is None or minor == 0:
        return minor
    present = _lock(account, currency)
    least, most = _sides(account, bound)
    if minor < 0:
        return minor if least is None else max(minor, min(0, least - present))
    return minor if most is None else min(minor, max(0, most - present))


def _lock(account: str, currency: str) -> int:
    """Return a bounded account's balance, which nobody else changes until the commit."""
    execute(
        "INSERT INTO ledger_balance (account, currency, minor) "
        "SELECT ?, ?, COALESCE(SUM(minor), 0) "
        "FROM ledger_leg WHERE account = ? AND currency = ? ON CONFLICT DO NOTHING",
        [account, currency, account, currency],
    )
    row = execute(
        f"SELECT minor FROM ledger_balance WHERE account = ? AND currency = ?{on_row_lock()}",
        [account, currency],
    ).fetchone()
    return int(row[0])


def _sides(account: str, bound: Bound) -> tuple[int | None, int | None]:
    """Return the bound in terms of legs: credits are what grows a liability or an income."""
    if account.removeprefix(TEST).startswith(("liabilities:", "income:")):
        return (
            None if bound.most is None else -bound.most,
            None if bound.least is None else -bound.least,
        )
    return bound.least, bound.most


MOVE = """
UPDATE ledger_balance SET minor = minor + ? WHERE account = ? AND currency = ?
AND (? OR ((? >= 0 OR minor + ? >= ?) AND (? <= 0 OR minor + ? <= ?)))
"""


def _move_all(written: list[tuple[str, str, int]], *, keep_bounds: bool) -> None:
    for account, currency, minor in sorted(written):
        if bound_of(account):
            _move(account, currency, minor, keep_bounds=keep_bounds)


def _move(account: str, currency: str, minor: int, *, keep_bounds: bool) -> None:
    """Change a bounded account's balance by one conditional UPDATE."""
    least, most = _sides(account, bound_of(account) or Bound())
    low, high = (-(2**62) if least is None else least), (2**62 if most is None else most)
    values = [minor, account, currency, not keep_bounds, minor, minor, low, minor, minor, high]
    if execute(MOVE, values).rowcount == 0:
        _lock(account, currency)
        if execute(MOVE, values).rowcount == 0:
            raise BoundExceeded(account)


def balance(account: str, currency: str, mode: str = "live") -> Money:
    """Return the sum of an account's legs: debits above zero, credits below."""
    path = TEST + account if mode == "test" else account
    row = execute(
        "SELECT COALESCE(SUM(minor), 0) FROM ledger_leg WHERE account = ? AND currency = ?",
        [path, currency],
    ).fetchone()
    return Money(int(row[0]), currency)


def claims(holders: Iterable[str]) -> bool:
    """Tell whether the site has an open claim against one of these holders."""
    accounts = [prefix + CLAIMS + holder for holder in holders for prefix in ("", TEST)]
    if not accounts:
        return False
    one = "SELECT 1 FROM ledger_balance WHERE account = ? AND minor > 0"
    return execute(" UNION ALL ".join([one] * len(accounts)), accounts).fetchone() is not None


def legs_of(key: str) -> list[Leg]:
    """Return the legs of the entry with this key, without the prefix of test money."""
    rows = execute(
        "SELECT leg.account, leg.currency, leg.minor FROM ledger_leg leg JOIN ledger_entry entry "
        "ON entry.id = leg.entry_id WHERE entry.key = ? ORDER BY leg.number",
        [key],
    )
    return [
        Leg(account.removeprefix(TEST), Money(minor, currency)) for account, currency, minor in rows
    ]


def held_by(holder: str) -> list[tuple[str, Money]]:
    """Return what a holder's bounded accounts hold, test money's too, and lock their balances."""
    accounts = {start + prefix + holder for start in ("", TEST) for prefix in _bounds}
    rows = execute("SELECT account FROM ledger_balance WHERE account LIKE ?", [f"%:{holder}"])
    accounts |= {account for (account,) in rows if account.endswith(f":{holder}")}
    found = []
    for account in sorted(accounts):
        rows = execute("SELECT DISTINCT currency FROM ledger_leg WHERE account = ?", [account])
        for (currency,) in rows.fetchall():
            if minor := _lock(account, currency):
                found.append((account, Money(minor, currency)))
    return found

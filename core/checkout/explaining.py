"""Explain a provider's account of one day to the cent, and book what only it can tell.

Charges, refunds and disputes are booked from facts, and compared here. Payouts, exchanges and
fees of no movement are known from the account alone, so they are booked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from core import ledger
from core.checkout.booking import exchange
from core.errors import Refused
from core.ledger import Leg
from core.money import Money
from core.payments import Provider, StatementLine, Statements, lines
from core.payments.lines import Difference
from core.storage import execute, micros, transaction

BANK = "assets:bank"
EARLIER = timedelta(days=35)
"""How far back is looked for what a payout paid out, or for a line that was booked late."""
LATE = timedelta(hours=1)
"""How far two clocks may be apart at midnight."""
MOVEMENTS = ("charge", "refund", "dispute")


def explain(provider: Provider, day: date) -> list[Difference]:
    """Compare a day of a provider's account with the books; return and keep what differs.

    Raises Refused for a provider that tells no account, ProviderRefused and ProviderUnknown.
    """
    if "statement" not in provider.can or not isinstance(provider, Statements):
        raise Refused("{provider} does not tell its own account.", provider=provider.name)
    since, until = lines.bounds(day)
    _take(provider, provider.statement(since, until + LATE))
    found = list(_differences(provider, day))
    if found:
        _take(provider, provider.statement(since - EARLIER, until + LATE))
        found = list(_differences(provider, day))
    with transaction():
        lines.put_differences(provider.name, day, found)
    return found


def _take(provider: Provider, told: Iterable[StatementLine]) -> None:
    """Keep lines and book those that no movement stands behind, each once by its key."""
    told = list(told)
    with transaction():
        lines.keep(provider.name, told)
        for line in told:
            if line.kind == "payout":
                _post(provider, line, _moved(provider, line, BANK))
            elif line.kind == "fee":
                account = f"expenses:fees:{provider.name}"
                _post(provider, line, _moved(provider, line, account))
            elif line.kind == "exchange":
                _exchange(provider, line)


def _moved(provider: Provider, line: StatementLine, account: str) -> list[Leg]:
    """Return the legs of a line between the till and an account, with its own fee."""
    minor, fee = Money(line.minor, line.currency), Money(line.fee, line.currency)
    return [
        Leg(provider.till("", line.currency), minor - fee),
        Leg(account, -minor),
        Leg(f"expenses:fees:{provider.name}", fee),
    ]


def _post(provider: Provider, line: StatementLine, legs: list[Leg]) -> None:
    part = ":back" if line.minor > 0 and line.kind != "exchange" else ""
    key = f"{provider.name}:{line.kind}:{line.id}{part}"
    ledger.post(key, legs, reason=f"{line.kind} of the account", mode=provider.mode)


def _exchange(provider: Provider, line: StatementLine) -> None:
    """Book an exchange once both of its lines are known."""
    both = lines.named(provider.name, "exchange", [line.id])
    if {one.currency for one in both} == {line.currency} or len(both) != 2:
        return
    between = exchange(*(one.currency for one in both))
    legs = [leg for one in both for leg in _moved(provider, one, between)]
    _post(provider, line, legs)


def _differences(provider: Provider, day: date) -> Iterator[Difference]:
    since, until = lines.bounds(day)
    for line in lines.between(provider.name, since, until):
        for problem, minor in _wrong(provider, line):
            amount = Money(minor, line.currency)
            yield Difference(provider.name, day, f"{line.kind}:{line.id}", problem, amount)
    for key, sums in _booked(provider, day).items():
        if not _is_told(provider, key):
            for currency, minor in sums.items():
                subject = key.removeprefix(f"{provider.name}:")
                yield Difference(provider.name, day, subject, "missing", Money(minor, currency))


def _wrong(provider: Provider, line: StatementLine) -> Iterator[tuple[str, int]]:
    """Yield in what a line differs from the books, and by how much."""
    if line.kind in MOVEMENTS:
        yield from _wrong_movement(provider, line)
    elif not ledger.legs_of(f"{provider.name}:{line.kind}:{line.id}") and not ledger.legs_of(
        f"{provider.name}:{line.kind}:{line.id}:back"
    ):
        yield "unknown", line.minor - line.fee
    elif line.kind == "payout" and line.minor < 0:
        parts = lines.paid_out(provider.name, line.id)
        rest = sum(one.minor - one.fee for one in parts) + line.minor
        if parts and rest:
            yield "payout", rest


def _wrong_movement(provider: Provider, line: StatementLine) -> Iterator[tuple[str, int]]:
    entries = _entries(provider, line)
    if not entries:
        yield "unknown", line.minor - line.fee
        return
    moves = [minor for part, minor in entries if not part.startswith("fee")]
    fees = -sum(minor for part, minor in entries if part.startswith("fee"))
    alike = [
        one
        for one in lines.named(provider.name, line.kind, [line.id])
        if one.currency == line.currency
    ]
    whole = sum(one.minor for one in alike)
    if line.minor not in moves and whole != sum(moves):
        yield "amount", whole - sum(moves)
    if sum(one.fee for one in alike) != fees:
        yield "fee", sum(one.fee for one in alike) - fees


ENTRIES = """
SELECT e.key, l.account, l.minor FROM payments_movement m
JOIN payments_payment p ON p.id = m.payment_id
JOIN ledger_entry e ON e.order_id = p.order_id
JOIN ledger_leg l ON l.entry_id = e.id
WHERE m.provider = ? AND m.kind = ? AND m.id = ? AND l.currency = ? ORDER BY e.id
"""


def _entries(provider: Provider, line: StatementLine) -> list[tuple[str, int]]:
    """Return what the entries of a movement did to the till, each with the part of its key."""
    key, till = f"{provider.name}:{line.kind}:{line.id}", provider.till("", line.currency)
    rows = execute(ENTRIES, [provider.name, line.kind, line.id, line.currency]).fetchall()
    return [
        (name.removeprefix(key).removeprefix(":"), int(minor))
        for name, account, minor in rows
        if (name == key or name.startswith(f"{key}:")) and account.removeprefix(ledger.TEST) == till
    ]


BOOKED = """
SELECT e.key, l.account, l.currency, l.minor FROM ledger_entry e
JOIN ledger_leg l ON l.entry_id = e.id WHERE e.at >= ? AND e.at < ?
"""


def _booked(provider: Provider, day: date) -> dict[str, dict[str, int]]:
    """Return what the entries of a day did to the till, by key and currency."""
    since, until = lines.bounds(day)
    found: dict[str, dict[str, int]] = {}
    for key, account, currency, minor in execute(BOOKED, [micros(since), micros(until)]).fetchall():
        is_till = account.removeprefix(ledger.TEST) == provider.till("", currency)
        if key.startswith(f"{provider.name}:") and is_till:
            sums = found.setdefault(key, {})
            sums[currency] = sums.get(currency, 0) + int(minor)
    return found


def _is_told(provider: Provider, key: str) -> bool:
    """Tell whether the account has a line for an entry; an id may hold colons of its own."""
    _, kind, *rest = key.split(":")
    ids = [":".join(rest[: n + 1]) for n in range(len(rest))]
    return bool(lines.named(provider.name, kind, ids))

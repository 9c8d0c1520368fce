"""What a token may spend in all and on one day; nothing before its user said how much."""

from __future__ import annotations

from dataclasses import dataclass

from core import Money, Refused, execute, gettext, now, record_event, site_currency, transaction

DAY_SECONDS = 86_400
LARGEST_UNITS = 1_000
"""The largest budget, in major units: small sales need no more, and a stolen token finds less."""
TAKE = """
UPDATE machinepay_budget SET spent = spent + ?,
spent_today = CASE WHEN day = ? THEN spent_today ELSE 0 END + ?, day = ?
WHERE token = ? AND spent + ? <= most
AND CASE WHEN day = ? THEN spent_today ELSE 0 END + ? <= most_a_day
"""


class OverBudget(Refused):
    """The token's user did not allow so much; nothing was spent."""

    def __init__(self, code: str) -> None:
        super().__init__("This token may not spend so much: {code}.", code=code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Budget:
    """What a token may spend in all and on one day (in UTC), and what it has; in minor units."""

    most: int = 0
    most_a_day: int = 0
    spent: int = 0
    today: int = 0

    @property
    def left(self) -> int:
        """How much may still be spent, in all."""
        return max(0, self.most - self.spent)

    def refusal_of(self, minor: int) -> str:
        """Return the code for why so much may not be spent; nothing where it may."""
        if not self.most or not self.most_a_day:
            return "budget_missing"
        if self.spent + minor > self.most:
            return "budget_spent"
        return "day_cap_reached" if self.today + minor > self.most_a_day else ""


def _today() -> int:
    return int(now().timestamp()) // DAY_SECONDS


def of_token(token: str) -> Budget:
    """Return a token's budget; one of nothing where its user set none."""
    row = execute(
        "SELECT most, most_a_day, spent, spent_today, day FROM machinepay_budget WHERE token = ?",
        [token],
    ).fetchone()
    if row is None:
        return Budget()
    most, most_a_day, spent, today, day = row
    return Budget(most, most_a_day, spent, today if day == _today() else 0)


def save(token: str, user: str, most: Money, most_a_day: Money) -> None:
    """Allow a user's token so much; what it has spent stays counted."""
    with transaction():
        execute(
            "INSERT INTO machinepay_budget (token, user_id, most, most_a_day, spent, spent_today, "
            "day) VALUES (?, ?, ?, ?, 0, 0, 0) ON CONFLICT (token) DO UPDATE SET "
            "most = excluded.most, most_a_day = excluded.most_a_day",
            [token, user, most.minor, most_a_day.minor],
        )
        record_event(
            "machinepay.budget", actor=user, subject=token, most=str(most), a_day=str(most_a_day)
        )


def take(token: str, minor: int) -> None:
    """Spend so much of a budget, in the transaction of the sale. Raises OverBudget."""
    day = _today()
    if not execute(TAKE, [minor, day, minor, day, token, minor, day, minor]).rowcount:
        raise OverBudget(of_token(token).refusal_of(minor) or "budget_missing")


def read(text: str, language: str) -> Money:
    """Read an amount that a user typed. Raises BadInput, and Refused where it is too much."""
    amount = Money.parse(text, site_currency(), language)
    most = Money.of_units(LARGEST_UNITS, amount.currency)
    if not 0 <= amount.minor <= most.minor:
        raise Refused(gettext("A budget is at most %(most)s.", most=most.format(language)))
    return amount


def forget() -> None:
    """Delete the budgets of tokens that are no more."""
    with transaction():
        execute(
            "DELETE FROM machinepay_budget WHERE NOT EXISTS "
            "(SELECT 1 FROM people_token known WHERE known.id = machinepay_budget.token)"
        )

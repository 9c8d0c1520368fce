"""Who bought, and who of them had bought before."""

from __future__ import annotations

from dataclasses import dataclass

from core.figures.spans import Span, starts
from core.people.users import PREFIX
from core.storage import execute


@dataclass(frozen=True, slots=True)
class Buyers:
    """How many bought within a span, and how many of them came back for it.

    A user and the guests that they claimed are one buyer.
    """

    all: int
    returning: int

    @property
    def share(self) -> float:
        """The part that came back."""
        return self.returning / self.all if self.all else 0.0


EACH = """
SELECT holder, MIN(created) AS first, MAX(created) AS last,
SUM(CASE WHEN created >= ? THEN 1 ELSE 0 END) AS n
FROM orders_order WHERE state = 'paid' AND mode = ? AND created < ?
"""
COUNTED = "COUNT(*), COALESCE(SUM(CASE WHEN first < ? OR n > 1 THEN 1 ELSE 0 END), 0)"
OWN = f"holder >= '{PREFIX}_' AND holder < '{PREFIX}`'"
"""Holders that are users: what follows the underscore in ASCII ends them."""
GUESTS = f"""
SELECT {COUNTED} FROM ({EACH} GROUP BY holder HAVING MAX(created) >= ?) guest
WHERE NOT ({OWN}) AND NOT EXISTS (SELECT 1 FROM people_claim WHERE holder = guest.holder)
"""
USERS = f"""
SELECT {COUNTED} FROM (
  SELECT MIN(first) AS first, MAX(last) AS last, SUM(n) AS n FROM (
    {EACH} AND ({OWN} OR holder IN (SELECT holder FROM people_claim)) GROUP BY holder
  ) one LEFT JOIN people_claim claim ON claim.holder = one.holder
  GROUP BY COALESCE(claim.user_id, one.holder)
) person WHERE last >= ?
"""


def buyers(span: Span, *, mode: str) -> Buyers:
    """Count who paid an order within a span; who bought twice in it came back as well.

    Guests whom nobody claimed are counted in the order of the index, which is most of the work.
    """
    first, end = starts(span.first), starts(span.last + 1)
    both = [execute(sql, [first, first, mode, end, first]).fetchone() for sql in (GUESTS, USERS)]
    return Buyers(*(sum(int(row[place]) for row in both) for place in (0, 1)))

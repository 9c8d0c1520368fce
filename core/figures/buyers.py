"""Who bought, and who of them had bought before."""

from __future__ import annotations

from dataclasses import dataclass

from core.figures.spans import Span, starts
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


COUNT = """
SELECT COUNT(*), COALESCE(SUM(CASE WHEN first < ? OR n > 1 THEN 1 ELSE 0 END), 0) FROM (
  SELECT COALESCE(claim.user_id, paid.holder) AS buyer, MIN(paid.created) AS first,
    MAX(paid.created) AS last, SUM(CASE WHEN paid.created >= ? THEN 1 ELSE 0 END) AS n
  FROM orders_order paid LEFT JOIN people_claim claim ON claim.holder = paid.holder
  WHERE paid.state = 'paid' AND paid.mode = ? AND paid.created < ?
  GROUP BY 1
) buyers WHERE last >= ?
"""


def buyers(span: Span, *, mode: str) -> Buyers:
    """Count who paid an order within a span; who bought twice in it came back as well."""
    first, end = starts(span.first), starts(span.last + 1)
    everybody, returning = execute(COUNT, [first, first, mode, end, first]).fetchone()
    return Buyers(int(everybody), int(returning))

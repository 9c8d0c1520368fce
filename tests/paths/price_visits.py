"""How the pages of prices and gifts are visited."""

from __future__ import annotations

from tests.paths.visits import Visit, form

SEE_OTHER = (303,)
PRICES = {
    "prices.pay": Visit(
        SEE_OTHER, own=lambda _: form(resource="post:closed", own="0.40", back="/closed"),
        foreign=lambda _: form(resource="post:closed", own="0.01", back="/closed"),
        refused=(422, 303),
    ),
}  # fmt: skip

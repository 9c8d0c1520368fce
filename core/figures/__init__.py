"""What the books say of a span of days: net, fees, balances owed, sales, buyers who come back.

Days are in UTC. Everything is derived from entries and what they belong to; a day that is over is
summed once, so that a page over years reads a few thousand short rows. Test money counts only where
`mode` asks for it: a site that only plays shows that, and says so.
"""

from core.figures.buyers import Buyers, buyers
from core.figures.claims import Claim, claimed, claims_of_all
from core.figures.daily import fill, forget, wrong_days
from core.figures.holding import Moved, history, spare
from core.figures.owing import Balance, Unassigned, balances, disputed, owed, unassigned
from core.figures.paid import PaidOrder, paid_orders
from core.figures.sales import Sale, sales, waited
from core.figures.spans import Span, last_days
from core.figures.takings import Fees, Takings, fees_by_day, takings

__all__ = [
    "Balance",
    "Buyers",
    "Claim",
    "Fees",
    "Moved",
    "PaidOrder",
    "Sale",
    "Span",
    "Takings",
    "Unassigned",
    "balances",
    "buyers",
    "claimed",
    "claims_of_all",
    "disputed",
    "fees_by_day",
    "fill",
    "forget",
    "history",
    "last_days",
    "owed",
    "paid_orders",
    "sales",
    "spare",
    "takings",
    "unassigned",
    "waited",
    "wrong_days",
]

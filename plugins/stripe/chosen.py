"""What the owner has set: keys, the site's name at Stripe, and whether they fit this site."""

from __future__ import annotations

from dataclasses import dataclass, field

import stripe as package

from core import Money, value
from plugins.stripe.client import STRIPE, client
from plugins.stripe.prices import Price, price_for


@dataclass(frozen=True, slots=True)
class Chosen:
    """The owner's settings, as they are now. `site` tells several sites on one account apart."""

    key: str = field(default="", repr=False)
    publishable: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    site: str = "site"
    base: str = STRIPE
    fees: str = "EEA"
    own_share: int = 0
    own_fixed: int = 0
    descriptor: str = ""

    @property
    def mode(self) -> str:
        """Live or test, as the secret key is."""
        return mode_of(self.key)

    @property
    def services(self) -> package.StripeClient:
        """Stripe's client for the secret key."""
        return client(self.key, self.base)

    def price(self, country: str) -> Price:
        """What a card of a country costs, for the estimate."""
        if self.fees == "own":
            return Price(account="own", cards="", share=self.own_share, fixed=self.own_fixed)
        return price_for(self.fees, country)

    def reads(self, amount: Money) -> bool:
        """Tell whether an amount can be paid at all: there is a key, and its price is known."""
        return bool(self.key) and amount.minor > 0


def mode_of(key: str) -> str:
    """Return live or test for a key; one that cannot be told is a test."""
    return "live" if key.startswith(("sk_live_", "rk_live_", "pk_live_")) else "test"


def chosen() -> Chosen:
    """Return what is set now."""
    named = {name: value(f"stripe.{name}") for name in ("own_share", "own_fixed", "fees", "site")}
    secrets = (value("stripe.webhook_secret"), value("stripe.webhook_secret_before"))
    return Chosen(
        key=value("stripe.secret_key"), publishable=value("stripe.publishable_key"),
        secrets=tuple(one for one in secrets if one), base=value("stripe.api_url") or STRIPE,
        descriptor=value("stripe.descriptor"), **named,
    )  # fmt: skip

"""What the owner has set: keys, the site's name at Stripe, and whether they fit this site."""

from __future__ import annotations

from dataclasses import dataclass, field

import stripe as package

from core import ProviderRefused, Refused, check_mode, value
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
    webhook: str = ""

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

    def fits(self) -> bool:
        """Tell whether there is a key, and one that belongs on this site."""
        try:
            self.refuse_misfits()
        except ProviderRefused:
            return False
        return bool(self.key)

    def refuse_misfits(self) -> None:
        """Raise ProviderRefused for a key that does not belong on this site."""
        try:
            check_mode(self.mode)
        except Refused as error:
            raise ProviderRefused(error.message) from error


def mode_of(key: str) -> str:
    """Return live or test for a key; one that cannot be told is a test."""
    return "live" if key.startswith(("sk_live_", "rk_live_", "pk_live_")) else "test"


def chosen() -> Chosen:
    """Return what is set now."""
    named = {name: value(f"stripe.{name}") for name in ("own_share", "own_fixed", "fees", "site")}
    secrets = (value("stripe.webhook_secret"), value("stripe.webhook_secret_before"))
    return Chosen(
        key=value("stripe.secret_key"),
        secrets=tuple(one for one in secrets if one), base=value("stripe.api_url") or STRIPE,
        descriptor=value("stripe.descriptor"), publishable=value("stripe.publishable_key"),
        webhook=value("stripe.webhook_id"), **named,
    )  # fmt: skip

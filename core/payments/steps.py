"""What passes between core and a provider: quotes, intents, next steps, actions, hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.errors import OboloError
from core.money import Money
from core.payments.facts import Facts


@dataclass(frozen=True, slots=True)
class Quote:
    """What paying this way would cost the site, known before a payment starts."""

    label: str
    fee: Money
    kind: str = "redirect"


@dataclass(frozen=True, slots=True)
class Intent:
    """What core asks a provider to collect. `payment` is core's id, kept by the provider.

    `hold` asks to hold the money until it is captured, `save` to keep the method for later; an
    amount of nothing only saves. `inline` asks to pay on the page of the site, where a provider
    knows both ways.
    """

    payment: str
    order: str
    holder: str
    amount: Money
    description: str
    return_url: str
    language: str
    hold: bool = False
    save: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """The reader pays at this address and comes back."""

    ref: str
    url: str


@dataclass(frozen=True, slots=True)
class Inline:
    """The reader pays on the checkout page, by what the provider's piece needs to know."""

    ref: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Instructions:
    """The reader pays elsewhere, later, as these lines say.

    `url` is a page of the provider's that says it better, on this site; the order stays open for
    the payment until the instant that is named.
    """

    ref: str
    lines: tuple[str, ...]
    url: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The provider settled at once."""

    facts: Facts


Step = Redirect | Inline | Instructions | Settled


@dataclass(frozen=True, slots=True)
class Capture:
    """Take the money that is held."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Let the payment go, so that it can no longer be paid."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Give money back; `id` is core's id of the refund, to be kept by the provider."""

    id: str
    amount: Money
    charge: str


@dataclass(frozen=True, slots=True)
class ChargeSaved:
    """Charge a method that the holder keeps at the provider, while they are away.

    `saved` is what its facts named. A bank that wants the holder to be there leaves the payment in
    the state `customer`, with the failure `authentication_required`.
    """

    intent: Intent
    saved: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget a kept method for good; the payment is the one that brought it.

    One that is forgotten already is no error.
    """

    saved: str


Action = Capture | Cancel | Refund | ChargeSaved | Forget


@dataclass(frozen=True, slots=True)
class Inbound:
    """A webhook as it came, for the provider to verify on the raw body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Hint:
    """“Look at this payment again.” Carries no amount and no state.

    `reference` is core's payment id, `ref` the provider's; `movement` serves an event that names
    only a charge or a refund. `event` tells deliveries apart.
    """

    event: str
    reference: str | None = None
    ref: str | None = None
    movement: str | None = None


class ProviderRefused(OboloError):
    """The provider said no, for sure: no money moved and none will."""

    status = 409


class ProviderUnknown(OboloError):
    """Time-out, reset, 5xx or garbage: what became of the call is not known."""

    status = 503

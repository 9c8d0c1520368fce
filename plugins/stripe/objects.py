"""Stripe's objects, as far as they are read. What is not of this shape is no answer.

Amounts are in Stripe's units and currencies in small letters; instants are seconds.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

Kind = TypeVar("Kind")
Metadata = dict[str, str]


class Page(msgspec.Struct, Generic[Kind], frozen=True):
    """A part of a list, newest first."""

    data: list[Kind]
    has_more: bool = False


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What moved money, where a line of the account was asked for it whole."""

    id: str
    object: str = ""
    metadata: Metadata | None = None
    charge: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A balance transaction: one line of the account, in the currency of the balance."""

    id: str
    amount: int
    fee: int
    net: int
    currency: str
    reporting_category: str = ""
    created: int = 0
    source: Source | str | None = None
    description: str | None = None


class Wallet(msgspec.Struct, frozen=True):
    """What a card was shown by: apple_pay, google_pay, link."""

    type: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What may be known of a card."""

    brand: str | None = None
    last4: str | None = None
    wallet: Wallet | None = None


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """How was paid."""

    type: str
    card: Card | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money that goes back."""

    id: str
    amount: int
    currency: str
    status: str | None = None
    metadata: Metadata | None = None
    balance_transaction: Line | str | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Money that was taken, or is held."""

    id: str
    amount: int
    amount_captured: int
    captured: bool
    currency: str
    status: str
    disputed: bool = False
    balance_transaction: Line | str | None = None
    payment_method_details: Details | None = None
    refunds: Page[Refund] | None = None


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A card or an account that is kept; without a customer nobody can charge it any more."""

    id: str
    customer: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a try to pay failed."""

    code: str | None = None
    decline_code: str | None = None


class PaymentIntent(msgspec.Struct, frozen=True, kw_only=True):
    """One payment, however often the reader tries."""

    id: str
    amount: int
    currency: str
    status: str
    livemode: bool
    metadata: Metadata | None = None
    latest_charge: Charge | str | None = None
    last_payment_error: Problem | None = None
    customer: str | None = None
    payment_method: str | None = None
    setup_future_usage: str | None = None
    capture_method: str = ""
    client_secret: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A visit to Stripe's own page; its PaymentIntent is made when the reader first tries."""

    id: str
    livemode: bool
    expires_at: int
    status: str | None = None
    url: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    metadata: Metadata | None = None
    payment_intent: PaymentIntent | str | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that the reader's bank asks back. Its money is in its lines, never in `amount`."""

    id: str
    amount: int
    currency: str
    status: str
    balance_transactions: list[Line]


class Warned(msgspec.Struct, frozen=True):
    """A card network's word that a charge is likely a fraud, before there is a dispute."""

    id: str


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Money that Stripe sent to the owner's bank."""

    id: str
    automatic: bool
    status: str
    reconciliation_status: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The owner's account."""

    id: str
    country: str | None = None
    charges_enabled: bool | None = None
    payouts_enabled: bool | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where Stripe reports to; `secret` is told once, when it is made."""

    id: str
    url: str
    status: str
    enabled_events: list[str]
    secret: str | None = None


class Trouble(msgspec.Struct, frozen=True):
    """What is wrong with a wallet on a domain."""

    error_message: str


class WalletStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a wallet can be used on a domain."""

    status: str
    status_details: Trouble | None = None


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A host name on which the site shows wallets."""

    id: str
    domain_name: str
    enabled: bool
    apple_pay: WalletStatus
    google_pay: WalletStatus


class EventData(msgspec.Struct, frozen=True):
    """The object that an event is about, whatever it is."""

    object: Thing


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is read for: where to look. Amounts and states are never read."""

    id: str
    object: str
    metadata: Metadata | None = None
    charge: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A message of Stripe's."""

    id: str
    type: str
    data: EventData

"""What the interface for machines takes and answers: one type for each, and its schema from it.

Money is a whole number of minor units and a currency; an instant is RFC 3339 in UTC; an id is the
site's own. Nothing here carries an e-mail address or a name, but for `User`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

Item = TypeVar("Item")
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, Meta(max_length=300, pattern=PRINTABLE)]
Words = Annotated[str, Meta(min_length=1, max_length=300, pattern=PRINTABLE)]
Minor = Annotated[int, Meta(ge=1, le=10**15)]
Number = Annotated[int, Meta(ge=1, le=10**6)]
Limit = Annotated[int, Meta(ge=1, le=100)]

Mode = Annotated[str, Meta(extra_json_schema={"enum": ["live", "test"]})]
OrderState = Annotated[str, Meta(extra_json_schema={"enum": ["open", "paid", "closed"]})]
MovementKind = Annotated[str, Meta(extra_json_schema={"enum": ["charge", "refund", "dispute"]})]
MovementStatus = Annotated[str, Meta(extra_json_schema={"enum": ["pending", "done", "failed"]})]
RefundState = Annotated[str, Meta(extra_json_schema={"enum": ["asked", "done", "failed"]})]
EntitlementState = Annotated[
    str, Meta(extra_json_schema={"enum": ["active", "suspended", "revoked"]})
]
UserState = Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
EndpointState = Annotated[str, Meta(extra_json_schema={"enum": ["on", "off", "failed"]})]
PluginState = Annotated[
    str, Meta(extra_json_schema={"enum": ["enabled", "paused", "off", "failed"]})
]


class Shape(Struct, frozen=True, kw_only=True):
    """Something that is answered; later versions may add fields."""


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is sent; a field that is not known is refused."""


class Page(Shape, Generic[Item], frozen=True, kw_only=True):
    """A page of a list; `next` goes into `after` to get the following one, null at the end."""

    data: list[Item]
    next: str | None = None


class Amount(Shape, frozen=True, kw_only=True):
    """Money in minor units of a currency (ISO 4217)."""

    minor: int
    currency: str


class Offer(Shape, frozen=True, kw_only=True):
    """What sells a key to a resource, and what it costs with all that is added."""

    offer: str
    title: str
    minor: int
    currency: str
    opens: list[str]


class Resource(Shape, frozen=True, kw_only=True):
    """What everybody may know of a resource. `url` is its page, which shows what is inside."""

    resource: str
    kind: str
    title: str
    url: str
    language: str
    summary: str
    tags: list[str]
    authors: list[str]
    published: datetime | None


class OpenResource(Resource, frozen=True, kw_only=True):
    """A resource that this reader may open; `held` says that a key of theirs opens it."""

    open: Literal[True]
    held: bool


class Given(Shape, frozen=True, kw_only=True):
    """A key that a line gives, for ever or for so many seconds."""

    key: str
    seconds: int | None


class Line(Shape, frozen=True, kw_only=True):
    """What one thing costs, the account that earns it, and what it opens."""

    number: int
    label: str
    amount: Amount
    account: str
    part_of: int | None
    tax_class: str
    grants: list[Given]


class Order(Shape, frozen=True, kw_only=True):
    """What one holder bought, or began to buy."""

    id: str
    holder: str
    state: OrderState
    mode: Mode
    total: Amount
    created: datetime
    expires: datetime
    payment: str | None
    lines: list[Line]


class Movement(Shape, frozen=True, kw_only=True):
    """Money that moved at the provider; `fee` is null while it is not known."""

    kind: MovementKind
    id: str
    status: MovementStatus
    amount: Amount
    fee: Amount | None


class Payment(Shape, frozen=True, kw_only=True):
    """One try to pay an order; `wrong` says in what it differs from what was asked."""

    id: str
    provider: str
    state: str
    mode: Mode
    amount: Amount
    ref: str | None
    wrong: str
    created: datetime
    movements: list[Movement]


class Part(Asked, frozen=True, kw_only=True):
    """So many minor units of a line."""

    number: Number
    minor: Minor


class Refund(Shape, frozen=True, kw_only=True):
    """Money that was asked to go back; `to` is the provider that it goes to."""

    id: str
    payment: str
    amount: Amount
    lines: list[Part]
    to: str
    state: RefundState


class Entitlement(Shape, frozen=True, kw_only=True):
    """A key that a holder has, until when; null is for ever."""

    id: str
    order: str
    line: int
    key: str
    holder: str
    state: EntitlementState
    starts: datetime
    until: datetime | None


class WholeOrder(Order, frozen=True, kw_only=True):
    """An order with all that became of it."""

    payments: list[Payment]
    refunds: list[Refund]
    entitlements: list[Entitlement]


class RefundWanted(Asked, frozen=True, kw_only=True):
    """Which lines go back and how much of each; `to` may name a provider that keeps money."""

    lines: Annotated[list[Part], Meta(min_length=1, max_length=100)]
    reason: Words
    to: Text = ""


class Leg(Shape, frozen=True, kw_only=True):
    """One side of an entry: debits above zero, credits below."""

    account: str
    amount: Amount


class Entry(Shape, frozen=True, kw_only=True):
    """One balanced fact in the books."""

    id: str
    key: str
    at: datetime
    mode: Mode
    reason: str
    order: str | None
    legs: list[Leg]


class User(Shape, frozen=True, kw_only=True):
    """A person who can sign in; `email` and `name` are empty when there are none."""

    id: str
    state: UserState
    role: str
    language: str
    email: str
    name: str
    created: datetime


class Me(Shape, frozen=True, kw_only=True):
    """Whom the token speaks for, and what it may do now."""

    user: str
    mode: Mode
    scopes: list[str]
    expires: datetime


class Setting(Shape, frozen=True, kw_only=True):
    """A setting; the value of a secret is never told, `is_set` says whether there is one."""

    name: str
    type: str
    value: str | int | bool | None
    is_set: bool
    is_locked: bool


class SettingWanted(Asked, frozen=True, kw_only=True):
    """The new value of a setting: a text, a whole number or a bool, after its type."""

    value: (
        Annotated[str, Meta(max_length=20_000)]
        | Annotated[int, Meta(ge=-(10**15), le=10**15)]
        | bool
    )


class Plugin(Shape, frozen=True, kw_only=True):
    """A plugin of this site; `reason` says why one that should work does not."""

    name: str
    title: str
    version: str
    state: PluginState
    reason: str


class Endpoint(Shape, frozen=True, kw_only=True):
    """Where this site sends what happened. `failed`: switched off after days without an answer."""

    id: str
    url: str
    events: list[str]
    state: EndpointState
    created: datetime
    failing_since: datetime | None


class NewEndpoint(Endpoint, frozen=True, kw_only=True):
    """An endpoint with its new secret, which is told this once."""

    secret: str


class EndpointWanted(Asked, frozen=True, kw_only=True):
    """The address of a new endpoint and what it is told."""

    url: Annotated[str, Meta(min_length=9, max_length=2000, pattern=r"^https://[!-~]+$")]
    events: Annotated[list[Words], Meta(min_length=1, max_length=20)]


class EndpointChange(Asked, frozen=True, kw_only=True):
    """Switch an endpoint on or off."""

    state: Literal["on", "off"]


class Delivery(Shape, frozen=True, kw_only=True):
    """One message to an endpoint, and what came of the last try."""

    id: str
    type: str
    order: str | None
    created: datetime
    attempts: int
    next_try: datetime | None
    delivered: datetime | None
    status: int | None
    answer: str
    error: str


class Wrong(Shape, frozen=True, kw_only=True):
    """One thing that is wrong with what was sent, and where: a JSON pointer or a parameter."""

    detail: str
    pointer: str = ""
    parameter: str = ""


class Problem(Shape, frozen=True, kw_only=True):
    """Why something was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    code: str = ""
    errors: list[Wrong] = []


class PaymentRequired(Shape, frozen=True, kw_only=True):
    """A closed resource: what everybody may know of it, and the offers that open it."""

    type: str
    title: str
    status: int
    instance: str
    resource: Resource
    offers: list[Offer]
    challenges: list[dict[str, Any]] = []
    code: str = ""
    detail: str = ""


# What stands after the ? of an address


class Paged(Asked, frozen=True, kw_only=True):
    """How much of a list, and where it goes on."""

    after: Text = ""
    limit: Limit = 50


class ResourcesAsked(Paged, frozen=True, kw_only=True):
    """What to list: words, a kind, a tag, a language."""

    words: Text = ""
    kind: Text = ""
    tag: Text = ""
    language: Text = ""


class OrdersAsked(Paged, frozen=True, kw_only=True):
    """Which orders."""

    state: Literal["", "open", "paid", "closed"] = ""
    holder: Text = ""


class EntitlementsAsked(Paged, frozen=True, kw_only=True):
    """Whose entitlements."""

    holder: Words


class EntriesAsked(Paged, frozen=True, kw_only=True):
    """Which entries."""

    account: Text = ""
    order: Text = ""


class BalancesAsked(Paged, frozen=True, kw_only=True):
    """Which accounts: how their names start."""

    family: Text = ""

"""Connect PayPal: what still stands in the way, in words, and the webhook made from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core import BadInput, OboloError, ProviderUnknown, Refused, save_setting, value
from plugins.paypal import chosen, messages
from plugins.paypal.wire import NotLetIn, PayPalRefused, Wire, path_id

WEBHOOKS = "/v1/notifications/webhooks"
TYPES = "/v1/notifications/webhooks-event-types"
Level = Literal["good", "wrong", "note"]
NOT_FOUND, NOT_ALLOWED = 404, 403


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a check found; `words` are English and the key of their translation."""

    level: Level
    words: str


def check(is_public: bool, address: str) -> Iterator[Said]:  # noqa: FBT001 - what the caller knows
    """Say what is right and what is wrong, the first thing to mend first.

    `address` is where PayPal is to send its messages. Nothing is changed, here or there.
    """
    wire = chosen.wire()
    if wire is None:
        yield Said("wrong", "Client ID and secret are missing.")
        return
    try:
        wire.get(WEBHOOKS)
    except NotLetIn:
        yield Said("wrong", _unknown_keys())
        return
    except PayPalRefused:
        pass  # let in, but this app may not list webhooks
    except ProviderUnknown:
        yield Said("wrong", "PayPal does not answer at the moment. Try again in a while.")
        return
    yield Said("good", "PayPal knows this client ID and secret.")
    yield from _place(is_public)
    if chosen.fees() is None:
        yield Said(
            "wrong",
            "The fees are not set. PayPal is not offered before: nobody could say what a sale costs.",
        )
    yield _webhook(wire, address)
    yield from _permissions(wire)


def _unknown_keys() -> str:
    if chosen.is_live():
        return "PayPal does not know this client ID and secret. Are they the live ones?"
    return "PayPal does not know this client ID and secret. Are they those of the sandbox?"


def _place(is_public: bool) -> Iterator[Said]:  # noqa: FBT001
    """Live keys belong on a public host, and the sandbox's nowhere else than on a private one."""
    if chosen.is_live() and not is_public:
        yield Said("wrong", "These keys move real money, but this site has no public address.")
    if not chosen.is_live() and is_public:
        yield Said("wrong", "This site is public, but the sandbox takes no real money.")


def _webhook(wire: Wire, address: str) -> Said:
    id = value("paypal.webhook_id")
    if not id:
        return Said("wrong", "There is no webhook yet: PayPal cannot tell what happens there.")
    try:
        found = wire.get(f"{WEBHOOKS}/{path_id(id)}")
    except PayPalRefused as error:
        if error.status_code == NOT_FOUND:
            return Said("wrong", "PayPal no longer has this webhook. Make it again.")
        return Said("wrong", "This app may not read its webhooks.")
    except OboloError:
        return Said("wrong", "PayPal does not answer at the moment. Try again in a while.")
    if found.get("url") != address:
        return Said("wrong", "The webhook leads to another address. Make it again.")
    return Said("good", "PayPal tells this site what happens.")


def _permissions(wire: Wire) -> Iterator[Said]:
    """Say what the app may not read; sales do without it."""
    for path, words in (
        ("/v1/customer/disputes?page_size=1",
         "This app may not read disputes. Allow it in PayPal’s dashboard, or they stay unseen."),
        ("/v1/reporting/transactions?" + _a_day(),
         "This app may not search transactions. Without it payouts are not compared with the books."),
    ):  # fmt: skip
        try:
            wire.get(path)
        except PayPalRefused as error:
            if error.status_code == NOT_ALLOWED:
                yield Said("note", words)
        except OboloError:
            return


def _a_day() -> str:
    return (
        "start_date=2026-01-01T00%3A00%3A00Z&end_date=2026-01-01T23%3A59%3A59Z&page_size=1"
        "&fields=transaction_info"
    )


def make_webhook(address: str, actor: str) -> None:
    """Have PayPal send its messages here, for the events that it lists. Raises Refused, BadInput.

    One that leads here already is taken over.
    """
    wire = chosen.wire()
    if wire is None:
        raise BadInput("Client ID and secret are missing.")
    if not address.startswith("https://"):
        raise Refused("PayPal sends messages to encrypted addresses only, and this site has none.")
    listed = {str(one.get("name")) for one in wire.get(TYPES).get("event_types") or []}
    events = [{"name": name} for name in messages.EVENTS if name in listed]
    try:
        id = wire.post(WEBHOOKS, {"url": address, "event_types": events}).get("id")
    except PayPalRefused as error:
        known = wire.get(WEBHOOKS).get("webhooks") or []
        id = next((one.get("id") for one in known if one.get("url") == address), None)
        if id is None:
            raise Refused("PayPal makes no webhook: {why}", why=error.issue) from error
    save_setting("paypal.webhook_id", path_id(str(id)), actor)

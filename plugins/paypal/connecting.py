"""Connect PayPal: what still stands in the way, in words, and the webhook made from here."""

from __future__ import annotations

from collections.abc import Iterator

from flask import has_request_context, url_for

from core import (
    BadInput,
    Health,
    OboloError,
    ProviderUnknown,
    Refused,
    check_mode,
    save_setting,
    value,
)
from plugins.paypal import chosen, messages
from plugins.paypal.wire import NotLetIn, PayPalRefused, Wire, path_id

WEBHOOKS = "/v1/notifications/webhooks"
TYPES = "/v1/notifications/webhooks-event-types"
HERE = "/admin/paypal/"
NOT_FOUND, NOT_ALLOWED = 404, 403


SENTENCES = {
    "keys": "Client ID and secret are missing.",
    "unknown_live": "PayPal does not know this client ID and secret. Are they the live ones?",
    "unknown_sandbox": "PayPal does not know this client ID and secret. Are they the sandbox’s?",
    "silent": "PayPal does not answer at the moment. Try again in a while.",
    "let_in": "PayPal knows this client ID and secret.",
    "fees": "The fees are not set, so PayPal is not offered: nobody could say what a sale costs.",
    "no_webhook": "There is no webhook yet: PayPal cannot tell what happens there.",
    "gone": "PayPal no longer has this webhook. Make it again.",
    "unread": "This app may not read its webhooks.",
    "elsewhere": "The webhook leads to another address. Make it again.",
    "told": "PayPal tells this site what happens.",
    "disputes": "This app may not read disputes, so they stay unseen. Allow it at PayPal.",
    "search": "This app may not search transactions, so payouts are not compared with the books.",
}
"""What a check says."""


def check() -> Iterator[Health]:
    """Say what is right and what is wrong, the first thing to mend first; nothing is changed."""
    wire = chosen.wire()
    if wire is None:
        yield _no("keys")
        return
    try:
        wire.get(WEBHOOKS)
    except NotLetIn:
        yield _no("unknown_live" if chosen.is_live() else "unknown_sandbox")
        return
    except PayPalRefused:
        pass  # let in, but this app may not list webhooks
    except ProviderUnknown:
        yield _no("silent")
        return
    yield Health(SENTENCES["let_in"])
    try:
        check_mode("live" if chosen.is_live() else "test")
    except Refused as error:
        yield Health(error.message, ok=False, address=HERE)
    if chosen.fees() is None:
        yield _no("fees")
    yield _webhook(wire)
    yield from _permissions(wire)


def _no(key: str) -> Health:
    return Health(SENTENCES[key], ok=False, address=HERE)


def hook() -> str:
    """Return where PayPal is to send its messages; only the path where no request says the host."""
    if has_request_context():
        return url_for("webhooks.receive", provider_name="paypal", _external=True)
    return "/webhooks/paypal"


def _webhook(wire: Wire) -> Health:
    id = value("paypal.webhook_id")
    if not id:
        return _no("no_webhook")
    try:
        found = wire.get(f"{WEBHOOKS}/{path_id(id)}")
    except PayPalRefused as error:
        if error.status_code == NOT_FOUND:
            return _no("gone")
        return _no("unread")
    except OboloError:
        return _no("silent")
    if not str(found.get("url")).endswith(hook()):
        return _no("elsewhere")
    return Health(SENTENCES["told"])


def _permissions(wire: Wire) -> Iterator[Health]:
    """Say what the app may not read; sales do without it."""
    for path, key in (
        ("/v1/customer/disputes?page_size=1", "disputes"),
        ("/v1/reporting/transactions?" + _a_day(), "search"),
    ):
        try:
            wire.get(path)
        except PayPalRefused as error:
            if error.status_code == NOT_ALLOWED:
                yield _no(key)
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

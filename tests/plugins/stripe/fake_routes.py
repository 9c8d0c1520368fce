"""What each call of Stripe's interface does to the stand-in."""

from __future__ import annotations

import copy
import time
from typing import Any

import stripe

from plugins.stripe.amounts import LEAST
from tests.plugins.stripe.fake import LIFETIME_SECONDS, PAYABLE, FakeStripe, NoError, Thing, invalid

KINDS = {
    "checkout/sessions": "checkout.session", "payment_intents": "payment_intent",
    "refunds": "refund", "disputes": "dispute", "balance_transactions": "balance_transaction",
    "payouts": "payout", "webhook_endpoints": "webhook_endpoint",
    "payment_method_domains": "payment_method_domain",
    "radar/early_fraud_warnings": "radar.early_fraud_warning",
}  # fmt: skip
WITHOUT_MONEY = {
    "pm_declined": ("card_declined", "insufficient_funds"),
    "pm_3ds": ("authentication_required", "authentication_required"),
}
"""Methods that are kept by whoever asks, and how a bank answers to them."""


def answer(fake: FakeStripe, method: str, path: str, sent: Thing) -> Thing:
    """Do a call, and return the object that it answers. Raises NoError."""
    way = path.removeprefix("/v1/")
    if way == "account":
        return fake.new("account", "acct", country="IT", charges_enabled=True, payouts_enabled=True)
    kind = KINDS.get(way)
    if method == "DELETE":
        gone = fake.find(way.rpartition("/")[2])
        del fake.things[gone["id"]]
        return gone
    if method == "GET":
        return _listed(fake, kind, sent) if kind else fake.find(way.rpartition("/")[2])
    if kind:
        return MAKERS[kind](fake, sent)
    *_, id, what = way.split("/")
    return DOERS[what](fake, fake.find(id), sent) if what in DOERS else _change(fake, what, sent)


def _listed(fake: FakeStripe, kind: str, sent: Thing) -> Thing:
    at = {name: int(value) for name, value in sent.get("created", {}).items()}
    found = [
        one
        for one in fake.of_kind(kind)
        if at.get("gte", 0) <= one.get("created", 0) <= at.get("lte", 2**40)
        and one.get("created", 0) < at.get("lt", 2**40)
        and sent.get("payment_intent") in (None, one.get("payment_intent"))
        and ("payout" not in sent or fake.asked.get(one["id"], {}).get("payout") == sent["payout"])
    ]
    ids = [one["id"] for one in found]
    start = ids.index(sent["starting_after"]) + 1 if "starting_after" in sent else 0
    limit = int(sent.get("limit", 10))
    page = found[start : start + limit]
    return {
        "object": "list", "data": page, "has_more": len(found) > start + limit, "url": "/v1",
    }  # fmt: skip


def _session(fake: FakeStripe, sent: Thing) -> Thing:
    (item,) = sent["line_items"]
    price, amount = item["price_data"], int(item["price_data"]["unit_amount"])
    if amount < LEAST.get(price["currency"].upper(), 1):
        raise invalid("amount_too_small")
    session = fake.new(
        "checkout.session", "cs_test", mode="payment", status="open", payment_status="unpaid",
        success_url=sent["success_url"], cancel_url=sent["cancel_url"], amount_total=amount,
        currency=price["currency"], metadata=dict(sent.get("metadata", {})), livemode=False,
        client_reference_id=sent.get("client_reference_id"), ui_mode=sent["ui_mode"],
        expires_at=int(time.time()) + LIFETIME_SECONDS, payment_method_types=["card"],
    )  # fmt: skip
    session["url"] = f"{fake.url}/c/pay/{session['id']}"
    fake.asked[session["id"]] = sent
    return session


def _intent(fake: FakeStripe, sent: Thing) -> Thing:
    if sent.get("confirm") != "true":
        return fake.intent(sent)
    method = sent["payment_method"]
    fake.find(sent["customer"])
    if method not in WITHOUT_MONEY and fake.find(method)["customer"] != sent["customer"]:
        raise invalid("payment_method_unexpected_state")
    intent = fake.intent(sent)
    intent["payment_method"] = method
    if method not in WITHOUT_MONEY:
        fake.charge(intent)
        return intent
    code, why = WITHOUT_MONEY[method]
    fake.decline(intent, code, why)
    raise NoError(402, "card_error", code, decline_code=why, payment_intent=intent)


def _capture(fake: FakeStripe, intent: Thing, sent: Thing) -> Thing:
    if intent["status"] != "requires_capture":
        raise invalid("payment_intent_unexpected_state")
    fake.settle(intent)
    return intent


def _cancel(fake: FakeStripe, intent: Thing, sent: Thing) -> Thing:
    of_page = fake.of_kind("checkout.session", payment_intent=intent["id"])
    if intent["status"] not in (*PAYABLE, "requires_capture") or (
        of_page and intent["status"] != "requires_capture"
    ):
        raise invalid("payment_intent_unexpected_state")
    intent.update(status="canceled", amount_capturable=0)
    fake.event("payment_intent.canceled", intent)
    return intent


def _detach(fake: FakeStripe, method: Thing, sent: Thing) -> Thing:
    if method["customer"] is None:
        raise invalid("resource_missing")
    method["customer"] = None
    return method


def _endpoint(fake: FakeStripe, sent: Thing) -> Thing:
    if sent.get("api_version", stripe.api_version) != stripe.api_version:
        raise invalid("api_version")
    endpoint = fake.new(
        "webhook_endpoint", "we", url=sent["url"], status="enabled",
        enabled_events=sent["enabled_events"], api_version=sent.get("api_version"),
        description=sent.get("description"), metadata=dict(sent.get("metadata", {})),
    )  # fmt: skip
    secret = f"whsec_{endpoint['id']}"
    fake.asked[endpoint["id"]] = {"secret": secret}
    return endpoint | {"secret": secret}


def _change(fake: FakeStripe, id: str, sent: Thing) -> Thing:
    thing = fake.find(id)
    thing.update({k: v == "true" if v in ("true", "false") else v for k, v in sent.items()})
    return thing


def _domain(fake: FakeStripe, sent: Thing) -> Thing:
    name = sent["domain_name"]
    good = {"status": "active", "status_details": None}
    bad = {
        "status": "inactive",
        "status_details": {"error_message": "The domain is not there."},
    }
    state = bad if name.endswith("bad.example") else good
    known = fake.of_kind("payment_method_domain", domain_name=name)
    wallets = {w: dict(state) for w in ("apple_pay", "google_pay", "link", "paypal", "klarna",
                                        "amazon_pay")}  # fmt: skip
    return known[0] if known else fake.new(
        "payment_method_domain", "pmd", domain_name=name, enabled=True, livemode=False, **wallets
    )  # fmt: skip


MAKERS: dict[str, Any] = {
    "checkout.session": _session, "payment_intent": _intent,
    "refund": lambda fake, sent: fake.refund(sent),
    "webhook_endpoint": _endpoint, "payment_method_domain": _domain,
}  # fmt: skip
DOERS: dict[str, Any] = {
    "expire": lambda fake, thing, sent: fake.expire(thing), "capture": _capture, "cancel": _cancel,
    "detach": _detach,
    "validate": lambda fake, thing, sent: thing,
}  # fmt: skip


def expanded(fake: FakeStripe, thing: Thing, paths: list[str]) -> Thing:
    """Return a copy of an object in which ids are replaced by what they name, where asked for."""
    thing = copy.deepcopy(thing)
    if "latest_charge.refunds" not in str(paths):
        thing.pop("refunds", None) if thing.get("object") == "charge" else None
    for path in paths:
        places = [thing]
        for part in path.split("."):
            places = [one for place in places for one in _inside(fake, place, part)]
    return thing


def _inside(fake: FakeStripe, place: Thing, part: str) -> list[Thing]:
    value = place.get(part)
    if isinstance(value, str) and value in fake.things:
        place[part] = value = copy.deepcopy(fake.things[value])
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []

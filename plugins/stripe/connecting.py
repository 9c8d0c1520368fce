"""Connect the site to an account at Stripe, step by step, and look whether all of it works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import stripe as package

from core import (
    BadInput,
    Health,
    ProviderRefused,
    ProviderUnknown,
    Refused,
    check_mode,
    new_id,
    now,
    save_setting,
)
from plugins.stripe.chosen import Chosen, mode_of
from plugins.stripe.client import BadKey, Missing, ask, every
from plugins.stripe.messages import EVENTS
from plugins.stripe.objects import Account, Domain, Endpoint, WalletStatus
from plugins.stripe.prices import table
from plugins.stripe.signature import TOLERANCE_SECONDS

SECRET, PUBLISHABLE = ("sk_test_", "sk_live_", "rk_test_", "rk_live_"), ("pk_test_", "pk_live_")
KEYS = "https://dashboard.stripe.com/apikeys"
PAGE = "/admin/stripe/"


class Deleted(msgspec.Struct, frozen=True):
    """What Stripe says of what is gone."""

    id: str


def keep_keys(chosen: Chosen, secret: str, publishable: str, actor: str) -> Account:
    """Try keys at Stripe, and keep them if they work. Raises BadInput, Refused, ProviderUnknown.

    A site that has no name at Stripe yet gets one, so that two sites can share an account.
    """
    secret, publishable = secret.strip() or chosen.key, publishable.strip()
    if not secret.startswith(SECRET):
        raise BadInput("A secret key starts with sk_ or rk_.")
    if not publishable.startswith(PUBLISHABLE):
        raise BadInput("A publishable key starts with pk_.")
    if mode_of(secret) != mode_of(publishable):
        raise BadInput("One of the keys is for tests, the other one is not.")
    check_mode(mode_of(secret))
    account = account_of(replace(chosen, key=secret))
    save_setting("stripe.secret_key", secret, actor)
    save_setting("stripe.publishable_key", publishable, actor)
    if chosen.site == "site" and not chosen.key:
        save_setting("stripe.site", new_id("site")[:40], actor)
    areas = (name for name, some in table().areas.items() if account.country in some)
    if chosen.fees != "own" and (area := next(areas, None)):
        save_setting("stripe.fees", area, actor)
    return account


def account_of(chosen: Chosen) -> Account:
    """Return the account that a key belongs to. Raises BadInput for a key that does not work."""
    try:
        return ask(chosen.services.v1.accounts.retrieve_current, Account)
    except BadKey as error:
        raise BadInput("Stripe does not know this secret key.") from error


def make_webhook(chosen: Chosen, address: str, actor: str) -> None:
    """Have Stripe report to the site; the one before it goes, its secret is good for a while."""
    if not address.startswith("https://"):
        raise Refused("Stripe reports only to a public address that begins with https.")
    wanted: Any = {
        "url": address, "enabled_events": list(EVENTS), "api_version": package.api_version,
        "description": "Obolo", "metadata": {"obolo_site": chosen.site},
    }  # fmt: skip
    endpoints = chosen.services.v1.webhook_endpoints
    made = ask(lambda: endpoints.create(wanted), Endpoint)
    if chosen.secrets:
        save_setting("stripe.webhook_secret_before", chosen.secrets[0], actor)
    save_setting("stripe.webhook_secret", made.secret or "", actor)
    save_setting("stripe.webhook_id", made.id, actor)
    if chosen.webhook:
        try:
            ask(lambda: endpoints.delete(chosen.webhook), Deleted)
        except Missing:
            return


def register_domain(chosen: Chosen, host: str) -> Domain:
    """Let wallets be shown on a domain, or look at it again. Raises ProviderRefused."""
    services = chosen.services.v1
    name: Any = {"domain_name": host.partition(":")[0]}
    domain = ask(lambda: services.payment_method_domains.create(name), Domain)
    if domain.apple_pay.status == "active":
        return domain
    return ask(lambda: services.payment_method_domains.validate(domain.id), Domain)


def look(chosen: Chosen) -> Iterator[Health]:
    """Say what works and what does not; it asks Stripe, and changes nothing."""
    if not chosen.key:
        yield Health("No secret key is set yet.", ok=False)
        return
    try:
        check_mode(chosen.mode)
    except Refused as error:
        yield Health(error.message, ok=False)
    if chosen.publishable and mode_of(chosen.publishable) != chosen.mode:
        yield Health("One of the keys is for tests, the other one is not.", ok=False)
    try:
        yield from _account(chosen)
        yield _clock(chosen)
        yield _webhook(chosen)
        yield from _domains(chosen)
    except BadInput as error:
        yield Health(error.message, ok=False)
    except ProviderRefused:
        yield Health("The secret key may not read all that this check needs.", ok=False)
    except ProviderUnknown:
        yield Health("Stripe does not answer right now.", ok=False)


def _account(chosen: Chosen) -> Iterator[Health]:
    account = account_of(chosen)
    yield Health("Stripe answers, for the account {account}.", values={"account": account.id})
    if account.charges_enabled is False:
        yield Health(
            "Stripe lets this account take no payments yet: answer its questions there.", ok=False
        )
    if account.payouts_enabled is False:
        yield Health(
            "Stripe pays nothing out from this account yet: answer its questions there.", ok=False
        )


def _clock(chosen: Chosen) -> Health:
    """Compare the clocks: messages of another time are refused."""
    answer: Any = chosen.services.v1.accounts.retrieve_current()
    headers = getattr(answer.last_response, "headers", None) or {}
    said = headers.get("date")
    seconds = 0 if not said else int(abs((parsedate_to_datetime(said) - now()).total_seconds()))
    if seconds > TOLERANCE_SECONDS // 5:
        return Health(
            "The clock of this machine is {seconds} seconds off.",
            ok=False,
            values={"seconds": seconds},
        )
    return Health("The clock of this machine is right.")


def _webhook(chosen: Chosen) -> Health:
    if not chosen.secrets:
        return Health(
            "Stripe reports nothing yet: the site asks by itself, which takes longer.", ok=False
        )
    if not chosen.webhook:
        return Health("A webhook was set up by hand.")
    try:
        endpoint = ask(
            lambda: chosen.services.v1.webhook_endpoints.retrieve(chosen.webhook), Endpoint
        )
    except Missing:
        return Health("The webhook is gone at Stripe. Make it again.", ok=False)
    if endpoint.status != "enabled":
        return Health("The webhook is switched off at Stripe.", ok=False)
    missing = set(EVENTS) - set(endpoint.enabled_events)
    if missing and "*" not in endpoint.enabled_events:
        return Health(
            "The webhook leaves out {events}. Make it again.",
            ok=False,
            values={"events": ", ".join(sorted(missing))},
        )
    return Health("Stripe reports to {url}.", values={"url": endpoint.url})


def _domains(chosen: Chosen) -> Iterator[Health]:
    for domain in every(chosen.services.v1.payment_method_domains.list, Domain, {}):
        for name, wallet in (("Apple Pay", domain.apple_pay), ("Google Pay", domain.google_pay)):
            yield _wallet(name, domain.domain_name, wallet)


def _wallet(name: str, host: str, wallet: WalletStatus) -> Health:
    values = {"wallet": name, "host": host}
    if wallet.status == "active":
        return Health("{wallet} can be shown on {host}.", values=values)
    why = wallet.status_details.error_message if wallet.status_details else wallet.status
    return Health(
        "{wallet} cannot be shown on {host}: {why}", ok=False, values={**values, "why": why}
    )

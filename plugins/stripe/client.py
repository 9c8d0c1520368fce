"""The way to Stripe: its package speaks, core's outbound client carries what it says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import stripe

from core import HttpUnknown, HttpUnreachable, ProviderRefused, ProviderUnknown, http_request
from plugins.stripe.objects import Page

log = logging.getLogger("obolo.plugins.stripe")

Kind = TypeVar("Kind", bound=msgspec.Struct)
STRIPE = "https://api.stripe.com"
TIMEOUT_SECONDS = 20.0
MOST_BYTES = 8_000_000
MOST_PAGES = 20
"""A list that is longer cannot be searched now: the answer is not known."""
CONFLICT, NOT_FOUND = 409, 404


class KeyUsed(ProviderRefused):
    """This key has begun something else."""


class Missing(ProviderRefused):
    """Stripe knows no such thing."""


class BadKey(ProviderRefused):
    """Stripe does not take the secret key."""


class Declined(ProviderRefused):
    """A bank said no; `code` says why, `intent` is the PaymentIntent that it was about."""

    code = ""
    intent = ""


class Carrier(stripe.HTTPClient):
    """Lets the package send by core's client: no redirects, one deadline, the named host only."""

    name = "obolo"

    def __init__(self, base: str) -> None:
        super().__init__()
        self._host = urlsplit(base).netloc

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None,
        *, _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:  # fmt: skip
        """Send one request; what is no whole JSON object is no answer."""
        body = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            answer = http_request(
                method.upper(), url, hosts={self._host}, body=body, timeout=TIMEOUT_SECONDS,
                most_bytes=MOST_BYTES, headers={k: str(v) for k, v in (headers or {}).items()},
            )  # fmt: skip
            is_object = isinstance(answer.json(), dict)
        except (HttpUnknown, HttpUnreachable) as error:
            raise _no_answer(str(error)) from error
        if not is_object:
            raise _no_answer("The answer is no object.")
        return answer.body.decode(), answer.status, answer.headers

    def close(self) -> None:
        """Nothing is kept open."""


def _no_answer(why: str) -> stripe.StripeError:
    return stripe.APIConnectionError(why, should_retry=False)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=8)
def client(key: str, base: str = STRIPE) -> stripe.StripeClient:
    """Return Stripe's client for a key. It repeats nothing: core does, by the same key."""
    return stripe.StripeClient(
        key, base_addresses={"api": base or STRIPE}, max_network_retries=0,
        http_client=Carrier(base or STRIPE),
    )  # fmt: skip


def ask(call: Callable[[], Any], kind: type[Kind]) -> Kind:
    """Do a call and return its answer as an object of a kind.

    Raises ProviderRefused and its kinds for a clear no. Raises ProviderUnknown for a time-out, a
    5xx, “not now”, and what cannot be read.
    """
    try:
        return msgspec.convert(call().to_dict(), kind)
    except stripe.StripeError as error:
        log.info("stripe: %s, request %s", type(error).__name__, error.request_id)
        raise _in_our_words(error) from error
    except msgspec.ValidationError as error:
        raise ProviderUnknown("Stripe’s answer cannot be read: {why}", why=error) from error


def _in_our_words(error: stripe.StripeError) -> Exception:
    if isinstance(error, stripe.CardError):
        return _declined(error)
    unclear = (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError)
    if isinstance(error, unclear) or error.http_status == CONFLICT:
        return ProviderUnknown("Stripe gave no clear answer ({why}).", why=type(error).__name__)
    if isinstance(error, stripe.IdempotencyError):
        return KeyUsed("Stripe began something else with this key.")
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return BadKey("Stripe does not take the secret key.")
    kind = Missing if error.http_status == NOT_FOUND else ProviderRefused
    return kind("Stripe refused: {why}", why=error.user_message or error.code or "no reason")


def _declined(error: stripe.CardError) -> Declined:
    about = error.json_body.get("error", {}) if isinstance(error.json_body, dict) else {}
    code = str(about.get("decline_code") or error.code or "declined")
    declined = Declined("The bank declined: {why}", why=code)
    declined.code = str(error.code)
    declined.intent = str((about.get("payment_intent") or {}).get("id", ""))
    return declined


def every(
    fetch: Callable[[Any], Any], kind: type[Kind], params: Mapping[str, Any]
) -> Iterator[Kind]:
    """Return all of a list, page after page. Raises as `ask` does, also for too long a list."""
    after: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        page = ask(partial(fetch, {"limit": 100, **params, **after}), Page[kind])  # type: ignore[valid-type]
        yield from page.data
        if not page.has_more or not page.data:
            return
        after = {"starting_after": getattr(page.data[-1], "id", "")}
    raise ProviderUnknown("Stripe’s list is too long to be searched.")

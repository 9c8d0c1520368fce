"""The owner's page, which leads from an account at Stripe to the first sale; Apple's file."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from core import (
    BadInput,
    NotFound,
    OboloError,
    admin_page,
    callers,
    current_reader,
    gettext,
    is_public_host,
    record_event,
    transaction,
    value,
)
from plugins.stripe import connecting
from plugins.stripe.chosen import chosen

pages = Blueprint(
    "stripe", __name__, template_folder="templates", static_folder="static",
    static_url_path="/x/stripe/static",
)  # fmt: skip


@pages.get("/admin/stripe/")
@callers("settings.change")
def connect() -> Response:
    """Show the steps, with what is done; with `check` also what Stripe says of them now."""
    return _steps()


def _steps(status: int = 200, **more: Any) -> Response:
    set_now = chosen()
    found = connecting.look(set_now) if request.args.get("check") else ()
    checked = [(one.ok, gettext(one.words).format(**one.values)) for one in found]
    return admin_page(
        "stripe/connect.html", status, chosen=set_now, checked=checked, host=_host(),
        address=_webhook(), keys=connecting.KEYS, is_public=is_public_host(),
        done=request.args.get("done", ""),
        **{"wrong": "", "step": "", "typed": set_now.publishable, **more},
    )  # fmt: skip


def _host() -> str:
    return request.host.partition(":")[0]


def _webhook() -> str:
    return url_for("webhooks.receive", provider_name="stripe", _external=True)


def _told(error: OboloError, step: str, **more: Any) -> Response:
    words = gettext(error.message).format(**error.values)
    return _steps(422, wrong=words, step=step, **more)


@pages.post("/admin/stripe/keys")
@callers("settings.change", confirmed=True)
def keep_keys() -> Any:
    """Try the keys at Stripe, and keep them if they work."""
    typed = request.form.get("publishable", "")
    try:
        connecting.keep_keys(chosen(), request.form.get("secret", ""), typed, _actor())
    except OboloError as error:
        return _told(error, "keys", typed=typed)
    return redirect(url_for("stripe.connect", done="keys"), 303)


@pages.post("/admin/stripe/webhook")
@callers("settings.change", confirmed=True)
def make_webhook() -> Any:
    """Have Stripe report to this site."""
    try:
        _need_key()
        connecting.make_webhook(chosen(), _webhook(), _actor())
    except OboloError as error:
        return _told(error, "webhook")
    return redirect(url_for("stripe.connect", done="webhook"), 303)


@pages.post("/admin/stripe/domain")
@callers("settings.change", confirmed=True)
def register_domain() -> Any:
    """Let wallets be shown on this site's domain, and show what Stripe says of it."""
    try:
        _need_key()
        connecting.register_domain(chosen(), _host())
    except OboloError as error:
        return _told(error, "domain")
    with transaction():
        record_event("stripe.domain", actor=_actor(), subject=_host())
    return redirect(url_for("stripe.connect", check=1), 303)


def _need_key() -> None:
    if not chosen().key:
        raise BadInput("Keep your keys first.")


def _actor() -> str:
    return current_reader().user or ""


@pages.get("/.well-known/apple-developer-merchantid-domain-association")
@callers("anyone")
def domain_file() -> Response:
    """Give Apple the file that the owner keeps for it, as it is."""
    text = value("stripe.domain_file")
    if not text:
        raise NotFound("There is no such page.")
    return Response(text, content_type="text/plain; charset=utf-8")

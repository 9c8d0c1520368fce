"""The pages: to connect PayPal step by step, and the way back of who left PayPal's page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from core import (
    BadInput,
    NotFound,
    OboloError,
    ProviderUnknown,
    admin_page,
    callers,
    check_mode,
    current_reader,
    gettext,
    local_path,
    save_setting,
    site_currency,
    transaction,
    value,
)
from plugins.paypal import chosen, connecting
from plugins.paypal.amounts import Fees
from plugins.paypal.provider import PayPal

pages = Blueprint("paypal", __name__)
TYPED = ("environment", "client_id", "secret", "fee_percent", "fee_fixed", "merchant_id")
MANAGE = "plugins.manage"


@pages.get("/admin/paypal/")
@callers(MANAGE)
def connect() -> Response:
    """Show the steps; with `?check=1` PayPal is asked how things stand."""
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    found = list(connecting.check()) if request.args.get("check") else []
    shown = {name: value(f"paypal.{name}") for name in TYPED if name != "secret"}
    context = {
        "typed": shown, "has_secret": bool(value("paypal.secret")), "checked": found,
        "hook": connecting.hook(),
        "webhook": value("paypal.webhook_id"), "has_keys": chosen.wire() is not None,
        "has_fees": chosen.fees() is not None, "error": "", "about": "",
    } | more  # fmt: skip
    return admin_page("paypal/admin/connect.html", status, **context)


@pages.post("/admin/paypal/keys")
@callers(MANAGE, confirmed=True)
def save_keys() -> Any:
    """Save what was typed, all or nothing; an empty secret stays as it is."""
    typed = {name: request.form.get(name, "").strip() for name in TYPED}
    percent, fixed = typed["fee_percent"], typed["fee_fixed"]
    try:
        if typed["client_id"] or chosen.wire() is not None:
            check_mode("live" if typed["environment"] == "live" else "test")
        if (percent or fixed) and Fees.of(percent, fixed, site_currency()) is None:
            raise BadInput("Write the fees as 3.40 and 0.35.")
        with transaction():
            for name, text in typed.items():
                if text or name != "secret":
                    save_setting(f"paypal.{name}", text, current_reader().holder)
    except OboloError as error:
        words = gettext(error.message).format(**error.values)
        return _page(422, typed=typed, error=words, about="fees")
    return redirect(url_for("paypal.connect", check=1), 303)


@pages.post("/admin/paypal/webhook")
@callers(MANAGE, confirmed=True)
def make_webhook() -> Any:
    """Make the webhook at PayPal, and check."""
    try:
        connecting.make_webhook(connecting.hook(), current_reader().holder)
    except ProviderUnknown:
        words = connecting.SENTENCES["silent"]
        return _page(503, error=gettext(words))
    except OboloError as error:
        return _page(422, error=gettext(error.message).format(**error.values))
    return redirect(url_for("paypal.connect", check=1), 303)


@pages.get("/x/paypal/left/<id>")
@callers("anyone")
def left(id: str) -> Response:
    """Lead back who left PayPal's page without paying; that payment is let go."""
    path = PayPal(chosen.site).left(id, request.args.get("token", ""))
    if path is None:
        raise NotFound("There is no such payment.")
    return Response(status=303, headers={"Location": local_path(path)})

"""The site that is killed: the real app with one provider, and a shop that sells everything."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from flask import Flask, request

from core import Gate, Grant, Line, Money, Offer, checkout, hookimpl, limits, storage
from core import config as configuration
from core.app import create_app
from core.plugins import catalogue, loaded
from core.web.callers import callers
from tests.proofs.kill.bank import Bank

PRICE = 120
"""Minor units; enough for a refund in two parts."""
ACCOUNT = "income:posts"
DAYS_OPEN = 7
WITHIN_LIMITS = 100_000
"""All buyers come from one address; the doors are not what is proved here."""


def build(url: str, home: Path, bank: type[Bank]) -> Flask:
    """Build the app on a database that later ones are copied from; leave no connection open."""
    os.environ.update(
        {
            "OBOLO_CHECKOUT__ALLOW_LOSS": "1",
            "OBOLO_CHECKOUT__ORDER_MINUTES": str(DAYS_OPEN * 24 * 60),
            **bank.fixed,
        }
    )
    logging.getLogger("obolo").setLevel(logging.ERROR)  # a bank that says no is no news
    configuration.initialise(home)
    config = replace(configuration.load(home), database=url, plugins=(bank.provider,))
    app = create_app(config, immediate=True)
    assert not catalogue.failed, catalogue.failed
    limits.set_key(config.derived_key("limits"), factor=WITHIN_LIMITS)
    loaded().add("shop", _shop())
    app.add_url_rule("/x/shop/refund/<order>", "refund", _refund, methods=["POST"])
    app.add_url_rule("/x/shop/decide/<order>", "decide", _decide, methods=["POST"])
    storage.close()
    return app


def _shop() -> ModuleType:
    """Return a plugin that sells whatever is asked for, and listens to what was paid."""
    shop = ModuleType("shop")

    @hookimpl
    def guard(resource):
        price, data = Money(PRICE, "EUR"), {"hold": True} if resource.startswith("seat:") else {}
        line = Line("Read this post", price, ACCOUNT, (Grant(resource),), data=data)
        return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))

    @hookimpl
    def on_order_paid(order):
        """Be told: then each sale also has a notice to keep."""

    shop.guard, shop.on_order_paid = guard, on_order_paid
    return shop


@callers("anyone")
def _refund(order):
    """Give back part of an order, as its owner would."""
    checkout.refund(order, {1: int(request.form["minor"])}, actor="owner", reason="asked for")
    return "", 204


@callers("anyone")
def _decide(order):
    """Take the money that is held for an order, or let it go, as its owner would."""
    getattr(checkout, request.form["what"])(order, actor="owner")
    return "", 204

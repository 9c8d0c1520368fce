"""A machine at a closed resource: what it costs, what plugins add, and what is bought for it."""

from __future__ import annotations

from types import ModuleType

import pytest
from flask import jsonify

from core import access
from core.access import Access, Gate
from core.errors import Unavailable
from core.hookspecs import hookimpl
from core.orders import Offer
from core.people import current_reader, give_holder
from core.plugins import Toll, catalogue, loaded
from core.web.tolls import answer_machine
from tests.core.web.test_problems import JSON
from tests.stand_in import Instant, post_line

OFFER = Offer("paywall", "Read this for ever", (post_line(),))
RESOURCE = "post:hello"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def ask(make_site):
    """Return what answers a machine before a gate, with a plugin that answers `pay_machine`."""
    app = make_site()

    def ask(pay_machine=lambda request: None):
        module = ModuleType("toll")
        module.pay_machine = hookimpl(pay_machine)
        module.guard = hookimpl(lambda resource: Gate(frozenset({RESOURCE}), lambda: (OFFER,)))
        loaded().add("toll", module)
        with app.test_request_context(headers=JSON, method="POST"):
            give_holder()
            decided = access.decide(RESOURCE, current_reader())
            return answer_machine(RESOURCE, decided, drawn, url="/hello", title="Hello")

    return ask


def drawn(access: Access):
    return jsonify(held=access.held)


def test_a_closed_resource_tells_a_machine_its_offers(ask):
    """402 with what each offer costs and opens; nobody stores it."""
    done = ask()

    assert (done.status_code, done.json["title"], done.json["instance"]) == (402, "Hello", "/hello")
    assert done.json["offers"] == [{
        "offer": "paywall", "title": "Read this for ever", "minor": 20, "currency": "EUR",
        "opens": ["post:hello"],
    }]  # fmt: skip
    assert done.json["challenges"] == []
    assert done.headers["Cache-Control"] == "private, no-store"
    assert {"Cookie", "Accept", "Authorization"} <= set(done.vary)


def test_plugins_say_how_to_pay(ask):
    """Challenges, a code and words in the document, headers on the answer."""
    done = ask(lambda request: Toll(({"id": "a"},), (("X-Way", "a"),), "payment_needed", "Pay."))

    assert (done.json["challenges"], done.json["code"]) == ([{"id": "a"}], "payment_needed")
    assert (done.json["detail"], done.headers["X-Way"]) == ("Pay.", "a")


def test_what_a_plugin_wants_bought_is_bought_and_drawn(ask):
    """Order, payment and grant, then the plugin is asked once more, for what stands on it."""
    catalogue.providers["purse"] = Instant("assets:gifts")
    asked = []

    def pay(request):
        asked.append(request.open)
        if request.open:
            return Toll(headers=(("X-Receipt", "yes"),))
        return Toll(buys=OFFER.lines, by="purse")

    done = ask(pay)

    assert (done.status_code, done.json, done.headers["X-Receipt"]) == (200, {"held": True}, "yes")
    assert asked == [False, True]


def test_a_refused_purchase_is_told_to_the_plugin(ask):
    """Which says it in its own words; the text stays closed."""

    def pay(request):
        if request.refused:
            return Toll(code="refused", detail=str(request.refused))
        return Toll(buys=OFFER.lines, by="nobody")

    done = ask(pay)

    assert (done.status_code, done.json["code"]) == (402, "refused")
    assert done.json["detail"] == "This way of paying is not offered for this amount."


def test_what_does_not_answer_is_no_refusal(ask):
    """It goes on as what it is: 503, and worth trying again."""

    def pay(request):
        raise Unavailable("not now")

    with pytest.raises(Unavailable):
        ask(pay)

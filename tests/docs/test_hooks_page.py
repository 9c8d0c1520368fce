"""docs/hooks.md: each example is a plugin that loads, and answers when it is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
from flask import Blueprint
from markupsafe import Markup

from core import Field, Gate, MachineRequest, Money, Periodic, Query, ResourceCard
from core.checkout import buy
from core.orders import Line, Offer, Order
from core.plugins import caller, catalogue
from tests.docs.pages import FENCE, ROOT
from tests.stand_in import READER, eur, post_line

PAGE = (ROOT / "docs" / "hooks.md").read_text()
SECTIONS = dict(
    re.findall(r"^### (\w+)\(.*?\)\n(.*?)(?=^###? |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)
WINE = Line("A bottle", eur(500), "income:wine")
ORDER = Order("gst_a", (replace(post_line(), number=1),), "EUR", id="ord_a")
MAIL = SimpleNamespace(id="msg_a", recipient="a@example.org")


def example(hook: str) -> ModuleType:
    """Return the example of a hook as a module."""
    code = next(text for language, _, text in FENCE.findall(SECTIONS[hook]) if language == "python")
    module = ModuleType(f"example_of_{hook}")
    exec(code, vars(module))  # the page is ours
    return module


@pytest.fixture
def ask_example():
    def ask(hook, **arguments):
        assert not caller.load([("example", example(hook))])
        return [answer for _, answer in caller.each(hook, **arguments)]

    yield ask
    caller.load([])


@pytest.mark.parametrize("hook", SECTIONS)
def test_an_example_is_a_plugin_that_implements_its_hook(hook):
    """pluggy takes it: the hook exists and has these arguments."""
    refused = caller.load([("example", example(hook))])
    answering = caller.implementations(hook)
    caller.load([])

    assert refused == {}
    assert [found.plugin for found in answering] == ["example"]


def test_what_is_registered(ask_example):
    """The examples that are asked while the app is built answer with what core takes."""
    (pages,) = ask_example("register_blueprint")
    (work,) = ask_example("register_tasks")
    (embeds,) = ask_example("register_embeds")
    (fields,) = ask_example("register_fields", kind="post")

    assert isinstance(pages, Blueprint)
    assert isinstance(work[0], Periodic)
    assert embeds["note"].draw({"text": "<b>"}) == Markup('<p class="note">&lt;b&gt;</p>')
    assert isinstance(fields[0], Field)
    assert fields[0].check("16") == 16


def test_the_gift_pays_an_order(make_site, ask_example):
    """The provider of the page settles a sale at once."""
    make_site()
    (gift,) = ask_example("register_provider")
    catalogue.providers["gift"] = gift
    order = buy(READER, (post_line(),), "gift")

    assert order.state == "paid"


def test_gates(ask_example):
    """A guard sells its key; a requirement has keys only."""
    (gate,) = ask_example("guard", resource="post:a", reader=READER, gate=None)
    (further,) = ask_example("require", resource="post:cellar", reader=READER)

    assert gate.offers()[0].total == Money(20, "EUR")
    assert further == Gate(frozenset({"age:18"}))
    assert ask_example("guard", resource="file:a", reader=READER, gate=None) == []


def test_cards(ask_example):
    """What is described can be listed."""
    (card,) = ask_example("describe", resource="file:recipes")
    (found,) = ask_example("list_resources", query=Query("forty"))
    (none,) = ask_example("list_resources", query=Query("fifty"))

    assert isinstance(card, ResourceCard)
    assert [one.resource for one in found] == [card.resource]
    assert not none


def test_an_order_is_asked_about(ask_example):
    """Lines, questions and refusals come as the page says."""
    three = replace(ORDER, lines=(post_line(),) * 3)
    (added,) = ask_example("add_lines", order=three)
    (asked,) = ask_example("ask", order=replace(ORDER, lines=(WINE,)))
    (refused,) = ask_example(
        "review", order=replace(ORDER, lines=(replace(WINE, amount=eur(2001)),)), reader=READER
    )

    assert added[0].amount == eur(-6)
    assert asked[0].key == "adult"
    assert refused.reason
    assert ask_example("add_lines", order=ORDER) == []
    assert ask_example("review", order=ORDER, reader=READER) == []


def test_a_seat_is_counted(db, ask_example):
    """The example's SQL runs on both databases."""
    evening = replace(ORDER, lines=(Line("A seat", eur(500), "income:evening"),))

    assert ask_example("reserve", order=evening) == []


def test_a_program_is_told_how_to_pay(ask_example):
    """A way to pay while it is closed, what is bought once it is met, nothing once it is open."""
    asking = MachineRequest(READER, None, {})
    offers = (Offer("paywall", "Read", (post_line(),)),)
    about = {"resource": "post:hello", "offers": offers}
    met = replace(asking, headers={"x-coupon": "first-one-free"})
    (told,) = ask_example("pay_machine", request=asking, **about)
    (paying,) = ask_example("pay_machine", request=met, **about)

    assert (told.code, told.buys) == ("coupon_needed", ())
    assert (paying.buys, paying.by) == (offers[0].lines, "coupons")
    assert ask_example("pay_machine", request=replace(asking, open=True), **about) == []


def test_a_message_and_a_piece_of_a_page(ask_example):
    """One plugin takes the message; a slot that is not its own stays empty."""
    assert ask_example("send_message", message=MAIL) == [True]
    assert ask_example("send_message", message=SimpleNamespace(recipient="a@b.it")) == []
    assert ask_example("render_slot", slot="nav", context={}) == [
        Markup('<a href="/x/hello/">Hello</a>')
    ]
    assert ask_example("render_slot", slot="other", context={}) == []


@pytest.mark.parametrize("hook", [hook for hook in SECTIONS if hook.startswith("on_")])
def test_what_is_told_is_remembered(hook):
    """Telling twice harms nobody, and the example keeps what it was told."""
    module = example(hook)
    caller.load([("example", module)])
    (listener,) = caller.implementations(hook)
    told = {"order": ORDER, "amount": eur(20), "status": "pending"}
    for _ in range(2):
        caller.call(hook, listener, told)
    caller.load([])

    kept = [found for name, found in vars(module).items() if name.isupper()]
    assert "ord_a" in str(kept)

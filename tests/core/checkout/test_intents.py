"""What a provider is asked says all that was agreed, and the same payment asks the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.checkout.intents import intent, new_payment
from core.errors import Refused
from core.orders import Order
from tests.stand_in import READER, StandIn, post_line


def test_an_intent_says_what_was_agreed():
    """The amount, the way back, and whether to hold the money and to keep the method."""
    line = replace(post_line(), data={"hold": True})
    order = Order(READER.holder, (), "EUR", id="ord_1", language="it").with_lines([line])
    payment = new_payment(order, StandIn(), READER, save=True, back="https://site.example/back")
    asked = intent(order, payment)

    assert (asked.payment, asked.order, asked.holder) == (payment.id, "ord_1", READER.holder)
    assert (asked.amount, asked.description, asked.language) == (line.amount, line.label, "it")
    assert (asked.hold, asked.save, asked.return_url) == (True, True, "https://site.example/back")
    assert asked == intent(order, payment)
    assert payment.hold == "held"


def test_money_is_taken_at_once_unless_a_line_says_otherwise():
    """Nothing is held, kept or charged by a kept method by itself."""
    order = Order(READER.holder, (), "EUR", id="ord_1").with_lines([post_line()])
    payment = new_payment(order, StandIn(), READER)

    assert (payment.hold, payment.save, payment.method) == ("", False, "")
    assert not intent(order, payment).hold


def test_money_is_held_and_a_way_kept_only_on_the_providers_own_page():
    """A button on the site knows nothing of that, so it is no way to pay such an order."""
    provider = StandIn(can=frozenset({"inline", "hold"}))
    for wish in ("hold", "save"):
        line = replace(post_line(), data={wish: True})
        order = Order(READER.holder, (), "EUR", id="ord_1").with_lines([line])
        with pytest.raises(Refused):
            new_payment(order, provider, READER, inline=True)

        assert new_payment(order, provider, READER).hold == ("held" if wish == "hold" else "")

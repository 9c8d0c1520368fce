"""A reader with a balance opens a text by one request; one without tops up and opens it at once."""

from __future__ import annotations

import pytest

from core.ledger import balance
from core.plugins import ResourceCard
from core.verify import verify

CARD = ResourceCard(
    resource="post:hello", kind="post", title="Hello", url="/hello", language="en",
    fields={"price": "0.20 EUR"},
)  # fmt: skip


@pytest.fixture
def app(make_site):
    yield make_site("paywall", "wallet", "playmoney")
    assert verify() == []


@pytest.fixture
def card(cards):
    cards.add(CARD)


def held(holder):
    return -balance(f"liabilities:wallet:{holder}", "EUR", "test").minor


def test_top_up_and_sale_are_one_order_and_one_payment(app, client, card, playmoney_off, bank):
    ordered = client.post(
        "/checkout/offer",
        data={
            "resource": "post:hello",
            "offer": "paywall",
            "return_to": "/library/",
            "top_up": "480",
        },
    )
    back = bank.pay(client, ordered)
    print(back.status_code, back.location, ordered.status_code, ordered.location)
    print(client.get("/x/wallet/").text)
    print(client.get("/library/").text[:100])
    assert 0

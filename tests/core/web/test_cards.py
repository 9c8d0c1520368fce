"""No card number comes to the site, and nothing asks for one."""

from __future__ import annotations

import re

import pytest

from core.storage import execute
from core.web.cards import holds_card_number
from tests.conftest import ROOT, browser_of

CARD = "4242 4242 4242 4242"
ASKS = re.compile(
    r"""autocomplete=["']?cc-|name=["'](?:[a-z_-]*card[_-]?(?:number|no|num)|pan|cvc|cvv|cvc2|cc[_-]?num[a-z]*|exp[_-]?(?:month|year|date))["']""",
    re.IGNORECASE,
)
PAGES = [
    path
    for place in ("core", "plugins", "themes")
    for kind in ("html", "js")
    for path in (ROOT / place).rglob(f"*.{kind}")
]


@pytest.mark.parametrize("text", [
    "4242424242424242", CARD, "4242-4242-4242-4242", "My card is 5555 5555 5555 4444, thanks",
    "378282246310005", "6304000000000000000",
])  # fmt: skip
def test_a_card_number_is_known_by_its_check_digit(text):
    """With or without groups, alone or within a text; 13 to 19 digits (ISO/IEC 7812-1)."""
    assert holds_card_number(text)


@pytest.mark.parametrize("text", [
    "", "4242 4242 4242 4241", "424242424242", "42424242424242424242", "12345678903",
    "ord_4242424242424242", "4242424242424242abc", "IT60X0542811101000000123456",
])  # fmt: skip
def test_other_numbers_are_none(text):
    """A wrong check digit, too short, too long, a tax number, an id, an IBAN."""
    assert not holds_card_number(text)


def test_no_page_asks_for_one():
    """Templates and scripts of core, of the bundled plugins and themes (SAQ A)."""
    assert len(PAGES) > 80
    assert ASKS.search('<input name="card_number">')
    assert ASKS.search('<input autocomplete="cc-csc">')
    assert [path for path in PAGES if ASKS.search(path.read_text())] == []


def test_one_that_is_sent_is_refused_and_kept_nowhere(make_site, caplog):
    """Whatever the field is called; neither the page nor the log nor the database repeats it."""
    site = make_site("tipjar", "playmoney", settings={"checkout.allow_loss": True})
    client = browser_of(site)
    caplog.set_level("DEBUG")
    sent = {"resource": "post:a", "offer": "x", "answer:name": CARD}
    answers = [
        client.post("/checkout/offer", data=sent),
        client.post("/checkout/ord_1/pay", data={"provider": "playmoney", "number": CARD}),
        client.post("/checkout/ord_1/contact", data={"email": CARD}),
        client.post("/x/tipjar/", data={"minor": "100", "note": CARD}),
    ]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert all("number of a card" in answer.text for answer in answers)
    assert not any("4242" in answer.text for answer in answers)
    assert "4242" not in caplog.text
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 0

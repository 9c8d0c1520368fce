"""Pay what you want: from what leaves the owner enough on, by balance, top-up or directly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ledger import balance
from core.money import Money
from core.payments import Quote
from core.people import Reader
from core.plugins import ResourceCard, catalogue
from core.settings import reload, save
from core.storage import execute
from core.testing import sqlite_url
from core.testing.trying import PlayMoney
from core.verify import verify
from plugins.prices import chosen

BANK = PlayMoney()
POST = "post:one"
ASKED = {"resource": POST, "back": "/library/#opened"}


@pytest.fixture
def database_url(template, tmp_path):
    return sqlite_url(template, tmp_path)


@pytest.fixture
def app(make_site):
    yield make_site("paywall", "prices", "wallet", "playmoney")
    assert verify() == []


@pytest.fixture(autouse=True)
def texts(cards):
    for slug, more in (("one", {chosen.FIELD: "yes"}), ("two", {})):
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title="A text", url=f"/{slug}", language="en",
            fields={"price": "0.20 EUR", **more},
        ))  # fmt: skip


def choose(client, own, **more):
    return client.post("/x/prices/chosen", data={**ASKED, "own": own, **more})


def earned():
    return -balance("income:posts", "EUR", "test").minor


def test_too_little_is_told_and_what_was_typed_is_kept(client):
    """The page says from which amount on, and nothing is stored."""
    page = client.get(f"/go/{POST}").text
    assert "Or pay what you want, from €0.11 on" in page
    assert "what you want" not in client.get("/go/post:two").text
    for own in ("0.10", "50.01", "much", ""):
        answer = choose(client, own)
        assert answer.status_code == 422
        assert f'value="{own}"' in answer.text
    assert "from €0.11 to €50.00" in choose(client, "0.10").text

    assert client.post(
        "/x/prices/chosen", data={**ASKED, "resource": "post:two", "own": "1"}
    ).status_code == 404  # fmt: skip
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 0


def test_an_amount_is_paid_by_top_up_by_balance_and_directly(client, cards):
    """Small ones ask for a top-up first, a balance is offered, large ones go direct."""
    asked = choose(client, "0.15")
    assert asked.status_code == 422
    assert "€0.15 is a small price" in asked.text
    BANK.pay(client, choose(client, "0.15", top_up="485"))
    assert earned() == 15
    assert client.post("/x/prices/chosen", data={**ASKED, "own": "1"}).status_code == 303

    for slug, own in (("three", "0.40"), ("four", "30")):
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title="A text", url=f"/{slug}", language="en",
            fields={"price": "0.20 EUR", chosen.FIELD: "yes"},
        ))  # fmt: skip
        ordered = choose(client, own, resource=f"post:{slug}")
        if slug == "three":
            client.post(f"{ordered.location}/pay", data={"provider": "wallet"})
        else:
            BANK.pay(client, ordered)
    assert earned() == 15 + 40 + 3000


class Priced:
    """A provider of whom only the price matters."""

    can, mode, name = frozenset(), "test", "priced"

    def __init__(self, fixed, per_mille):
        self.fixed, self.per_mille = fixed, per_mille

    def till(self, holder, currency):
        return "assets:priced"

    def quote(self, amount, *, country):
        fee = self.fixed + -(-amount.minor * self.per_mille // 1000)
        return Quote("Card", Money(fee, amount.currency), "redirect")


@pytest.mark.parametrize("with_balance", [True, False])
def test_the_least_amount_leaves_what_the_owner_wants(app, with_balance):
    """Whatever a provider takes: the least leaves the floor, and a cent less does not."""
    known = dict(catalogue.providers)
    reader = Reader()

    @settings(max_examples=25)
    @given(
        fixed=st.integers(0, 60), per_mille=st.integers(0, 60), floor=st.integers(1, 300),
        more=st.integers(0, 400),
    )  # fmt: skip
    def hold(fixed, per_mille, floor, more):
        catalogue.providers.clear()
        catalogue.providers["priced"] = Priced(fixed, per_mille)
        if with_balance:
            catalogue.providers["wallet"] = known["wallet"]
        save("prices.net_floor", floor, actor="test")
        reload()
        least = chosen.least(reader)
        if least is None:
            assert not left(50_00) >= floor
            return
        assert left(least.minor) >= floor > left(least.minor - 1)
        assert left(least.minor + more) >= floor - 1

    def left(minor):
        ways = chosen.what_remains(Money(minor, "EUR")) if minor > 0 else []
        return max((way.left.minor for way in ways if way.is_offered), default=-1)

    with app.test_request_context():
        hold()
    catalogue.providers.update(known)
    catalogue.providers.pop("priced")

"""Not worth it? Two taps within ten minutes, a few times a month."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import settings
from core.ledger import balance
from core.plugins import ResourceCard
from core.storage import execute
from core.testing import browser_of
from core.testing.trying import PlayMoney
from core.verify import verify

BANK = PlayMoney()
SLUGS = ("one", "two", "dear")
OFFER = {"offer": "paywall", "return_to": "/library/#opened"}


@pytest.fixture
def app(make_site, request):
    wallet = [] if request.node.originalname.startswith("test_without_a_balance") else ["wallet"]
    return make_site("paywall", *wallet, "takeback", "playmoney")


@pytest.fixture(autouse=True)
def texts(cards):
    for slug in SLUGS:
        price = "5.00 EUR" if slug == "dear" else "0.20 EUR"
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title=f"Text {slug}", url=f"/{slug}",
            language="en", fields={"price": price},
        ))  # fmt: skip
    yield
    assert verify() == []


def buy(client, slug, **more):
    return client.post("/checkout/offer", data={"resource": f"post:{slug}", **OFFER, **more})


def newest():
    return execute("SELECT id, holder FROM orders_order ORDER BY id DESC LIMIT 1").fetchone()


def held():
    return -balance(f"liabilities:wallet:{newest()[1]}", "EUR", "test").minor


def test_two_taps_give_a_text_back(client):
    """The page says where the money goes; the button closes the text and credits at once."""
    BANK.pay(client, buy(client, "one", top_up="480"))
    order, _ = newest()
    assert f"/x/takeback/{order}" in client.get(f"/library/{order}").text
    page = client.get(f"/x/takeback/{order}").text
    done, again = (client.post(f"/x/takeback/{order}") for _ in range(2))

    assert "€0.20 go back to your balance at once" in page
    assert (done.status_code, done.location, again.status_code) == (303, "/library/", 409)
    assert held() == 500
    assert "Given back" in client.get("/library/").text
    assert f"/x/takeback/{order}" not in client.get(f"/library/{order}").text


def test_what_came_from_the_balance_goes_back_there(client):
    """An unlock of one tap is undone by two."""
    BANK.pay(client, buy(client, "one", top_up="480"))
    buy(client, "two", provider="wallet")
    order, _ = newest()
    assert held() == 460
    client.post(f"/x/takeback/{order}")

    assert held() == 480
    assert client.get("/library/").text.count("Given back") == 1


def test_without_a_balance_it_goes_back_the_way_it_was_paid(client):
    """The bank returns it; its fee stays spent."""
    BANK.pay(client, buy(client, "dear"))
    order, _ = newest()
    assert "go back the way you paid" in client.get(f"/x/takeback/{order}").text
    client.post(f"/x/takeback/{order}")

    assert balance("income:posts", "EUR", "test").minor == 0
    assert balance("assets:playmoney", "EUR", "test").minor == -33


def test_after_ten_minutes_and_after_five_times_it_is_over(client, clock):
    """The bounds count for the person, and say that the law's right stands beside them."""
    settings.save("takeback.most_a_month", 1, actor="test")
    settings.reload()
    BANK.pay(client, buy(client, "one", top_up="480"))
    first, _ = newest()
    clock.shift(timedelta(minutes=11))
    late = client.post(f"/x/takeback/{first}")
    buy(client, "two", provider="wallet")
    second, _ = newest()
    taken = client.post(f"/x/takeback/{second}")
    buy(client, "two", provider="wallet")
    third, _ = newest()
    too_often = client.post(f"/x/takeback/{third}")
    clock.shift(timedelta(days=31))
    buy(client, "dear", provider="wallet")

    assert (late.status_code, taken.status_code, too_often.status_code) == (409, 303, 409)
    assert "legal rights" in client.get(f"/x/takeback/{third}").text
    assert held() == 460


def test_a_stranger_takes_nothing_back(client, app):
    """An order is its holder's only."""
    BANK.pay(client, buy(client, "one", top_up="480"))
    order, _ = newest()
    stranger = browser_of(app)

    assert stranger.get(f"/x/takeback/{order}").status_code == 404
    assert stranger.post(f"/x/takeback/{order}").status_code == 404
    assert held() == 480

"""Whose views are counted, and what is kept of them."""

from __future__ import annotations

import pytest

from core import views
from core.storage import execute
from tests.conftest import ROOT, browser_of
from tests.people import signed_in
from tests.plugins.posts.texts import add_shop, bring, write

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
OFFER = {"resource": "post:closed", "offer": "paywall", "return_to": "/closed"}


@pytest.fixture
def client(make_site, tmp_path):
    """A browser on a site with an open post and a closed one."""
    app = make_site("posts", "playmoney", settings={"checkout.allow_loss": True})
    add_shop()
    write(tmp_path / "texts", "free")
    write(tmp_path / "texts", "closed", "For all.\n\n<!-- more -->\n\nClosed.\n", price="0.20 EUR")
    bring(app, tmp_path / "texts")
    views._memory.counts.clear()
    client = browser_of(app)
    client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    return client


def counted():
    views.flush()
    return views.sums(0, 10**6)


def test_each_step_to_a_sale_is_counted(client):
    """The teaser, the panel in view, the tap; an open text is a reading."""
    client.get("/free")
    client.get("/closed")
    assert client.post("/seen/panel", data={"resource": "post:closed"}).status_code == 204
    client.post("/checkout/offer", data=OFFER)
    client.post("/checkout/offer", data={**OFFER, "offer": "made-up"})

    assert counted() == {
        "post:free": {"read": 1}, "post:closed": {"teaser": 1, "panel": 1, "tap": 1},
    }  # fmt: skip
    assert 'data-seen="post:closed"' in client.get("/closed").text


@pytest.mark.parametrize(
    "sent",
    [
        {"Sec-GPC": "1"}, {"DNT": "1"}, {"Sec-Purpose": "prefetch"}, {"User-Agent": GOOGLE},
        {"User-Agent": ""}, {"User-Agent": "curl/8.5"},
    ],
    ids=str,
)  # fmt: skip
def test_whoever_asks_not_to_be_counted_is_not(client, sent):
    """Nor are programs, nor pages that a browser fetched in case they are wanted."""
    client.get("/closed", headers=sent)
    client.head("/closed")
    client.post("/seen/panel", data={"resource": "post:closed"}, headers=sent)

    assert counted() == {}


def test_staff_and_machines_are_no_readers(client):
    """Who writes a text looks at it often; JSON is for programs."""
    client.get("/closed", headers={"Accept": "application/json"})
    signed_in(client, "author")
    client.get("/closed")

    assert counted() == {}


def test_nobody_makes_up_resources(client):
    """What no plugin describes is not counted, however it is called."""
    for resource in ("post:made-up", "x" * 100_000, ""):
        client.post("/seen/panel", data={"resource": resource})
    another_site = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    refused = client.post("/seen/panel", data={"resource": "post:closed"}, headers=another_site)

    assert refused.status_code == 403
    assert counted() == {}


def test_counting_sets_no_cookie_and_keeps_no_address(client):
    """A page that anybody may see leaves nothing in the browser."""
    answers = [client.get("/closed"), client.post("/seen/panel", data={"resource": "post:closed"})]
    counted()

    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert execute("SELECT COUNT(*) FROM views_day").fetchone()[0] == 2
    assert "cookie" not in (ROOT / "core" / "static" / "seen.js").read_text().lower()

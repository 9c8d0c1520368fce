"""Buttons on other sites: an offer, a picture, a way back that nobody can misuse."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from core.plugins import ResourceCard
from core.web.returning import signed
from tests.conftest import browser_of
from tests.core.web.api.machines import sold, stand_in
from tests.core.web.api.test_site import gate
from tests.people import signed_in
from tests.stand_in import plugged

PAGE = "https://blog.example/a-page?x=1"
CARD = ResourceCard("post:x", "post", "The ferry & <b>more</b>", "/the-ferry", "en", "A summary.")


@pytest.fixture
def shop(make_site):
    """A site with one closed post, to which blog.example may lead."""
    app = make_site(settings={"embed.hosts": "blog.example\nother.example:8443"})
    hooks = {
        "describe": lambda resource: CARD if resource == "post:x" else None,
        "guard": gate,
        "list_resources": lambda query: [CARD],
    }
    with plugged(**hooks):
        yield app


@pytest.fixture
def client(shop):
    return browser_of(shop)


def query(app, page=PAGE):
    with app.test_request_context():
        return signed(page)


def test_a_button_leads_to_the_offer_and_back(shop, client):
    """The page shows what it is and costs; the order returns to it, and from there to the blog."""
    address = f"/go/post:x{query(shop)}"
    page = client.get(address)

    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in page.headers
    assert "The ferry &amp; &lt;b&gt;more&lt;/b&gt;" in page.text
    assert "Pay €0.20" in page.text
    assert "Back to blog.example" in page.text
    assert f'name="return_to" value="{address.replace("&", "&amp;")}#opened"' in page.text
    back = client.get(f"/go/back{query(shop)}")
    assert (back.status_code, back.location) == (303, PAGE)


def test_who_has_it_reads_it(shop, client):
    """No second time is paid; the way back stands there too."""
    person = signed_in(client)
    with shop.app_context():
        sold(stand_in(), person.user.id)
    page = client.get(f"/go/post:x{query(shop)}").text

    assert 'href="/the-ferry"' in page
    assert "Pay €" not in page
    assert "Back to blog.example" in page


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/", "http://blog.example/", "//blog.example/", "javascript:alert(1)",
        "https://blog.example@evil.example/", "https://evil.example/blog.example",
        "https://blog.example.evil.example/",
        "https://blog.example:444/", "https://blog.example\\@evil.example/", "https://blog.example/\n",
        "https://blog.example/" + "x" * 300, "https:blog.example", "/", "",
    ],
)  # fmt: skip
def test_nothing_else_is_signed(shop, page):
    """Another host, scheme or port; what browsers read otherwise than we do."""
    assert query(shop, page) == ""


def test_what_is_not_signed_leads_nowhere(shop, client):
    """A page of an allowed host that a stranger wrote, a signature of another page, or none."""
    proof = query(shop).rpartition("proof=")[2]
    for tail in ("", f"?back={PAGE}", f"?back={PAGE}2&proof={proof}", f"?back={PAGE}&proof=é",
                 f"?back=https://evil.example/&proof={proof}"):  # fmt: skip
        assert client.get(f"/go/back{tail}").status_code == 404
        page = client.get(f"/go/post:x{tail}")
        assert page.status_code == 200
        assert "Back to" not in page.text


def test_a_host_that_is_no_longer_allowed_is_led_back_to_no_more(shop, client):
    """The owner's word counts at every click, not when the button was made."""
    from core import settings

    address = f"/go/back{query(shop)}"
    settings.save("embed.hosts", "", actor="test")

    assert client.get(address).status_code == 404


def test_the_picture_is_for_everybody(shop, client):
    """Title and price in a language, escaped, kept by browsers, shown by other sites' pages."""
    person = signed_in(client)
    with shop.app_context():
        sold(stand_in(), person.user.id)
    own = client.get("/embed/post:x.svg?lang=it")
    other = shop.test_client().get("/embed/post:x.svg?lang=it")
    drawn = ET.fromstring(other.text)
    words = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]

    assert own.text == other.text, "who has bought it sees the same"
    assert words == ["The ferry & <b>more</b>", "Leggi per 0,20\xa0€"]
    assert other.headers["Cache-Control"] == "public, max-age=300"
    assert other.headers.getlist("Cross-Origin-Resource-Policy") == ["cross-origin"]
    assert other.headers.getlist("Content-Security-Policy") == ["default-src 'none'; sandbox"]
    assert "Set-Cookie" not in other.headers
    again = client.get("/embed/post:x.svg?lang=it", headers={"If-None-Match": own.headers["ETag"]})
    assert again.status_code == 304
    assert "Read it for €0.20" in client.get("/embed/post:x.svg?lang=xx").text
    assert client.get("/embed/post:y.svg").status_code == 404


def test_other_pages_stay_out_of_frames_and_of_other_sites(shop, client):
    """Only the picture may be embedded."""
    page = client.get("/go/post:x")

    assert page.headers.getlist("Cross-Origin-Resource-Policy") == ["same-origin"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_a_long_title_is_cut(shop, client):
    """A picture has a greatest width."""
    card = ResourceCard("post:l", "post", "Word " * 40, "/l", "it")
    with plugged(describe=lambda resource: card):
        drawn = ET.fromstring(client.get("/embed/post:l.svg").text)

    assert float(drawn.get("width")) <= 460
    assert "…" in "".join(drawn.itertext())

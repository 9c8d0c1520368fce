"""The paid part leaves the server in no representation before it is open."""

from __future__ import annotations

import json

import pytest

from plugins.posts import records
from tests.conftest import browser_of
from tests.plugins.posts.texts import SVG, add_shop, bring, buy, media_names, write

CANARY = "zanzibarflug"
BODY = f"""A first paragraph for everybody.

![For all](free.svg)

<!-- more -->

Here {CANARY} begins, and {CANARY} again.[^1]

## {CANARY} heading

![{CANARY}](paid.svg "{CANARY} caption")

{{{{ echo word={CANARY} }}}}

[A table](table.csv)

[^1]: A note on {CANARY}.
"""
ROUTES = (
    "/", "/?page=1", "/hello", "/tag/essays", "/author/Ada", "/feed.xml", "/feed.json",
    "/sitemap.xml", "/robots.txt", f"/search?q={CANARY}", f"/search?q=everybody+{CANARY}",
    "/search?q=everybody", "/search?q=hello", "/library/", "/other",
)  # fmt: skip
WAYS = (
    {}, {"Accept": "text/html"}, {"Accept": "application/json"}, {"Accept": "text/plain"},
    {"Accept": "application/problem+json"}, {"Range": "bytes=0-20000"}, {"Accept-Language": "it"},
    {"If-None-Match": '"x"'}, {"X-Requested-With": "XMLHttpRequest"},
)  # fmt: skip


@pytest.fixture
def site(make_site, tmp_path):
    app = make_site("posts", "playmoney", settings={"checkout.allow_loss": True})
    add_shop()
    folder = tmp_path / "texts"
    write(
        folder, "hello", BODY, price="0.20 EUR", tags="essays, paper", authors="Ada",
        cover="cover.svg", summary="A summary",
    )  # fmt: skip
    write(folder, "other", "A free text for everybody.", tags="essays", authors="Ada")
    for name in ("free", "paid", "cover"):
        (folder / f"{name}.svg").write_text(SVG.format(fill=f"{name}"))
    (folder / "table.csv").write_text(f"{CANARY},1\n")
    bring(app, folder)
    return app


def paid_names():
    """Return the names of the files behind the gate."""
    return [one.name for one in records.find("hello").media if not one.public]


def everything(client, routes=ROUTES):
    """Yield what each route answers to each kind of request, headers too."""
    for route in routes:
        for headers in WAYS:
            for method in ("GET", "HEAD"):
                answer = client.open(route, method=method, headers=headers, buffered=True)
                yield route, headers, str(answer.headers) + answer.get_data(as_text=True)


def without_question(text):
    """Take out what only repeats the reader's own words: the field, and the way back."""
    for before in ('value="', 'value="everybody ', "q=", "q=everybody+"):
        text = text.replace(f"{before}{CANARY}", before)
    return text


def test_no_route_tells_a_stranger_what_is_closed(site):
    """Whatever is asked, and however: the word behind the gate is in no answer."""
    client = browser_of(site)
    names = paid_names()
    assert len(names) == 2
    for route, headers, text in everything(client):
        own = without_question(text)
        assert CANARY not in own, (route, headers)
        assert not [name for name in names if name in own], (route, headers)
        assert "Set-Cookie" not in own


def test_media_behind_the_gate_are_not_sent(site):
    """A picture of the paid part is refused, whole or in ranges; teaser and cover are not."""
    client = browser_of(site)
    for name in paid_names():
        for headers in WAYS:
            for method in ("GET", "HEAD"):
                answer = client.open(
                    f"/hello/media/{name}", method=method, headers=headers, buffered=True
                )
                assert answer.status_code == 403
                assert CANARY not in answer.get_data(as_text=True).replace(name, "")
    shown = media_names(client.get("/hello").get_data(as_text=True), "hello")
    assert len(set(shown)) == 2
    assert all(
        client.get(f"/hello/media/{name}", buffered=True).status_code == 200 for name in shown
    )


def test_search_is_no_oracle(site):
    """A word that stands only behind the gate answers as one that stands nowhere."""
    client = browser_of(site)
    closed = client.get(f"/search?q={CANARY}").get_data(as_text=True)
    nowhere = client.get("/search?q=zanzibarflux").get_data(as_text=True)

    assert closed.replace(CANARY, "zanzibarflux") == nowhere


def test_a_machine_gets_402_with_the_offers(site):
    """A closed post is 402 problem+json for machines, and 200 with the teaser for people."""
    client = browser_of(site)
    machine = client.get("/hello", headers={"Accept": "application/json"})

    assert machine.status_code == 402
    assert machine.content_type == "application/problem+json"
    assert machine.json["offers"][0]["minor"] == 20
    page = client.get("/hello")
    assert page.status_code == 200
    assert "A first paragraph" in page.text
    assert 'id="open"' in page.text
    assert {"Cookie", "Accept"} <= set(page.vary)


def test_the_markup_for_search_engines_says_that_it_is_closed(site):
    """JSON-LD names the part that is paid for, and holds the teaser only."""
    page = browser_of(site).get("/hello").text
    data = json.loads(page.partition('ld+json">')[2].partition("</script>")[0])

    assert data["isAccessibleForFree"] is False
    assert data["hasPart"]["cssSelector"] == ".paywall"
    assert 'class="paywall"' in page


def test_who_paid_reads_all_of_it(site):
    """After paying the text, its media, its JSON and its hits are there, and nobody keeps them."""
    client = browser_of(site)
    done = buy(client, "post:hello", "/hello#opened")
    assert done.location == "/hello#opened"
    page = client.get("/hello")

    assert CANARY in page.text
    assert 'id="opened"' in page.text
    assert 'id="open"' not in page.text
    assert 'class="bar"' not in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    for name in paid_names():
        answer = client.get(f"/hello/media/{name}", buffered=True)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
    name, ranged = paid_names()[0], {"Range": "bytes=0-3"}
    part = client.get(f"/hello/media/{name}", headers=ranged, buffered=True)
    assert (part.status_code, part.data) == (206, b"<svg")
    assert CANARY in client.get("/hello", headers={"Accept": "application/json"}).json["html"]
    assert f"<mark>{CANARY}</mark>" in client.get(f"/search?q={CANARY}").text


def test_what_one_reader_opened_stays_closed_for_others(site):
    """Feeds and heads stay as they were for everybody, and a stranger still sees no word of it."""
    buyer = browser_of(site)
    buy(buyer, "post:hello", "/hello")
    for path in ("/feed.xml", "/feed.json", "/", "/tag/essays", "/author/Ada"):
        assert CANARY not in buyer.get(path).text
    assert CANARY not in buyer.get("/hello").text.partition("</head>")[0]
    for route, headers, text in everything(browser_of(site)):
        assert CANARY not in without_question(text), (route, headers)

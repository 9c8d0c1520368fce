"""The pages that readers and machines get, beside what is closed."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from core import Query
from plugins.posts import describe, list_resources, records
from plugins.posts.views import price_label
from tests.conftest import browser_of
from tests.plugins.posts.texts import SVG, add_shop, bring, count, media_names, write

time_machine = pytest.importorskip("time_machine")


@pytest.fixture
def site(make_site):
    app = make_site("posts")
    add_shop()
    return app


@pytest.fixture
def client(site):
    return browser_of(site)


def test_drafts_are_not_there(site, client, tmp_path):
    """No page, list, feed, search or card knows of a draft."""
    write(tmp_path, "secret", "Zanzibar.", published=None)
    write(tmp_path, "hidden", "Zanzibar.", state="draft")
    bring(site, tmp_path)

    assert count("posts_post") == 2
    for path in ("/secret", "/hidden"):
        assert client.get(path).status_code == 404
    for path in ("/", "/feed.xml", "/feed.json", "/sitemap.xml", "/search?q=zanzibar"):
        text = client.get(path).text
        assert "/secret" not in text
        assert "/hidden" not in text
    assert describe("post:secret") is None
    assert list(list_resources(Query(words="zanzibar"))) == []


def test_a_scheduled_post_appears_at_its_time(site, client, tmp_path):
    """A post whose time is to come is not there; nothing has to run for it to appear."""
    write(tmp_path, "later", "Zanzibar.", published="2030-05-01T10:00+02:00", tags="t")
    bring(site, tmp_path)
    paths = ("/", "/feed.xml", "/feed.json", "/sitemap.xml", "/search?q=zanzibar")
    with time_machine.travel("2030-05-01T07:59:59+00:00", tick=False):
        assert client.get("/later").status_code == 404
        assert client.get("/tag/t").status_code == 404
        assert not [path for path in paths if "/later" in client.get(path).text]
    with time_machine.travel("2030-05-01T08:00:00+00:00", tick=False):
        assert client.get("/later").status_code == 200
        assert client.get("/tag/t").status_code == 200
        assert [path for path in paths if "/later" in client.get(path).text] == list(paths)


def test_a_free_post_is_shown_whole(site, client, tmp_path):
    """Teaser and rest, without panel or bar, and free for search engines too."""
    write(tmp_path, "free", "One.\n\n<!-- more -->\n\nTwo.", authors="Ada", tags="x")
    bring(site, tmp_path)
    page = client.get("/free")

    assert "<p>One.</p>" in page.text
    assert "<p>Two.</p>" in page.text
    assert 'id="open"' not in page.text
    assert "paywall" not in page.text
    assert '"isAccessibleForFree": true' in page.text
    assert client.get("/free", headers={"Accept": "application/json"}).json["authors"] == ["Ada"]


def test_words_of_an_author_cannot_leave_their_place(site, client, tmp_path):
    """Titles and summaries are text, in the page, its head and its JSON-LD."""
    attack = "</script><script>alert(1)</script>\"'>"
    write(
        tmp_path,
        "quoted",
        title=attack,
        summary=attack,
        authors=attack.replace("/", ""),
        tags="<b>",
    )
    bring(site, tmp_path)
    for path in ("/quoted", "/", "/search?q=alert"):
        assert "<script>alert(1)" not in client.get(path).text, path
    page = client.get("/quoted").text
    data = json.loads(page.partition('ld+json">')[2].partition("</script>")[0])
    assert data["headline"] == attack
    ET.fromstring(client.get("/feed.xml").data)


def test_lists_by_tag_and_author_know_no_case(site, client, tmp_path):
    """A tag's page has its posts, newest first, and no pages; an unknown one is not there."""
    write(tmp_path, "old", tags="Città", authors="Ada Rossi", published="2025-01-01")
    write(tmp_path, "new", tags="città", authors="Ada Rossi")
    write(tmp_path, "about", kind="page", tags="città")
    bring(site, tmp_path)
    page = client.get("/tag/CITTÀ").text

    assert page.index("/new") < page.index("/old")
    assert "/about" not in page
    assert "/old" in client.get("/author/ada rossi").text
    assert client.get("/tag/nothing").status_code == 404


def test_lists_have_pages(make_site, tmp_path):
    """Older posts are on the next page; a page that is none is refused."""
    app = make_site("posts", settings={"posts.page_size": 2})
    add_shop()
    for number in range(5):
        write(tmp_path, f"n{number}", published=f"2025-01-0{number + 1}")
    bring(app, tmp_path)
    client = browser_of(app)

    assert "/n4" in client.get("/").text
    assert "/n2" not in client.get("/").text
    assert "/n0" in client.get("/?page=3").text
    assert 'rel="next"' not in client.get("/?page=3").text
    assert [client.get(f"/?page={one}").status_code for one in ("0", "x", "²")] == [400] * 3


def test_feeds_are_well_formed_and_hold_teasers(site, client, tmp_path):
    """RSS 2.0 and JSON Feed 1.1: teaser, price, absolute addresses; no rest, no directive."""
    text = "One ![x](x.svg)\n\n{{ jar }}\n\n<!-- more -->\n\nTwo."
    (tmp_path / "x.svg").write_text(SVG.format(fill="red"))
    write(tmp_path, "sold", text, price="0.20 EUR", language="it")
    write(tmp_path, "free", text)
    bring(site, tmp_path)
    rss = ET.fromstring(client.get("/feed.xml").data)
    items = {item.findtext("link"): item.findtext("description") for item in rss.iter("item")}
    feed = {one["url"]: one for one in client.get("/feed.json").json["items"]}

    assert set(items) == set(feed) == {"http://localhost/sold", "http://localhost/free"}
    assert "0,20" in items["http://localhost/sold"]
    assert feed["http://localhost/sold"]["_obolo"] == {"price": "0.20 EUR"}
    assert "_obolo" not in feed["http://localhost/free"]
    for html in (*items.values(), *(one["content_html"] for one in feed.values())):
        assert "Two" not in html
        assert "\x1e" not in html
        assert 'src="http://localhost/' in html
    etag = client.get("/feed.xml").headers["ETag"]
    assert client.get("/feed.xml", headers={"If-None-Match": etag}).status_code == 304


def test_sitemap_and_robots(site, client, tmp_path):
    """The sitemap has posts and pages; robots.txt names it."""
    write(tmp_path, "a")
    write(tmp_path, "b", kind="page")
    bring(site, tmp_path)
    places = [one.text for one in ET.fromstring(client.get("/sitemap.xml").data).iter()]

    assert {"http://localhost/a", "http://localhost/b", "http://localhost/"} <= set(places)
    assert "Sitemap: http://localhost/sitemap.xml" in client.get("/robots.txt").text


def test_translations_know_each_other(site, client, tmp_path):
    """Each names the other; one that is still a draft is not named."""
    write(tmp_path, "about", language="en")
    write(tmp_path, "chi-siamo", language="it", translation_of="about")
    write(tmp_path, "apropos", language="fr", translation_of="about", published=None)
    bring(site, tmp_path)

    assert 'hreflang="it" href="http://localhost/chi-siamo"' in client.get("/about").text
    assert 'hreflang="en" href="http://localhost/about"' in client.get("/chi-siamo").text
    assert "apropos" not in client.get("/about").text


def test_a_picture_in_svg_can_run_nothing(site, client, tmp_path):
    """It is sent with a policy of its own, as what it is."""
    (tmp_path / "x.svg").write_text(SVG.format(fill="red"))
    write(tmp_path, "a", "Words.", cover="x.svg")
    bring(site, tmp_path)
    name = media_names(client.get("/a").text, "a")[0]
    answer = client.get(f"/a/media/{name}", buffered=True)

    policy = ", ".join(answer.headers.get_all("Content-Security-Policy"))
    assert "sandbox" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content_type.startswith("image/svg+xml")
    assert "immutable" in answer.headers["Cache-Control"]
    for other in ("nothing.svg", "..%2f..%2fobolo.db", name + ".part"):
        assert client.get(f"/a/media/{other}").status_code == 404


def test_a_file_that_is_no_picture_is_to_be_kept(site, client, tmp_path):
    """No browser shows it as a page of this site."""
    (tmp_path / "x.html").write_text("<script>alert(1)</script>")
    write(tmp_path, "a", "[x](x.html)")
    bring(site, tmp_path)
    name = media_names(client.get("/a").text, "a")[0]
    answer = client.get(f"/a/media/{name}", buffered=True)

    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_post_read_a_moment_ago_is_not_asked_for(site, client, tmp_path, monkeypatch):
    """The hot way asks the database for the price alone, and draws nothing again."""
    write(tmp_path, "a")
    bring(site, tmp_path)
    client.get("/a")
    asked = []
    execute = records.execute
    monkeypatch.setattr(records, "execute", lambda *args: asked.append(args) or execute(*args))

    assert client.get("/a").status_code == 200
    assert [args[0] for args in asked] == [records.CARD]  # the price, not the text


def test_cards_answer_queries(site, tmp_path):
    """Words, kind, tag and language each narrow what is listed."""
    write(tmp_path, "a", tags="X", language="it", price="0.20 EUR")
    write(tmp_path, "b", kind="page")
    bring(site, tmp_path)

    def urls(**query):
        return [card.url for card in list_resources(Query(**query))]

    assert set(urls()) == {"/a", "/b"}
    assert urls(kind="page") == ["/b"]
    assert urls(tag="x") == urls(language="it") == urls(words="a", tag="x") == ["/a"]
    assert urls(words="words", kind="page") == ["/b"]
    assert len(urls(limit=1)) == 1
    assert describe("post:a").fields == {"price": "0.20 EUR"}
    assert describe("file:a") is None


@pytest.mark.parametrize(
    ("text", "label"),
    [("0.20 EUR", "€0.20"), ("", ""), ("0 EUR", ""), ("free", ""), ("x EUR", ""), ("1 euro", "")],
)
def test_a_price_in_a_list(text, label):
    """What is no price gives nothing."""
    assert price_label(text, "en") == label


def test_pages_speak_italian(site, tmp_path):
    """All words of the templates have a translation."""
    write(tmp_path, "a", "One.\n\nTwo.", price="0.20 EUR")
    bring(site, tmp_path)
    client = browser_of(site)
    page = client.get("/a", headers={"Accept-Language": "it"}).text

    assert "Un altro minuto" in page
    assert "gennaio 2026" in page
    assert ">Cerca<" in page

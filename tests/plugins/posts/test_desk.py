"""The editor over HTTP: what is saved, what is refused, what two people do to each other."""

from __future__ import annotations

import re

import pytest

from core import Reader, execute, now
from core.audit import events
from plugins.posts import editing, erase_reader, export_reader, publishing, records
from tests.conftest import browser_of
from tests.plugins.posts.texts import SVG, add_shop, bring, buy, count
from tests.plugins.posts.texts import write as write_file
from tests.plugins.posts.writers import NEW, base_of, change, form, told, write, writer

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
time_machine = pytest.importorskip("time_machine")


@pytest.fixture
def site(make_site):
    app = make_site("posts", "tipjar", "playmoney", settings={"checkout.allow_loss": True})
    add_shop()
    return app


@pytest.fixture
def editor(site):
    return writer(site)


PRICED = {"field-price": "0.20", "field-price-on": "yes"}


def test_a_text_is_written_priced_and_published(site, editor):
    """The site shows the teaser to a guest; Windows line ends and the switch leave no trace."""
    post_id = write(editor, tags="One, two", summary="In short.", **PRICED)
    page = browser_of(site).get("/hello").text

    assert "For all." in page
    assert "For buyers." not in page
    assert 'id="open"' in page
    assert records.find_card("post:hello").fields == {"price": "0.20 EUR"}
    assert "\r" not in editing.find(post_id).source
    assert [one.action for one in events(subject=post_id)] == ["posts.publish"]


@on_sqlite
def test_saving_again_keeps_each_revision_and_nothing_twice(site, editor):
    """A change is a revision; saving what is there already makes none."""
    post_id = write(editor)
    assert change(editor, post_id, title="Other").status_code == 303
    before = count("posts_revision")
    stored = editing.typed_from(editing.find(post_id), "en")
    assert editor.post(f"/admin/posts/{post_id}", **stored).status_code == 303

    assert before == count("posts_revision") == 2
    assert "Other" in browser_of(site).get("/hello").text


@on_sqlite
def test_an_imported_text_keeps_its_shape(site, editor, tmp_path):
    """Saving it as it is changes no byte; a change leaves the other lines as they were."""
    write_file(tmp_path, "old", "\nOne.\n\nTwo.", slug="other", tags="b, a", price="0.20 EUR")
    bring(site, tmp_path)
    post_id = execute("SELECT id FROM posts_post").fetchone()[0]
    written = editing.find(post_id)
    stored = editing.typed_from(written, "en")
    assert editor.post(f"/admin/posts/{post_id}", **stored).status_code == 303
    assert count("posts_revision") == 1
    changed = {**stored, "title": "New", "slug": "old", "field-price-on": ""}
    assert editor.post(f"/admin/posts/{post_id}", **changed).status_code == 303

    expected = written.source.replace("title: Old", "title: New").replace("price: 0.20 EUR\n", "")
    assert editing.find(post_id).source == expected.replace("slug: other", "slug: old")


WRONG = [
    ({"title": ""}, "Title: is missing"),
    ({"slug": "Not A Slug"}, "Address: must be small letters"),
    ({"slug": "library"}, "Address: the address /library is taken by the site itself"),
    ({"language": "italiano!"}, "Language: is no code such as en"),
    ({"tags": "a/b"}, "Tags: cannot hold a slash"),
    ({"translation_of": "nothing"}, "Translation of: names “nothing”, which is not there"),
    ({"cover": "none.svg"}, "Cover: there is no file “none.svg” in the media list"),
    ({"state": "scheduled"}, "Day: must lie in the future"),
    ({"state": "scheduled", "date": "2020-01-01"}, "Day: must lie in the future"),
    ({"date": "soon"}, "Day: is no date"),
    ({"date": "2099-01-01"}, "Day: lies in the future, so schedule the text instead"),
    ({"state": "maybe"}, "State: must be one of draft, published, scheduled"),
    ({"field-price-on": "yes"}, "Price: is missing"),
    ({"field-price": "0.20"}, "Price: is filled in, but not switched on"),
    ({"field-price-on": "yes", "field-price": "a lot"}, "Price: “a” is not an amount"),
    ({"body": "a\r\n\r\nx <!-- more --> y"}, "Text, line 3: &lt;!-- more --&gt; must stand"),
    ({"body": "a\n\n![x](gone.png)"}, "Text, line 3: there is no file “gone.png”"),
    ({"body": "a\nb\x1e"}, "Text, line 2: holds a control character"),
]


@on_sqlite
def test_what_is_wrong_is_said_and_nothing_is_lost(site, editor):
    """422 with every mistake, by line in the text; what was typed stands there again."""
    for wrong, said in WRONG:
        answer = editor.post(NEW, **form(summary="My own words", **wrong))

        assert answer.status_code == 422, wrong
        assert said in told(answer)
        assert "My own words" in answer.text
    assert count("posts_post") == 0


@on_sqlite
def test_a_large_text_in_any_script_comes_back_as_it_was(site, editor):
    """200 KB of Greek, Japanese and emoji, with quotation marks in the title."""
    body = "Ἐν ἀρχῇ 日本語 🎈 “x” & <b>y</b>\n\n" * 3_000
    post_id = write(editor, title='"Quoted"', body=body)
    stored = editing.typed_from(editing.find(post_id), "en")

    assert stored["title"] == '"Quoted"'
    assert stored["body"] == body


def test_the_second_of_two_editors_sees_both_texts(site, editor):
    """409 with the stored text and what differs; the first is kept, and saving again decides."""
    post_id = write(editor)
    old = base_of(post_id)
    change(editor, post_id, body="Hers.")
    answer = editor.post(f"/admin/posts/{post_id}", **form(base=old, body="Mine."))

    assert answer.status_code == 409
    assert all(words in answer.text for words in ("Hers.", "Mine.", base_of(post_id)))
    assert "Hers." in editing.find(post_id).source
    assert change(editor, post_id, body="Mine.").status_code == 303
    assert "Mine." in editing.find(post_id).source


def test_of_two_who_save_at_once_one_is_told(site, editor):
    """Who read the text before the other one stored theirs stores nothing, not by halves either."""
    post_id = write(editor)
    known = editing.find(post_id)
    change(editor, post_id, body="Hers.")
    reader = Reader("usr_x", user="usr_x", permissions=frozenset({"posts.publish"}))
    typed = {**editing.typed_from(known, "en"), "body": "Mine.", "tags": "mine"}
    with site.app_context(), pytest.raises(publishing.Changed):
        publishing.save(typed, known, reader)

    assert "Hers." in editing.find(post_id).source
    assert count("posts_revision") == 2
    assert count("posts_tag") == 0


@on_sqlite
def test_what_somebody_typed_is_theirs_to_take_and_to_have_forgotten(site, editor):
    """Export and erasure know what was not saved; what was published stays, without its writer."""
    post_id = write(editor)
    editor.post(f"{NEW}/keep", **form(title="Half"))
    (row,) = export_reader(editor.user.id)["unsaved"]
    assert row["title"] == "Half"
    erase_reader(editor.user.id)

    assert count("posts_unsaved") == 0
    assert editing.find(post_id).user == ""
    assert export_reader(editor.user.id) is None


@on_sqlite
def test_two_new_texts_cannot_take_one_address(site, editor):
    """The second is told, and keeps its words."""
    write(editor)
    answer = editor.post(NEW, **form(body="Second."))

    assert answer.status_code == 422
    assert "another text has the address /hello already" in told(answer)
    assert "Second." in answer.text


def test_what_is_typed_is_kept_and_comes_back(site, editor):
    """Kept by the script, shown to its writer only, never published; saving or throwing ends it."""
    kept = editor.post(f"{NEW}/keep", **form(title="Half a thought", body="Half"))
    assert kept.json["kept"][:10] == str(now().date())
    assert "Half a thought" in editor.client.get(NEW).text
    other = writer(site, "author")
    assert "Half a thought" not in other.client.get(NEW).text
    assert count("posts_post") == 0
    assert editor.post(f"{NEW}/discard").status_code == 303
    assert "Half a thought" not in editor.client.get(NEW).text

    editor.post(f"{NEW}/keep", **form(title="Again"))
    write(editor)
    assert count("posts_unsaved") == 0


@on_sqlite
def test_authors_write_and_editors_publish(site, editor):
    """An author saves drafts and asks; what is on the site only an editor changes."""
    author = writer(site, "author")
    assert "can be set by an editor only" in told(author.post(NEW, **form()))
    answer = author.post(NEW, **form(state="draft", act="ask"))
    post_id = answer.location.partition("/posts/")[2].partition("?")[0]
    assert browser_of(site).get("/hello").status_code == 404
    assert "1 draft waits for an editor" in editor.client.get("/admin/posts/").text
    assert "Hello" in editor.client.get("/admin/posts/?state=waiting").text
    assert change(editor, post_id).status_code == 303
    assert browser_of(site).get("/hello").status_code == 200

    assert change(author, post_id, body="Mine now", state="draft").status_code == 403
    assert author.post(f"/admin/posts/{post_id}/withdraw", reason="no reason").status_code == 403


@on_sqlite
def test_a_scheduled_text_appears_at_its_time(site, editor):
    """Day and time are UTC, and nothing has to run."""
    with time_machine.travel("2030-05-01T07:00:00+00:00", tick=False):
        editor = writer(site, "owner")
        post_id = write(editor, state="scheduled", date="2030-05-01", time="08:00")
        assert editing.find(post_id).standing == "scheduled"
        assert browser_of(site).get("/hello").status_code == 404
    with time_machine.travel("2030-05-01T08:00:00+00:00", tick=False):
        assert browser_of(site).get("/hello").status_code == 200


def test_a_withdrawn_text_stays_with_its_buyers(site, editor):
    """410 for others, with its media; a reason is needed; bringing it back undoes all of it."""
    post_id = write(editor, **PRICED)
    buyer, stranger = browser_of(site), browser_of(site)
    buy(buyer, "post:hello", "/hello")
    assert editor.post(f"/admin/posts/{post_id}/withdraw", reason=" ").status_code == 422
    assert editor.post(f"/admin/posts/{post_id}/withdraw", reason="A wrong name").status_code == 303

    assert "For buyers." in buyer.get("/hello").text
    assert 'href="/hello"' in buyer.get("/library/").text
    assert stranger.get("/hello").status_code == 410
    assert "/hello" not in stranger.get("/feed.xml").text + stranger.get("/search?q=hello").text
    stranger.post("/checkout/offer", data={"resource": "post:hello", "offer": "paywall"})
    assert count("orders_order") == 1, "it is not on sale"
    assert events(subject=post_id)[0].data["reason"] == "A wrong name"
    assert editor.post(f"/admin/posts/{post_id}/back").status_code == 303
    assert stranger.get("/hello").status_code == 200
    assert stranger.get("/search?q=hello").text.count("/hello") >= 1


@on_sqlite
def test_an_address_that_was_sold_stays(site, editor):
    """Readers hold `post:hello`, so that key goes on to name this text; one not sold may move."""
    post_id = write(editor, **PRICED)
    assert change(editor, post_id, slug="hello-2", **PRICED).status_code == 303
    buy(browser_of(site), "post:hello-2", "/hello-2")
    answer = change(editor, post_id, slug="hello-3", **PRICED)

    assert answer.status_code == 422
    assert "readers have bought the text under this address" in told(answer)


def test_only_a_draft_that_nobody_holds_is_deleted(site, editor):
    """With its revisions and what was typed, for a reason; a published one cannot be."""
    draft = write(editor, state="draft")
    published = write(editor, slug="second")
    address = "/admin/posts/{}/delete"
    assert editor.post(address.format(published), reason="not needed").status_code == 409
    assert editor.post(address.format(draft), reason="").status_code == 422
    assert editor.post(address.format(draft), reason="not needed").status_code == 303

    assert execute("SELECT slug FROM posts_post").fetchall() == [("second",)]
    assert count("posts_revision") == 1


@on_sqlite
def test_a_revision_is_shown_line_by_line_and_put_in_place_again(site, editor):
    """Restoring is a new revision of the old words, in the state and under the address of now."""
    post_id = write(editor, state="draft", body="One.\n\nTwo.")
    first = base_of(post_id)
    change(editor, post_id, body="One.\n\nThree.")
    listed = editor.client.get(f"/admin/posts/{post_id}/revisions").text
    assert "editor@example.org" in listed
    shown = editor.client.get(f"/admin/posts/{post_id}/revisions/{base_of(post_id)}").text
    assert '<td class="text">Two.</td>' in shown
    assert '<td class="text">Three.</td>' in shown
    assert editor.post(f"/admin/posts/{post_id}/revisions/{first}").status_code == 303

    assert count("posts_revision") == 3
    assert "Two." in editing.find(post_id).source
    assert editing.find(post_id).standing == "published"
    foreign = write(editor, slug="second")
    assert editor.client.get(f"/admin/posts/{foreign}/revisions/{first}").status_code == 404


@on_sqlite
def test_a_preview_is_the_real_page_for_staff_only(site, editor):
    """As a visitor the teaser and the price, as a buyer all of it; nothing is stored or kept."""
    path = f"{NEW}/preview?as="
    visitor = editor.post(f"{path}visitor", **form(**PRICED, state="scheduled"))
    buyer = editor.post(f"{path}buyer", **form(**PRICED))

    assert "Pay €0.20 and read" in visitor.text
    assert "For buyers." not in visitor.text
    assert "For buyers." in buyer.text
    for answer in (visitor, buyer):
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    assert count("posts_post") == count("posts_unsaved") == 0
    assert "is missing" in editor.post(f"{path}visitor", **form(title="")).text
    assert browser_of(site).get("/hello").status_code == 404
    post_id = write(editor, state="draft")
    stored = f"/admin/posts/{post_id}/preview?as=buyer"
    assert "For buyers." in editor.client.get(stored).text
    assert browser_of(site).get(stored).status_code == 303


@on_sqlite
def test_without_a_script_embeds_and_pictures_go_to_the_end(site, editor, tmp_path):
    """The form comes back with a line more; nothing is stored; a wrong argument is told."""
    write_file(tmp_path, "old", "![x](x.svg)")
    (tmp_path / "x.svg").write_text(SVG.format(fill="red"))
    bring(site, tmp_path)
    name = records.find("old").media[0].name
    with_jar = editor.post(NEW, **form(act="embed:tipjar", **{"embed-tipjar-amount": "200"}))
    with_picture = editor.post(NEW, **form(act="picture", picture=name))
    refused = editor.post(NEW, **form(act="embed:tipjar", **{"embed-tipjar-amount": "lots"}))

    assert "{{ tipjar amount=200 }}" in with_jar.text
    assert f"![]({name})" in with_picture.text
    assert refused.status_code == 422
    assert "a number of cents" in refused.text
    assert editor.post(NEW, **form(act="embed:nothing")).status_code == 400
    assert count("posts_post") == 1


@on_sqlite
def test_what_a_plugin_that_is_off_would_draw_is_noted_and_kept(site, editor):
    """The editor says that readers see nothing there; its fields stay in the text, too."""
    post_id = write(editor, body="One.\n\n{{ jukebox }}\n")
    page = editor.client.get(f"/admin/posts/{post_id}").text
    assert "jukebox (plugin off)" in page
    source = editing.find(post_id).source.replace("---\nOne", "mood: glad\n---\nOne")
    execute("UPDATE posts_revision SET source = ? WHERE id = ?", [source, base_of(post_id)])
    assert change(editor, post_id, body="Two.").status_code == 303

    assert "mood: glad" in editing.find(post_id).source


def test_the_list_filters_sorts_and_counts(site, editor):
    """By state, kind and words; the price and how often it was sold stand beside."""
    write(editor, title="Zebra", slug="zebra", **PRICED)
    write(editor, title="Apple", slug="apple", state="draft")
    editor.post("/admin/posts/new-page", **form(title="About", slug="about"))
    buy(browser_of(site), "post:zebra", "/zebra")

    def titles(query):
        page = editor.client.get(f"/admin/posts/?{query}").text
        return re.findall(r'<a class="title"[^>]*>([^<]*)', page)

    assert titles("sort=title") == ["About", "Apple", "Zebra"]
    assert titles("state=draft") == ["Apple"]
    assert titles("kind=page") == ["About"]
    assert titles("q=zeb") == ["Zebra"]
    assert titles("state=scheduled") == titles("state=withdrawn") == titles("q=%25") == []
    page = editor.client.get("/admin/posts/?q=zebra").text
    assert "€0.20" in page
    assert '<td class="num" data-label="Sold">1</td>' in page

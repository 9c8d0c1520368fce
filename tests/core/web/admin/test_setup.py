"""The set-up: task O2, from a new site to its public page; each step can be skipped."""

from __future__ import annotations

import itertools

import pytest

from core import founding, settings
from core.founding import STEPS
from core.people import users
from core.plugins import enabled, switching
from core.settings import value
from core.testing.trying import PlayMoney
from tests.conftest import browser_of
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORMS = {
    "site": {
        "site.name": "Il Faro", "site.tagline": "Dal mare", "site.language": "it",
        "site.currency": "CHF",
    },
    "you": {"name": "Ada"},
    "look": {"theme": "foglio", "accent": "#7a1fa2"},
    "pay": {"tries": "on"},
    "post": {},
}  # fmt: skip
FIRST = {"title": "Alba", "free": "Prima.", "paid": "Poi.", "price": "0.20"}


@pytest.fixture
def owner(make_site):
    return signed_in(browser_of(make_site("posts", "paywall", "playmoney")), "owner")


def send(owner, step, *, skip=False):
    """Save a step as its form would, or skip it; return where that leads."""
    if skip:
        return owner.post(f"/admin/setup/{step}", act="skip").location
    if step == "post":
        return owner.post("/admin/posts/first", **FIRST).location
    return owner.post(f"/admin/setup/{step}", **FORMS[step]).location


def test_every_step_filled_ends_on_the_post_that_is_on_sale(owner, make_site):
    """Name, language, currency, theme, accent and price are those of the site from then on."""
    before = settings.generation(enabled.GENERATION)
    led = [send(owner, step) for step in STEPS]
    again = settings.generation(enabled.GENERATION)
    owner.post("/admin/setup/site", **FORMS["site"])
    visitor = browser_of(make_site("posts", "paywall", "playmoney"))
    page = visitor.get("/alba", headers={"Accept-Language": "fr"}).text

    assert led[:4] == [f"/admin/setup/{step}" for step in STEPS[1:]]
    assert led[4] == "/alba?first=1"
    assert before < again == settings.generation(enabled.GENERATION), "an app for what is new"
    assert "Buy it yourself" in owner.client.get(led[4]).text
    assert "Buy it yourself" not in visitor.get(led[4]).text
    for words in ('<html lang="it"', "Il Faro", "Prima.", "0,20 CHF", "/static/theme/foglio/"):
        assert words in page.replace("\xa0", " ")
    assert "Poi." not in page
    assert value("theme_foglio.accent") == "#7a1fa2"
    assert users.find(owner.user.id).name == "Ada"
    assert founding.reached() == founding.DONE
    assert owner.post("/admin/setup/you").location == "/admin/setup/you?saved=1"
    assert "Saved." in owner.client.get("/admin/setup/you?saved=1").text


def test_every_step_skipped_leaves_the_site_as_it_was(owner):
    """It ends on the front page, and nothing was saved but how far that got."""
    names = [one.name for one in settings.declared()]
    led = [send(owner, step, skip=True) for step in STEPS]

    assert led == [*(f"/admin/setup/{step}" for step in STEPS[1:]), "/"]
    assert owner.client.get("/").status_code == 200
    assert [one for one in names if value(one) != settings.setting(one).initial] == ["admin.setup"]


def test_each_mix_gives_a_site_that_works(owner, make_site):
    """Filled or skipped in every mixture, the public page and the next step answer."""
    for mix in itertools.product((True, False), repeat=4):
        for step, skip in zip(STEPS, mix, strict=False):
            led = send(owner, step, skip=skip)
            assert led == f"/admin/setup/{founding.after(step)}", (mix, step)
        assert owner.client.get("/").status_code == 200
        assert owner.client.get(led, follow_redirects=True).status_code == 200
    app = make_site("posts", "paywall", "playmoney")

    assert browser_of(app).get("/").status_code == 200


def test_a_setup_that_was_left_goes_on_where_it_was(owner):
    """Home and every other page lead back until it is done, or put away with the list."""
    page = owner.client.get("/admin/home/").text
    assert "Begin the set-up" in page
    assert "Go on with the set-up" not in owner.client.get("/admin/orders/").text

    send(owner, "site")
    assert "Go on with the set-up" in owner.client.get("/admin/home/").text
    assert "The set-up is not done yet." in owner.client.get("/admin/orders/").text
    again = owner.client.get("/admin/setup/").text
    assert "Step 2 of 5" in again
    assert 'href="/admin/setup/site"' in again
    owner.post("/admin/home/checklist")
    assert "The set-up is not done yet." not in owner.client.get("/admin/orders/").text


def test_what_cannot_be_used_stays_in_the_form(owner):
    """Each step says what is wrong, keeps what was typed, and saves nothing of it."""
    wrong = owner.post("/admin/setup/site", **FORMS["site"] | {"site.name": ""})
    assert wrong.status_code == 422
    assert 'value="Dal mare"' in wrong.text
    assert value("site.tagline") == ""
    wrong = owner.post("/admin/setup/site", **FORMS["site"] | {"site.currency": "XXX"})
    assert (wrong.status_code, value("site.currency")) == (422, "EUR")
    wrong = owner.post("/admin/setup/you", name="A" * 200)
    assert (wrong.status_code, "A" * 200 in wrong.text) == (422, True)
    wrong = owner.post("/admin/setup/look", theme="foglio", accent="other", accent_other="rot")
    assert wrong.status_code == 422
    assert "Write a colour as #" in wrong.text
    assert value("site.theme") == "quaderno"

    assert owner.post("/admin/setup/look", theme="absent").status_code == 404
    assert owner.client.get("/admin/setup/absent").status_code == 404
    assert owner.post("/admin/setup/absent").status_code == 404
    assert founding.reached() == "site"


def test_a_currency_with_prices_or_entries_is_not_offered(owner):
    """The page says why it stays, and a form that names another changes nothing."""
    owner.post("/admin/posts/first", **FIRST)
    page = owner.client.get("/admin/setup/site").text
    owner.post("/admin/setup/site", **FORMS["site"])

    assert "It stays as long as texts on the site have prices in it." in page
    assert 'name="site.currency"' not in page
    assert value("site.currency") == "EUR"


def test_a_theme_is_looked_at_before_it_is_worn(owner):
    """On the real pages, by this owner only; the step is not past by that."""
    led = owner.post("/admin/setup/look", theme="foglio", accent="", act="try").location

    assert "?theme=foglio&sig=" in led
    assert "/static/theme/foglio/" in owner.client.get(led).text
    assert (value("site.theme"), founding.reached()) == ("quaderno", "site")


def test_a_way_to_pay_is_switched_on_by_the_same_switch(owner, monkeypatch):
    """It says what it reaches first; the switch leads back to the step, and never elsewhere."""
    enabled.disable("playmoney", actor="test")
    page = owner.client.get("/admin/setup/pay").text
    monkeypatch.setattr(switching, "switch_on", lambda name, **_: enabled.enable(name, actor="t"))
    led = owner.post("/admin/plugins/playmoney/on", to="/admin/setup/pay").location
    away = owner.post("/admin/plugins/playmoney/on", to="https://evil.example/").location

    assert 'formaction="/admin/plugins/playmoney/on"' in page
    assert "it reaches: 127.0.0.1, localhost" in page
    assert led == "/admin/setup/pay"
    assert away == "/admin/plugins/playmoney?done=on"


def test_small_prices_are_tried_with_play_money_only(owner, make_site):
    """The box is ticked at first; a site that takes real money has none, and keeps its setting."""
    assert 'name="tries" value="on" aria-describedby="tries-help" checked' in (
        owner.client.get("/admin/setup/pay").text
    )
    send(owner, "pay")
    assert value("checkout.allow_loss") is True
    assert "Poi." not in owner.client.get(send(owner, "post")).text
    offer = {"resource": "post:alba", "offer": "paywall", "return_to": "/alba"}
    bought = PlayMoney().pay(owner.client, owner.client.post("/checkout/offer", data=offer))
    assert "Poi." in owner.client.get(bought.location).text
    owner.post("/admin/setup/pay")
    assert value("checkout.allow_loss") is False

    other = signed_in(browser_of(make_site("posts")), "owner", email="bo@example.org")
    assert 'name="tries"' not in other.client.get("/admin/setup/pay").text
    other.post("/admin/setup/pay", tries="on")
    assert value("checkout.allow_loss") is False


def test_a_site_without_a_plugin_that_writes_is_offered_one(make_site):
    """The last step switches it on; without any public page it ends on Home."""
    owner = signed_in(browser_of(make_site()), "owner")
    page = owner.client.get("/admin/setup/post").text

    assert 'formaction="/admin/plugins/posts/on"' in page
    assert owner.post("/admin/setup/post", act="skip").location == "/admin/home/"


def test_what_is_fixed_from_outside_is_shown_and_left(owner, monkeypatch):
    """A variable wins: the step goes on all the same, or says which variable it is."""
    monkeypatch.setenv("OBOLO_SITE__LANGUAGE", "en")
    monkeypatch.setenv("OBOLO_SITE__THEME", "quaderno")
    page = owner.client.get("/admin/setup/site").text
    saved = send(owner, "site")
    look = owner.post("/admin/setup/look", theme="foglio", accent="")

    assert "Fixed where the site was started, by OBOLO_SITE__LANGUAGE." in page
    assert (saved, value("site.name")) == ("/admin/setup/you", "Il Faro")
    assert look.status_code == 422
    assert "site.theme is fixed by OBOLO_SITE__THEME" in look.text


def test_only_the_owner_sets_a_site_up(make_site):
    """An editor may publish, but the set-up is not theirs."""
    editor = signed_in(browser_of(make_site("posts")), "editor")

    assert editor.client.get("/admin/setup/").status_code == 403
    assert editor.post("/admin/setup/site", **FORMS["site"]).status_code == 403
    assert editor.post("/admin/posts/first", **FIRST).status_code == 403

"""Templates, money and days in the reader's language, and the pieces that plugins draw."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from flask import render_template_string
from markupsafe import Markup

from core import settings
from core.errors import NotFound
from core.orders import Offer
from core.plugins import Embed, catalogue
from core.settings import Setting
from core.web.rendering import day, drafted, draw_embed, money, pay_label, slot
from tests.conftest import ROOT, browser_of
from tests.stand_in import eur, plugged, post_line

IT, EN = {"Accept-Language": "it"}, {"Accept-Language": "en"}


@pytest.fixture
def app(make_site):
    return make_site()


def test_money_is_written_as_the_language_does(app):
    """The space before the sign never breaks a line."""
    with app.test_request_context(headers=EN):
        assert money(eur(20)) == "€0.20"
    with app.test_request_context(headers=IT):
        assert money(eur(123456)) == "1.234,56\N{NO-BREAK SPACE}€"


def test_a_day_is_written_as_the_language_does(app):
    """In words, so that nobody takes the month for the day."""
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)
    with app.test_request_context(headers=EN):
        assert day(at) == "March 4, 2026"
    with app.test_request_context(headers=IT):
        assert day(at) == "4 marzo 2026"


@pytest.mark.parametrize("what", ["read", "give", "order"])
def test_every_button_that_costs_money_says_so(app, what):
    """Directive 2011/83/EU, article 8(2): the word pay, and the amount."""
    with app.test_request_context(headers=EN):
        assert pay_label(eur(20), what).startswith("Pay €0.20")
        assert pay_label(eur(0), what).endswith("now, for nothing")


def test_the_button_shows_what_the_draft_costs(app):
    """With what plugins add, not what the offer alone says."""
    offer = Offer("paywall", "Read", (post_line(20),))
    with (
        app.test_request_context(headers=EN),
        plugged(add_lines=lambda order: (post_line(-5, "none"),)),
    ):
        assert drafted(offer) == eur(15)


def test_a_piece_that_fails_is_left_out(app, caplog):
    """The others are drawn, and the log names the plugin."""

    def broken(slot):
        raise KeyError(slot)

    with app.test_request_context(), plugged(render_slot=broken), caplog.at_level(logging.CRITICAL):
        assert slot("nav") == ""
    with app.test_request_context(), plugged(render_slot=lambda slot: Markup("<b>1</b>")):
        assert slot("nav") == Markup("<b>1</b>")


def test_a_piece_that_is_no_markup_is_escaped(app):
    """A plugin that returns plain text cannot open a hole by mistake."""
    with app.test_request_context(), plugged(render_slot=lambda slot: "<script>"):
        assert slot("nav") == "&lt;script&gt;"


def test_an_embed_draws_with_its_arguments(app):
    """By the plugin whose it is."""
    catalogue.embeds["note"] = Embed(lambda given: Markup("<i>{}</i>").format(given["text"]))

    assert draw_embed("note", {"text": "<"}) == "<i>&lt;</i>"


def test_an_embed_that_is_off_or_broken_draws_nothing(app, caplog):
    """The text around it stays readable."""

    def broken(given):
        raise RuntimeError

    catalogue.embeds["broken"] = Embed(broken)
    with caplog.at_level(logging.CRITICAL):
        assert draw_embed("broken", {}) == ""
    assert draw_embed("nobody", {}) == ""


def test_a_file_is_named_with_its_content(app):
    """So a browser keeps it for a year, and asks again when it changed."""
    with app.test_request_context():
        address = render_template_string("{{ asset('icon.svg', 'core') }}")
    done = app.test_client().get(address, buffered=True)

    assert address.startswith("/static/core/icon.svg?v=")
    assert done.status_code == 200
    assert "max-age=31536000" in done.headers["Cache-Control"]


def test_a_plugins_template_stands_before_cores(make_site):
    """The first place that has a template wins; a theme's own stand before both."""
    places = [loader.searchpath[0] for loader in make_site("tipjar").jinja_loader.loaders]

    assert places[0].endswith("plugins/tipjar/templates")
    assert places[-1].endswith("core/templates")


def test_no_page_shows_a_secret(app):
    """A template asks for settings by name; one that is secret is none for it."""
    settings.declare([Setting(name="jar.key", kind="secret")])
    with app.test_request_context():
        assert render_template_string("{{ setting('site.name') }}") == "Obolo"
        with pytest.raises(NotFound):
            render_template_string("{{ setting('jar.key') }}")


def test_a_file_outside_has_no_address(app):
    """Not even a hash of its content is told."""
    with app.test_request_context(), pytest.raises(NotFound):
        render_template_string("{{ asset('../../pyproject.toml', 'core') }}")


def test_templates_escape(app):
    """Whatever is put into one."""
    with app.test_request_context():
        assert render_template_string("{{ name }}", name="<b>") == "&lt;b&gt;"


def test_the_next_app_compiles_no_template_again(make_site, monkeypatch):
    """After a change of the plugins the first pages are as quick as any."""
    make_site().test_client().get("/library/")
    compiled = []
    environment = make_site().jinja_env
    monkeypatch.setattr(type(environment), "compile", lambda *_, **__: compiled.append(1))

    assert environment.get_template("library/library.html").render
    assert compiled == []


@pytest.mark.parametrize(("plugins", "words"), [
    (("playmoney",), "Modalità di prova: non si muove denaro reale."),
    (("till", "playmoney"), "In modalità di prova: Denaro di prova. Lì non si muove denaro reale."),
    (("till",), ""),
    ((), ""),
])  # fmt: skip
def test_every_page_says_that_money_is_none(make_site, plugins, words):
    """Pages for readers, kept ones, errors; nothing where all money is real."""
    folder = str(ROOT / "tests" / "bench" / "plugins")
    client = browser_of(make_site("posts", *plugins, plugin_folders=(folder,)))
    pages = [client.get(path, headers={"Accept-Language": "it"}).text
             for path in ("/", "/", "/library/", "/nothing")]  # fmt: skip

    assert all(('class="test-mode"' in page) == bool(words) for page in pages)
    assert all(words in page for page in pages)
    assert all(("test-mode.css" in page) == bool(words) for page in pages)

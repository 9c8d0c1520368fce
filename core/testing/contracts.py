"""What every plugin keeps, and what one of its kind keeps: suites that its own tests derive from.

    class TestContract(EmbedContract):
        directive = "note"
        arguments = {"text": "Mind the gap"}

A provider's stands in `core.testing.providers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import gettext

from core import checkout
from core.access import decide
from core.errors import Refused
from core.orders import Line
from core.people import Reader
from core.plugins import ResourceCard, catalogue, preflight
from core.plugins.catalogues import languages_of, untranslated
from core.storage import Migrations, classes, execute, lock_migrations
from core.testing import browser_of, with_needs
from core.testing.trying import Cards, PlayMoney
from core.web.callers import OPEN, callers_of

LANGUAGES = ("en", "it")
HOSTILE = "\"'><script>alert(1)</script>"
ACTIVE = re.compile(r"<script>alert|<[^>]*\son[a-z]+=|<[^>]*\sstyle=|javascript:", re.IGNORECASE)
"""What the policy of the site lets no page do."""


def reader_of(holder: str) -> Reader:
    """Return a guest who owns what this holder owns."""
    return Reader(holder=holder, holders=(holder,))


def plain_pages(app: Flask, plugin: str, *, own: bool = True) -> list[str]:
    """Return the addresses that need no name: a plugin's own, or all others that are anyone's."""
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
        and callers_of(app, rule.endpoint) == "anyone"
        and (getattr(app.view_functions[rule.endpoint], "plugin", "") == plugin) == own
    ]  # fmt: skip


class PluginContract:
    """Switched on it works, in every language; switched off it leaves no trace."""

    def test_the_pre_flight_lets_it_on(
        self, make_site: Callable[..., Flask], plugin_folder: Path, db: str
    ) -> None:
        """A child process imports it, runs its migrations on a copy, and opens its pages."""
        *others, name = [one for one in with_needs(plugin_folder) if one != "playmoney"]
        home = Path(make_site(*others).instance_path)
        with (home / "obolo.toml").open("a") as file:
            file.write(f'database = "{db}"\nplugin_folders = ["{plugin_folder.parent}"]\n')
        report = preflight.check(name, home)

        assert not report.problem, f"{report.problem}\n{report.detail}"

    def test_pages_answer_when_it_is_off(
        self, make_site: Callable[..., Flask], plugin_folder: Path
    ) -> None:
        """Its own addresses are gone, its tables may stay, and every other page is as it was."""
        names, folders = with_needs(plugin_folder), (str(plugin_folder.parent),)
        name = plugin_folder.name
        own = plain_pages(make_site(*names, plugin_folders=folders), name)
        site = make_site(*(one for one in names if one != name), plugin_folders=folders)
        client = browser_of(site)

        assert [client.get(page).status_code for page in own] == [404] * len(own)
        for page in ("/library/", *plain_pages(site, name, own=False)):
            assert client.get(page).status_code < 500, page
        assert client.get("/library/").status_code == 200

    def test_its_migrations_run_once(self, app: Flask, plugin_folder: Path) -> None:
        """A second run does nothing; tables have the plugin's name, columns a class."""
        name = plugin_folder.name
        with lock_migrations():
            again = Migrations(name, plugin_folder / "migrations").apply()
        tables = set(classes.table_names()) - classes.core_classes().keys()
        of_others = tuple(f"{other}_" for other in catalogue.manifests if other != name)

        assert again == []
        assert [one for one in tables if not one.startswith((f"{name}_", *of_others))] == []
        assert list(classes.faults(catalogue.manifests[name].columns, (f"{name}_",))) == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_speaks(self, app: Flask, plugin_folder: Path, language: str) -> None:
        """Its templates can be read, its words are translated, its pages are in that language."""
        client = browser_of(app)
        for template in plugin_folder.glob("templates/**/*.html"):
            app.jinja_env.get_template(str(template.relative_to(plugin_folder / "templates")))
        for page in plain_pages(app, plugin_folder.name):
            answer = client.get(page, headers={"Accept-Language": language})
            assert answer.status_code < 500, page
            if answer.status_code == 200 and answer.mimetype == "text/html":
                assert f'<html lang="{language}"' in answer.text, page

        assert language == "en" or language in languages_of(plugin_folder)
        assert language == "en" or untranslated(plugin_folder, language) == []


class EmbedContract(PluginContract):
    """What draws the directive `{{ name key=value }}`. `arguments`: what an author may write."""

    directive: str
    arguments: Mapping[str, str] = {}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_embed_draws(self, app: Flask, language: str) -> None:
        """In every language, with the author's arguments and with none."""
        for arguments in (self.arguments, {}):
            assert self._drawn(app, arguments, language)

    def test_the_embed_escapes(self, app: Flask) -> None:
        """What an author writes is text: it starts nothing, whichever argument it stands in."""
        for name in (*self.arguments, "another"):
            drawn = self._drawn(app, {**self.arguments, name: HOSTILE})
            assert not ACTIVE.search(drawn), name

    def _drawn(self, app: Flask, arguments: Mapping[str, str], language: str = "en") -> str:
        headers = {"Accept-Language": language}
        with app.test_request_context("/hello", headers=headers):
            return str(catalogue.embeds[self.directive].draw(arguments)).strip()


class GateContract(PluginContract):
    """What closes resources. `closed` is shut for a stranger, `free` is not; `cards` describe them.

    `sells` says whether an offer opens it; a gate that only keys of others open sells nothing.
    """

    closed: str
    free: str
    cards: Sequence[ResourceCard] = ()
    sells = True

    @pytest.fixture(autouse=True)
    def _described(self, cards: Cards) -> None:
        cards.add(*self.cards)

    def test_the_gate_is_shut(self, app: Flask) -> None:
        """A stranger reads what opens it and what that costs; nothing else was closed."""
        with app.test_request_context("/"):
            shut = decide(self.closed, reader_of("gst_stranger"))
            free = decide(self.free, reader_of("gst_stranger"))

        assert not shut.open
        assert free.open
        assert all(offer.title and offer.total.minor > 0 for offer in shut.offers)
        assert bool(shut.offers) == self.sells

    def test_the_gate_opens(self, app: Flask, client: FlaskClient, playmoney: PlayMoney) -> None:
        """Whoever bought an offer is let in, on the same device; nobody else is."""
        if not self.sells:
            pytest.skip("this gate sells nothing")
        with app.test_request_context("/"):
            offer = decide(self.closed, reader_of("gst_stranger")).offers[0]
        form = {"resource": self.closed, "offer": offer.key, "return_to": "/library/"}
        playmoney.pay(client, client.post("/checkout/offer", data=form))
        ((holder,),) = execute("SELECT DISTINCT holder FROM orders_order WHERE state = 'paid'")

        with app.test_request_context("/"):
            assert decide(self.closed, reader_of(holder)).open
            assert not decide(self.closed, reader_of("gst_stranger")).open


class CheckContract(PluginContract):
    """What refuses orders: one of the lines `refused`, and none of the lines `allowed`."""

    refused: Sequence[Line]
    allowed: Sequence[Line]

    def test_it_refuses_in_words(self, app: Flask) -> None:
        """The reader is told why, in their language, and nothing is stored."""
        english, italian = (self._words(app, language) for language in LANGUAGES)

        assert english
        assert italian
        assert english != italian
        assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 0

    def test_it_lets_others_pass(self, app: Flask) -> None:
        """What it is not about goes on as if it were not there."""
        with app.test_request_context("/"):
            order = checkout.start_order(reader_of("gst_buyer"), self.allowed)

        assert order.state in ("open", "paid")

    def _words(self, app: Flask, language: str) -> str:
        reader = reader_of("gst_buyer")
        with (
            app.test_request_context("/", headers={"Accept-Language": language}),
            pytest.raises(Refused) as refused,
        ):
            checkout.start_order(reader, self.refused)
        with app.test_request_context("/", headers={"Accept-Language": language}):
            return str(gettext(refused.value.message)).format(**refused.value.values)


class PageContract(PluginContract):
    """What has pages of its own. `address` is one that anyone may open."""

    address: str

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_page_is_a_page_of_the_site(self, client: FlaskClient, language: str) -> None:
        """It stands in the site's layout, has one heading, and nothing inline."""
        answer = client.get(self.address, headers={"Accept-Language": language})

        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.text
        assert len(re.findall(r"<h1[ >]", answer.text)) == 1
        assert not ACTIVE.search(answer.text)
        assert "Set-Cookie" not in answer.headers, "a GET makes nobody a guest"

    def test_every_page_says_who_may_call_it(self, app: Flask, plugin_folder: Path) -> None:
        """And lets in nobody else: a page for users or staff is no guest's."""
        client, name = browser_of(app), plugin_folder.name
        own = [
            rule
            for rule in app.url_map.iter_rules()
            if getattr(app.view_functions[rule.endpoint], "plugin", "") == name
        ]

        assert own
        for rule in own:
            if callers_of(app, rule.endpoint) not in OPEN and not rule.arguments:
                assert client.get(rule.rule).status_code in (303, 401, 403, 405), rule.rule

    def test_no_other_site_sends_its_forms(self, app: Flask, plugin_folder: Path) -> None:
        """A form that another site sends in the reader's name changes nothing."""
        client = browser_of(app)
        client.environ_base["HTTP_ORIGIN"] = "https://evil.example"
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            is_own = getattr(view, "plugin", "") == plugin_folder.name
            if is_own and "POST" in (rule.methods or ()) and not rule.arguments:
                assert client.post(rule.rule).status_code == 403, rule.rule

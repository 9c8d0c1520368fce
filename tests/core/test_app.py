"""The app is put together for one list of plugins."""

from __future__ import annotations

import logging

import pytest
from flask import Blueprint

from core import config as configuration
from core import hookimpl, settings, tasks
from core.app import CORE_PAGES, create_app, migrate
from core.plugins import Embed, Periodic, caller, catalogue
from core.plugins.loader import BUNDLED
from core.web.callers import callers
from tests.stand_in import StandIn

BROKEN = """
from core import Embed, hookimpl
from plugins.{name} import later


@hookimpl
def register_embeds():
    return {{"{name}": Embed(str)}}


@hookimpl
def register_tasks():
    raise RuntimeError("the plugin is broken")
"""
MANIFEST = """
[plugin]
name = "{name}"
version = "1"
title.en = "{name}"
description.en = "Written by a test."
"""


@pytest.fixture
def written(tmp_path):
    """Return what writes a plugin's folder."""

    def write(name, code):
        folder = tmp_path / "own" / name
        folder.mkdir(parents=True)
        (folder / "plugin.toml").write_text(MANIFEST.format(name=name))
        (folder / "__init__.py").write_text(code)
        return str(folder.parent)

    return write


def build(make_site, **config):
    """Build a site, also where a plugin stays off."""
    try:
        return make_site("tipjar", "broken", **config)
    except AssertionError:
        return None


def test_core_alone_is_a_site(make_site):
    """Its own pages are there, and nothing that a plugin would bring."""
    app = make_site()

    assert {module.blueprint.name for module in CORE_PAGES} <= set(app.blueprints)
    assert app.test_client().get("/x/tipjar/").status_code == 404


def test_a_plugin_that_fails_while_the_site_is_built_stays_off(make_site, written, caplog):
    """The site starts without it; what it had declared is forgotten, and the owner is told why."""
    code = BROKEN.format(name="broken").replace("from plugins.broken import later\n", "")
    with caplog.at_level(logging.CRITICAL):
        build(make_site, plugin_folders=(written("broken", code),))

    assert set(catalogue.failed) == {"broken"}
    assert "RuntimeError: the plugin is broken" in catalogue.failed["broken"]
    assert list(catalogue.manifests) == ["tipjar"]
    assert "broken" not in catalogue.embeds
    assert "tipjar" in catalogue.embeds
    assert [one.plugin for one in caller.implementations("register_embeds")] == ["tipjar"]


def test_a_plugin_that_cannot_be_imported_stays_off(make_site, written, caplog):
    """As one that is missing."""
    code = BROKEN.format(name="broken")
    with caplog.at_level(logging.CRITICAL):
        build(make_site, plugin_folders=(written("broken", code),))

    assert "ImportError" in catalogue.failed["broken"]
    assert list(catalogue.manifests) == ["tipjar"]


def test_safe_mode_starts_without_plugins(make_site):
    """So an owner can get in when one of them is in the way."""
    app = make_site("tipjar", safe_mode=True)

    assert catalogue.manifests == {}
    assert app.test_client().get("/library/").status_code == 200


def test_an_app_can_be_built_again(make_site):
    """For another list of plugins, in the same process."""
    make_site("tipjar")
    app = make_site("playmoney")

    assert list(catalogue.manifests) == ["playmoney"]
    assert app.test_client().get("/x/tipjar/").status_code == 404


def test_what_a_plugin_registers_is_there(make_site, monkeypatch):
    """Pages, ways to pay, embeds and work."""
    pages = Blueprint("shop", __name__)
    pages.add_url_rule("/x/tipjar/shop", "page", callers("anyone")(lambda: "open"))
    work = Periodic("shop.sweep", 60, lambda: None)
    answers = {
        "register_blueprint": pages, "register_provider": StandIn(),
        "register_embeds": {"shop": Embed(str)}, "register_tasks": (work,),
    }  # fmt: skip
    for hook, answer in answers.items():
        monkeypatch.setattr(
            f"plugins.tipjar.{hook}", hookimpl(lambda answer=answer: answer), raising=False
        )
    app = make_site("tipjar")

    assert app.test_client().get("/x/tipjar/shop").text == "open"
    assert "standin" in catalogue.providers
    assert "shop" in catalogue.embeds
    assert "shop.sweep" in tasks._periods


def test_core_has_its_own_work(make_site):
    """Asking, telling, sending, sealing, forgetting."""
    make_site()

    assert {"reconcile", "notices", "mail", "seal", "limits"} <= set(tasks._periods)


def test_a_foreign_host_name_is_refused(make_site):
    """A site answers under its own names only."""
    app = make_site(trusted_hosts=("taccuino.example",))

    assert app.test_client().get("http://taccuino.example/healthz").status_code == 200
    assert app.test_client().get("http://evil.example/healthz").status_code == 400


@pytest.mark.parametrize(("proxies", "scheme"), [(0, "http"), (1, "https")])
def test_a_proxy_is_believed_only_when_the_owner_says_so(make_site, proxies, scheme):
    """Otherwise anybody could write these headers."""
    app = make_site(trusted_proxies=proxies)
    seen = []
    app.add_url_rule("/seen", "seen", lambda: seen.append(app) or "")
    headers = {"X-Forwarded-Proto": "https"}
    answer = app.test_client().get("/healthz", headers=headers)

    assert ("Strict-Transport-Security" in answer.headers) == (scheme == "https")


def test_the_first_key_signs_and_older_ones_are_still_accepted(make_site):
    """So keys can be changed without throwing readers out."""
    old, new = b"o" * 32, b"n" * 32
    before = make_site(session_keys=(old,)).extensions["obolo_signer"]
    after = make_site(session_keys=(new, old)).extensions["obolo_signer"]
    alone = make_site(session_keys=(new,)).extensions["obolo_signer"]

    assert after.unsign(before.sign("gst_1")) == b"gst_1"
    assert alone.unsign(after.sign("gst_1")) == b"gst_1"
    assert not alone.validate(before.sign("gst_1"))


def test_starting_migrates_and_a_second_start_finds_nothing_to_do(make_site):
    """Every process may start first."""
    make_site()

    assert migrate() == []


def test_the_owners_configuration_gives_the_first_settings(db, tmp_path):
    """Until they are changed."""
    configuration.initialise(tmp_path / "home")
    (tmp_path / "home" / "obolo.toml").write_text(
        f'database = "{db}"\nsite_name = "Il Taccuino"\ncurrency = "CHF"\n'
    )
    create_app(configuration.load(tmp_path / "home"), immediate=True)
    tasks.configure(None, immediate=True)

    assert settings.value("site.name") == "Il Taccuino"
    assert settings.site_currency() == "CHF"


def test_every_bundled_plugin_is_built_twice_in_one_process(make_site):
    """As after each change of the list: blueprints are complete when their module is imported."""
    names = sorted(path.parent.name for path in BUNDLED.glob("*/plugin.toml"))
    rules = []
    for _ in range(2):
        app = make_site(*names)
        rules.append({(rule.rule, rule.endpoint) for rule in app.url_map.iter_rules()})

    assert len(names) >= 4
    assert rules[0] == rules[1]
    assert app.test_client().get("/").status_code == 200

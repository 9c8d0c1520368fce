"""The harness of plugins' tests: a pytest plugin. Each kind's contract stands in `contracts`.

Where Obolo is installed pytest finds it by itself; `obolo plugins test NAME` brings it along. A
test asks for `app` and gets a site with the plugin in whose folder it lies; or it says which:

    @pytest.mark.plugins("posts", "paywall", "tipjar", "playmoney")
"""

from __future__ import annotations

import importlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import config as configuration
from core import mail, notices, outgoing, storage, tasks
from core import settings as site_settings
from core.app import ROOT, create_app
from core.clock import now
from core.people import passwords
from core.plugins import caller, catalogue, read_manifest
from core.plugins import manifest as manifests
from core.storage import Migrations, lock_migrations
from core.testing.browser import end_browser, opened
from core.testing.mailbox import Outbox, watched_mail
from core.testing.people import Person, signed_in
from core.testing.trying import Cards, PlayMoney

if TYPE_CHECKING:
    from playwright.sync_api import Page

REACHABLE = ("127.0.0.1", "::1", "localhost")
KEK = bytes(range(32))
"""The key-encryption key of every test's site."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    config.addinivalue_line("markers", "plugins(*names): the plugins of the test's site, in order")
    config.addinivalue_line("markers", "browser: drives a real Chromium, or is skipped loudly")


def pytest_unconfigure() -> None:
    """End the browser that the tests of this process shared."""
    end_browser()


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Let a test import its own plugin as the site does: `from plugins.tipjar.jar import draw`."""
    folder = plugin_above(module_path)
    if folder is not None:
        places = importlib.import_module("plugins").__path__
        if str(folder.parent) not in places:
            places.append(str(folder.parent))


@pytest.fixture(scope="session")
def no_network() -> Iterator[None]:
    """Let no test reach beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in REACHABLE:
            message = f"a test tried to reach {address}"
            raise AssertionError(message)
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the shell sets for Obolo out of the tests."""
    for name in [name for name in os.environ if name.startswith("OBOLO_")]:
        if name not in ("OBOLO_CHROMIUM", "OBOLO_REQUIRE_BROWSER"):
            monkeypatch.delenv(name)


@pytest.fixture
def no_site_remains() -> Iterator[None]:
    """Leave no site of another test to be woken by a notice, nor its currency to be sold in."""
    currency = site_settings.site_currency()
    yield
    site_settings.set_site_currency(currency)
    notices.wake = notices._stay
    mail.set_wake(None)
    outgoing.set_wake(None)


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with less work."""
    monkeypatch.setattr(passwords, "_NOBODY", [])  # what another test hashed cost something else
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", cheap)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite database that core's migrations made once."""
    path = tmp_path_factory.mktemp("template") / "obolo.db"
    storage.connect(f"sqlite:///{path}")
    with lock_migrations():
        Migrations("core", ROOT / "core" / "migrations").apply()
    storage.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.close()
    return path


def sqlite_url(template: Path, folder: Path) -> str:
    """Copy the template into a folder and return its URL."""
    shutil.copyfile(template, folder / "obolo.db")
    return f"sqlite:///{folder}/obolo.db"


@pytest.fixture
def database_url(template: Path, tmp_path: Path) -> str:
    """Give a test a migrated, empty database."""
    return sqlite_url(template, tmp_path)


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    """Return the folder of the test's site in which its keys are."""
    folder = tmp_path / "home" / "keys"
    folder.mkdir(mode=0o700, parents=True)
    configuration.make_kek(folder, KEK)
    return folder


@pytest.fixture
def db(database_url: str, keys_folder: Path) -> Iterator[str]:
    """Connect to a migrated, empty database with a vault; yields its URL."""
    storage.connect(database_url)
    storage.open_keys(keys_folder)
    yield database_url
    storage.close()


@pytest.fixture
def make_site(
    db: str, tmp_path: Path, no_network: None, plain_environment: None, no_site_remains: None
) -> Iterator[Callable[..., Flask]]:
    """Return what builds a site on the test's database, for a list of plugins and settings."""
    made: list[Flask] = []

    def make(*plugins: str, settings: Mapping[str, Any] | None = None, **config: Any) -> Flask:
        home = tmp_path / "home"
        configuration.initialise(home)
        chosen = replace(configuration.load(home), database=db, plugins=plugins, **config)
        if made:  # a site keeps the list that it began with
            storage.execute("DELETE FROM plugins_plugin")
        app = create_app(chosen, immediate=True)
        assert not catalogue.failed, catalogue.failed
        for name, value in (settings or {}).items():
            site_settings.save(name, value, actor="test")
        made.append(app)
        return app

    yield make
    tasks.configure(None, immediate=True)
    caller.load([])
    catalogue.clear()


def plugin_above(path: Path) -> Path | None:
    """Return the folder of the plugin in which a file lies, or None."""
    return next((one for one in path.parents if (one / "plugin.toml").exists()), None)


@pytest.fixture
def plugin_folder(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the plugin in which the test lies."""
    folder = plugin_above(request.path)
    return folder or pytest.fail("there is no plugin.toml above this test")


@pytest.fixture
def plugin_tables(db: str, plugin_folder: Path) -> None:
    """Make the tables of the plugin in which the test lies, and no site."""
    with lock_migrations():
        Migrations(plugin_folder.name, plugin_folder / "migrations").apply()


@pytest.fixture
def app(make_site: Callable[..., Flask], request: pytest.FixtureRequest) -> Flask:
    """Return a site with the plugins of the mark, else the test's own with play money."""
    mark, folder = request.node.get_closest_marker("plugins"), plugin_above(request.path)
    if mark is None and folder is None:
        pytest.fail('say which plugins: @pytest.mark.plugins("posts", "tipjar")')
    folders = (str(folder.parent),) if folder else ()
    return make_site(*(mark.args if mark else with_needs(folder)), plugin_folders=folders)


def with_needs(folder: Path | None) -> tuple[str, ...]:
    """Return the names of what a plugin needs, the plugin, and play money."""
    if folder is None:
        return ()
    needed = manifests.needs(read_manifest(folder))
    return tuple(dict.fromkeys((*needed, folder.name, "playmoney")))


class Browser(FlaskClient):
    """A client that takes each answer whole, so that what is to follow it is done."""

    def open(self, *arguments: Any, buffered: bool = True, **rest: Any) -> TestResponse:
        """Send a request."""
        return super().open(*arguments, buffered=buffered, **rest)


def browser_of(app: Flask) -> FlaskClient:
    """Return a client that says where it comes from, as browsers do."""
    app.test_client_class = Browser
    client = app.test_client()
    client.environ_base["HTTP_ORIGIN"] = "http://localhost"
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without cookies on the test's site."""
    return browser_of(app)


@pytest.fixture
def sign_in(app: Flask, cheap_hashes: None) -> Callable[..., Person]:
    """Return what makes a user and signs them in: `sign_in("owner", email="bo@example.org")`."""
    return lambda role="reader", **more: signed_in(browser_of(app), role, **more)


@pytest.fixture
def user(sign_in: Callable[..., Person]) -> Person:
    """Return a reader who is signed in, with a client of their own."""
    return sign_in()


@pytest.fixture
def playmoney(app: Flask) -> PlayMoney:
    """Return the bank of the test's site: `playmoney.pay(client, client.post(...))`."""
    if "playmoney" not in catalogue.providers:
        pytest.fail("the plugin playmoney is not among those of this test's site")
    site_settings.save("checkout.allow_loss", value=True, actor="test")
    return PlayMoney()


@pytest.fixture
def cards(app: Flask) -> Cards:
    """Return what describes resources to the site, in place of a plugin that has them."""
    return Cards(app.extensions["obolo_plugins"])


@pytest.fixture
def mailbox(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Return what is sent to people while the test runs."""
    return watched_mail(monkeypatch)


@pytest.fixture
def clock(app: Flask) -> Iterator[Any]:
    """Stop the time; `clock.shift(timedelta(days=1))` lets it pass. Needs time-machine."""
    time_machine = pytest.importorskip("time_machine", reason="install time-machine for `clock`")
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def browser_page(app: Flask) -> Iterator[Page]:
    """Yield a page of a real Chromium on the test's site; skips loudly where there is none."""
    with opened(app) as page:
        yield page

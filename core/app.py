"""Put the parts together: the only module below the command line that knows them all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core import limits, mail, notices, outgoing, plugins, settings, storage, tasks
from core.clock import now
from core.config import Config
from core.people import codes, roles, sessions, signed_in, tokens, two_factor
from core.people.holders import holder_signer
from core.plugins import Found, catalogue
from core.reconcile import reconcile
from core.storage import Migrations, files, lock_migrations
from core.verify import seal
from core.web import (
    account,
    api,
    buttons,
    checkout,
    doors,
    headers,
    health,
    languages,
    library,
    personal,
    problems,
    rendering,
    returning,
    webhooks,
)
from core.web import tokens as token_pages
from core.web.admin import SCREENS
from core.web.api import answers
from core.web.callers import check_callers

log = logging.getLogger("obolo")
ROOT = Path(__file__).parents[1]
CORE_PAGES = (
    checkout, webhooks, library, languages, health, doors, account, personal,
    api, token_pages, buttons,
    *SCREENS,
)  # fmt: skip
YEAR_SECONDS = 365 * 24 * 3600
SEAL_AFTER = timedelta(minutes=5)


def migrate() -> list[str]:
    """Bring core's tables up to date; return what was run."""
    with lock_migrations():
        return Migrations("core", ROOT / "core" / "migrations").apply()


def create_app(config: Config, *, immediate: bool = False) -> Flask:
    """Build the site for its list of plugins. The database is connected and migrated here.

    With `immediate` the work behind the pages is done at once in the caller's thread, for tests.
    """
    storage.connect(config.database)
    migrate()
    storage.open_keys(config.keys)
    files.set_folder(config.home / "files")
    settings.declare(settings.core_settings(config.site_name, config.owner_email))
    settings.set_site_currency(config.currency)
    limits.set_key(config.derived_key("limits"))
    codes.set_key(config.derived_key("codes"))
    two_factor.set_key(config.derived_key("recovery codes"))
    plugins.set_home(config.home)
    names = () if config.safe_mode else config.plugins
    plugins.caller.trace = config.trace
    loaded = plugins.load(names, [Path(folder) for folder in config.plugin_folders])
    roles.declare({
        name: given
        for manifest in catalogue.manifests.values()
        for name, given in manifest.declared_permissions.items()
    })  # fmt: skip
    app = _flask(config)
    theme = ROOT / "themes" / config.theme
    rendering.install(
        app, [found.folder for found in loaded.values()], theme, config.language, config.languages
    )
    _add_pages(app, theme)
    for name in list(loaded):
        _add_plugin(app, loaded[name])
    headers.install(app, _redirects())
    problems.install(app)
    check_callers(app)
    _work(app, config, immediate=immediate)
    return app


def _flask(config: Config) -> Flask:
    app = Flask(
        "obolo",
        static_folder=None,
        template_folder=None,
        root_path=str(ROOT),
        instance_path=str(config.home),
    )
    app.config.update(
        TRUSTED_HOSTS=list(config.trusted_hosts),
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        SEND_FILE_MAX_AGE_DEFAULT=YEAR_SECONDS,
    )
    app.extensions["obolo_signer"] = holder_signer(config.derived_keys("holder"))
    app.extensions["obolo_config"] = config
    signed_in.install(app, config.derived_key("csrf"))
    returning.install(app, config.derived_keys("returns"))
    if config.trusted_proxies:
        proxies = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    return app


def _add_pages(app: Flask, theme: Path) -> None:
    static = str(ROOT / "core" / "static")
    app.register_blueprint(
        Blueprint("core", __name__, static_folder=static, static_url_path="/static/core")
    )
    app.register_blueprint(
        Blueprint(
            "theme", __name__, static_folder=str(theme / "static"), static_url_path="/static/theme"
        )
    )
    for module in CORE_PAGES:
        app.register_blueprint(module.blueprint)


def _add_plugin(app: Flask, plugin: Found) -> None:
    """Take what a plugin registers; one that fails stays off, and the site starts without it."""
    providers: list[str] = []
    embeds: list[str] = []
    try:
        for blueprint in _registered("register_blueprint", plugin.name):
            app.register_blueprint(blueprint)
        for provider in _registered("register_provider", plugin.name):
            catalogue.providers[provider.name] = provider
            providers.append(provider.name)
        for named in _registered("register_embeds", plugin.name):
            catalogue.embeds.update(named)
            embeds += named
        for periodic in _registered("register_tasks", plugin.name):
            catalogue.periodic.extend(periodic)
    except Exception as error:
        log.exception("plugin %s failed while the site was built", plugin.name)
        plugins.drop(plugin.name, providers, embeds, error)


def _registered(hook: str, plugin: str) -> list[Any]:
    return [
        plugins.call(hook, found, {})
        for found in plugins.implementations(hook)
        if found.plugin == plugin
    ]


def _redirects() -> Sequence[str]:
    return [
        origin for manifest in catalogue.manifests.values() for origin in manifest.touches.redirects
    ]


def _work(app: Flask, config: Config, *, immediate: bool) -> None:
    """Set up what is done behind the pages; nothing runs before a thread or worker is started."""

    def every(name: str, seconds: int, work: Callable[[], Any]) -> None:
        tasks.every(name, seconds, lambda: _within(app, work))

    tasks.configure(None if immediate else config.database, immediate=immediate)
    mail.configure(config.mail, sender=config.owner_email)
    mail.set_first(_first_transport)
    mail.set_wake(lambda: tasks.enqueue("mail"))
    notices.wake = lambda: tasks.enqueue("notices")
    outgoing.set_drawing(api.document_of_order)
    outgoing.set_wake(lambda: tasks.enqueue("webhooks"))
    every("reconcile", 20, lambda: reconcile(now()))
    every("notices", 30, lambda: notices.tell_due(now()))
    every("mail", 30, lambda: mail.deliver_due(now()))
    every("seal", 3600, lambda: seal(now() - SEAL_AFTER))
    every("limits", 3600, lambda: limits.forget(now() - timedelta(days=1)))
    every("files", 86_400, lambda: files.sweep(now() - timedelta(days=1)))
    every("codes", 3600, lambda: codes.forget(now() - timedelta(days=1)))
    every("sessions", 86_400, lambda: sessions.forget(now()))
    every("webhooks", 30, lambda: outgoing.send_due(now()))
    every("webhooks.forget", 86_400, lambda: outgoing.forget(now() - timedelta(days=90)))
    every("tokens", 86_400, lambda: tokens.forget(now() - timedelta(days=90)))
    every("answers", 86_400, lambda: answers.forget(now() - timedelta(days=30)))
    every("mail.forget", 86_400, lambda: mail.forget(now() - timedelta(days=90)))
    for periodic in catalogue.periodic:
        every(periodic.name, periodic.seconds, periodic.work)


def _within(app: Flask, work: Callable[[], Any]) -> None:
    """Work with the site's words at hand: what is sent to people is in their language."""
    with app.app_context():
        work()


def _first_transport(message: mail.Message) -> bool:
    """Let the plugins send a message; the first that takes it is the last asked."""
    return any(taken for _, taken in plugins.each("send_message", message=message))

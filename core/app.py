"""Put the parts together: the only module below the command line that knows them all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core import (
    figures,
    founding,
    hosts,
    limits,
    mail,
    notices,
    outgoing,
    plugins,
    scripts,
    settings,
    storage,
    tasks,
)
from core.access import Gate
from core.checkout import forget_methods
from core.clock import now
from core.config import Config
from core.errors import PluginFailed, in_words
from core.orders import Line, Question
from core.people import codes, roles, sessions, signed_in, tokens, two_factor
from core.people.holders import holder_signer
from core.plugins import Field, Health, Periodic, Refusal, ResourceCard, Toll, catalogue
from core.reconcile import explain_yesterday, reconcile
from core.storage import Migrations, backup, files, is_shared, lock_migrations
from core.themes import Themes
from core.verify import seal
from core.web import (
    account,
    answering,
    api,
    buttons,
    checkout,
    counting,
    doors,
    headers,
    health,
    languages,
    library,
    personal,
    problems,
    registering,
    rendering,
    returning,
    rules,
    shortcuts,
    themes,
    trying,
    webhooks,
)
from core.web import tokens as token_pages
from core.web.admin import SCREENS
from core.web.api import answers
from core.web.callers import check_callers

log = logging.getLogger("obolo")
ROOT = Path(__file__).parents[1]
CORE_PAGES = (
    checkout, counting, webhooks, library, languages, health, doors, account, personal, api,
    token_pages, themes, buttons,
    *SCREENS,
)  # fmt: skip
HOUR, DAY = 3_600, 86_400
YEAR_SECONDS = 365 * DAY
SEAL_AFTER = timedelta(minutes=5)
ANSWERS: Mapping[str, type] = {
    "guard": Gate, "require": Gate, "describe": ResourceCard, "review": Refusal,
    "pay_machine": Toll,
    "send_message": bool, "export_reader": Mapping, "erase_reader": str, "render_slot": str,
    "register_blueprint": Blueprint, "register_embeds": Mapping,
}  # fmt: skip
SEVERAL: Mapping[str, type] = {
    "list_resources": ResourceCard, "add_lines": Line, "ask": Question, "register_fields": Field,
    "register_tasks": Periodic, "check_health": Health,
}  # fmt: skip
"""What plugins answer, and what they answer several of; the hooks' signatures say the same."""


def migrate() -> list[str]:
    """Bring core's tables up to date; return what was run."""
    with lock_migrations():
        return Migrations("core", ROOT / "core" / "migrations").apply()


def create_app(config: Config, *, immediate: bool = False) -> Flask:
    """Prepare this process, and build the site for its list of plugins.

    With `immediate` the work behind the pages is done at once in the caller's thread, for tests.
    """
    prepare(config, immediate=immediate)
    app = build(config)
    go_live(app)
    return app


def prepare(config: Config, *, immediate: bool = False) -> None:
    """Connect, migrate, open the keys, and say what stays as it is while the process lives."""
    storage.connect(config.database)
    migrate()
    storage.open_keys(config.keys)
    files.set_folder(config.home / "files")
    settings.declare(settings.core_settings(config.site_name, config.owner_email))
    hosts.set_names(config.trusted_hosts)
    limits.set_key(config.derived_key("limits"))
    codes.set_key(config.derived_key("codes"))
    two_factor.set_key(config.derived_key("recovery codes"))
    plugins.set_home(config.home, config.plugin_folders)
    plugins.breaker.install(config.home)
    plugins.enabled.begin_with(config.plugins)
    plugins.caller.trace = config.trace
    plugins.caller.answers.update(ANSWERS)
    plugins.caller.several.update(SEVERAL)
    tasks.configure(None if immediate else config.database, immediate=immediate)
    mail.configure(config.mail, sender=config.owner_email)
    mail.set_first(_first_transport)
    mail.set_wake(lambda: tasks.enqueue("mail"))
    notices.wake = lambda: tasks.enqueue("notices")
    outgoing.set_drawing(api.document_of_order)
    outgoing.set_wake(lambda: tasks.enqueue("webhooks"))


def build(config: Config) -> Flask:
    """Build the site for the plugins that are on now; it never changes afterwards.

    A plugin that fails while it registers is left out of the next try. When it is the database that
    does not answer, its error is raised: no plugin is blamed for that.
    """
    on = [] if config.safe_mode else [e for e in plugins.enabled.entries() if e.state != "off"]
    broken = {one.name: one.reason for one in on if one.state == "paused"}
    while True:
        try:
            return _build(config, [one.name for one in on], broken)
        except PluginFailed as error:
            cause = error.__cause__ or error
            if error.plugin in broken or is_shared(cause):
                raise cause from None
            log.exception("plugin %s failed while the site was built", error.plugin)
            broken[error.plugin] = in_words(cause)


def _build(config: Config, names: Sequence[str], broken: Mapping[str, str]) -> Flask:
    founding.declare(config)
    folders = [Path(folder) for folder in config.plugin_folders]
    loaded, found = plugins.assemble(names, folders, broken=broken)
    with plugins.serving(loaded):
        app = _flask(config)
        app.extensions["obolo_plugins"] = loaded
        looks = Themes.find(config.home / "themes", config.theme, safe=config.safe_mode)
        looks.declare()
        rendering.install(
            app,
            [one.folder for one in found.values()],
            looks,
            founding.language(config),
            config.languages,
        )
        trying.install(app, config.derived_key("trial"))
        _add_pages(app)
        for plugin in found.values():
            registering.add(app, plugin)
        headers.install(app, _redirects())
        problems.install(app)
        check_callers(app)
    return app


def go_live(app: Flask) -> None:
    """Let this app's plugins answer from now on, and its work be what is done behind the pages."""
    loaded: plugins.Loaded = app.extensions["obolo_plugins"]
    roles.declare({
        name: given
        for manifest in loaded.catalogue.manifests.values()
        for name, given in manifest.declared_permissions.items()
    })  # fmt: skip
    plugins.go_live(loaded)
    _schedule(app)


def _flask(config: Config) -> Flask:
    app = shortcuts.App(
        "obolo",
        static_folder=None,
        template_folder=None,
        root_path=str(ROOT),
        instance_path=str(config.home),
    )
    app.url_rule_class, app.response_class = rules.Rule, answering.Answer
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


def _add_pages(app: Flask) -> None:
    static = str(ROOT / "core" / "static")
    app.register_blueprint(
        Blueprint("core", __name__, static_folder=static, static_url_path="/static/core")
    )
    for module in CORE_PAGES:
        app.register_blueprint(module.blueprint)


def _redirects() -> Sequence[str]:
    return [
        origin for manifest in catalogue.manifests.values() for origin in manifest.touches.redirects
    ]


def _schedule(app: Flask) -> None:
    """Say what is done behind the pages; nothing runs before a thread or worker is started."""
    looks: Themes = app.extensions["obolo_themes"]
    works: list[Periodic] = [
        Periodic("reconcile", 20, lambda: reconcile(now())),
        Periodic("statements", 86_400, lambda: explain_yesterday(now())),
        Periodic("methods", HOUR, forget_methods),
        Periodic("notices", 30, lambda: notices.tell_due(now())),
        Periodic("mail", 30, lambda: mail.deliver_due(now())),
        Periodic("seal", HOUR, lambda: seal(now() - SEAL_AFTER)),
        Periodic("limits", HOUR, lambda: limits.forget(now() - timedelta(days=1))),
        Periodic("figures", HOUR, lambda: figures.fill(now())),
        Periodic("files", DAY, lambda: files.sweep(now() - timedelta(days=1))),
        Periodic("codes", HOUR, lambda: codes.forget(now() - timedelta(days=1))),
        Periodic("sessions", DAY, lambda: sessions.forget(now())),
        Periodic("webhooks", 30, lambda: outgoing.send_due(now())),
        Periodic("webhooks.forget", DAY, lambda: outgoing.forget(now() - timedelta(days=90))),
        Periodic("tokens", DAY, lambda: tokens.forget(now() - timedelta(days=90))),
        Periodic("answers", DAY, lambda: answers.forget(now() - timedelta(days=30))),
        Periodic("scripts", HOUR, lambda: scripts.check(looks.worn)),
        Periodic("mail.forget", DAY, lambda: mail.forget(now() - timedelta(days=90))),
        *catalogue.periodic,
    ]
    tasks.only([(one.name, one.seconds, partial(_within, app, one.work)) for one in works])
    config: Config = app.extensions["obolo_config"]
    tasks.task("backup")(lambda: _within(app, lambda: backup.make(config.home, config.database)))


def _within(app: Flask, work: Callable[[], Any]) -> None:
    """Work with the site's words at hand: what is sent to people is in their language."""
    with app.app_context():
        work()


def _first_transport(message: mail.Message) -> bool:
    """Let the plugins send a message; the first that takes it is the last asked."""
    return any(taken for _, taken in plugins.each("send_message", message=message))

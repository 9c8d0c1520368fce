"""Take what a plugin registers into an app that is being built, and see that it stays its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial, wraps
from typing import Any

from flask import Blueprint, Flask
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from core import plugins
from core.errors import OboloError, PluginFailed
from core.payments import Provider
from core.plugins import Embed, Found, Periodic, catalogue
from core.plugins.watching import PAGE
from core.web.callers import check_callers

OF_EVERY_PAGE = (
    "before_request_funcs", "after_request_funcs", "teardown_request_funcs",
    "url_value_preprocessors", "url_default_functions", "template_context_processors",
    "error_handler_spec",
)  # fmt: skip
PASSES = (OboloError, HTTPException)
"""Answers of a page that are none of its failures."""


class NotItsOwn(OboloError):
    """A plugin registers what is not its own to register."""


def add(app: Flask, plugin: Found) -> None:
    """Take a plugin's pages, provider, embeds and tasks. Raises PluginFailed."""
    name = plugin.name
    try:
        for blueprint in _registered("register_blueprint", name):
            _add_pages(app, plugin, blueprint)
        for provider in _registered("register_provider", name):
            _add_provider(provider)
        for embeds in _registered("register_embeds", name):
            catalogue.embeds.update(_watched_embeds(name, embeds))
        for works in _registered("register_tasks", name):
            catalogue.periodic.extend(_watched_work(name, one) for one in works)
        check_callers(app)
    except PluginFailed:
        raise
    except Exception as error:
        raise PluginFailed(name, "register", error) from error


def _registered(hook: str, plugin: str) -> list[Any]:
    return [
        answer
        for found in plugins.implementations(hook)
        if found.plugin == plugin and (answer := plugins.call(hook, found, {})) is not None
    ]


def _add_provider(provider: Provider) -> None:
    if provider.name in catalogue.providers:
        raise NotItsOwn("another plugin is the provider {name}", name=provider.name)
    catalogue.providers[provider.name] = provider


def _add_pages(app: Flask, plugin: Found, blueprint: Blueprint) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    views = set(app.view_functions)
    wide = _of_every_page(app)
    app.register_blueprint(blueprint)
    if _of_every_page(app) != wide:
        raise NotItsOwn("its blueprint acts on every page of the site")
    for endpoint in app.view_functions.keys() - views:
        app.view_functions[endpoint] = _watched_view(plugin.name, app.view_functions[endpoint])
        for rule in app.url_map.iter_rules(endpoint):
            _refuse_foreign(plugin, rule.rule, rules)


def _of_every_page(app: Flask) -> list[int]:
    """Return how much there is that the app does on each page, whoever's it is."""
    return [
        sum(map(len, some.values())) if isinstance(some, Mapping) else len(some)
        for some in (getattr(app, name).get(None, ()) for name in OF_EVERY_PAGE)
    ]


def _refuse_foreign(plugin: Found, rule: str, taken: set[str]) -> None:
    about = plugin.manifest.plugin
    own = [about.prefix, f"/x/{plugin.name}", f"/admin/x/{plugin.name}"]
    own += [page.path.rstrip("/") for page in plugin.manifest.admin]
    if rule in taken:
        raise NotItsOwn("the address {rule} is taken", rule=rule)
    if not any(prefix and rule.startswith(prefix) for prefix in own):
        raise NotItsOwn("the address {rule} is not below {own}", rule=rule, own=own[0] or own[1])


def _watched_view(plugin: str, view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view whose failures count against its plugin; it answers as after any other bug."""

    @wraps(view)
    def watched(**arguments: Any) -> Any:
        try:
            return plugins.run(plugin, PAGE, partial(view, **arguments), passes=PASSES)
        except PluginFailed as failed:
            cause = failed.__cause__
            if failed.hook == PAGE and isinstance(cause, Exception):
                raise cause from None
            raise

    watched.plugin = plugin  # type: ignore[attr-defined]
    return watched


def _watched_embeds(plugin: str, embeds: Mapping[str, Embed]) -> dict[str, Embed]:
    """Return embeds whose failures count against their plugin."""

    def drawing(name: str, embed: Embed) -> Callable[[Mapping[str, str]], Markup]:
        return lambda given: plugins.run(plugin, f"embed {name}", lambda: embed.draw(given))

    return {name: replace(embed, draw=drawing(name, embed)) for name, embed in embeds.items()}


def _watched_work(plugin: str, work: Periodic) -> Periodic:
    """Return work whose failures count against its plugin."""
    name = f"task {work.name}"
    return replace(work, work=lambda: plugins.run(plugin, name, work.work))

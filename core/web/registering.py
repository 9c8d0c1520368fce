"""Take what a plugin registers into an app that is being built, and see that it stays its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial, wraps
from typing import Any

from flask import Blueprint, Flask, make_response
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from core import plugins
from core.errors import OboloError, PluginFailed
from core.payments import Provider
from core.plugins import Embed, Found, Periodic, catalogue, watching
from core.plugins.providing import watched
from core.plugins.watching import PAGE
from core.web.callers import check_callers

OF_EVERY_PAGE = (
    "before_request_funcs", "after_request_funcs", "teardown_request_funcs",
    "url_value_preprocessors", "url_default_functions", "template_context_processors",
)  # fmt: skip
ITS_OWN_STEPS = (
    "before_request_funcs", "after_request_funcs", "teardown_request_funcs",
    "url_value_preprocessors", "template_context_processors",
)  # fmt: skip
"""What a blueprint may have done around its own pages; it is watched as they are."""
SHARED = {".well-known"}
"""Where everybody has names of their own, which one manifest at most can declare (RFC 8615)."""
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
            _add_provider(name, provider)
        for embeds in _registered("register_embeds", name):
            catalogue.embeds.update(_watched_embeds(name, embeds))
        for works in _registered("register_tasks", name):
            catalogue.periodic.extend(_watched_work(name, one) for one in works)
        check_callers(app)
    except PluginFailed:
        raise
    except BaseException as error:
        if watching.is_interrupt(error):
            raise
        raise PluginFailed(name, "register", error) from error


def _registered(hook: str, plugin: str) -> list[Any]:
    return [
        answer
        for found in plugins.implementations(hook)
        if found.plugin == plugin and (answer := plugins.call(hook, found, {})) is not None
    ]


def _add_provider(plugin: str, provider: Provider) -> None:
    if provider.name in catalogue.providers:
        raise NotItsOwn("another plugin is the provider {name}", name=provider.name)
    catalogue.providers[provider.name] = watched(plugin, provider)


def _add_pages(app: Flask, plugin: Found, blueprint: Blueprint) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    places = {_first(rule) for rule in rules} - {""}
    views, wide = dict(app.view_functions), _of_the_site(app)
    app.register_blueprint(blueprint)
    if _of_the_site(app) != wide:
        raise NotItsOwn("its blueprint acts on every page of the site")
    if any(app.view_functions.get(endpoint) is not view for endpoint, view in views.items()):
        raise NotItsOwn("its blueprint takes the place of a page that is not its own")
    for endpoint in app.view_functions.keys() - views.keys():
        app.view_functions[endpoint] = _watched_view(plugin.name, app.view_functions[endpoint])
        for rule in app.url_map.iter_rules(endpoint):
            _refuse_foreign(plugin, rule.rule, rules, places)
    _watch_steps(app, plugin.name, blueprint.name)


def _of_the_site(app: Flask) -> list[Any]:
    """Return what the app does on each page, whoever's it is."""
    environment = app.jinja_env
    steps = [_copied(getattr(app, name).get(None, ())) for name in OF_EVERY_PAGE]
    handlers = {code: dict(some) for code, some in app.error_handler_spec[None].items()}
    drawing = [dict(some) for some in (environment.globals, environment.filters, environment.tests)]
    return [*steps, handlers, *drawing, app.wsgi_app, app.session_interface, dict(app.config)]


def _copied(some: Any) -> Any:
    return dict(some) if isinstance(some, Mapping) else list(some)


def _first(rule: str) -> str:
    """Return the first part of an address, unless it stands for any word."""
    first = rule.split("/")[1]
    return "" if "<" in first else first


def _refuse_foreign(plugin: Found, rule: str, taken: set[str], places: set[str]) -> None:
    """Refuse an address that is not the plugin's own; `places` are the first parts of others'."""
    about = plugin.manifest.plugin
    named = [f"/x/{plugin.name}", f"/admin/x/{plugin.name}"]
    named += [page.path.rstrip("/") for page in plugin.manifest.admin]
    if rule in taken:
        raise NotItsOwn("the address {rule} is taken", rule=rule)
    if any(_is_below(rule, own) for own in named):
        return
    if not about.prefix or not _is_below(rule, about.prefix.rstrip("/")):
        own = about.prefix or named[0]
        raise NotItsOwn("the address {rule} is not below {own}", rule=rule, own=own)
    if _first(rule) in places - SHARED:
        raise NotItsOwn(
            "the address {rule} is among those of /{place}/", rule=rule, place=_first(rule)
        )


def _is_below(rule: str, place: str) -> bool:
    return rule == place or rule.startswith(f"{place}/")


def _watch_steps(app: Flask, plugin: str, blueprint: str) -> None:
    """Let what a blueprint does around its own pages count against its plugin."""
    for name in ITS_OWN_STEPS:
        kept: dict[Any, Any] = getattr(app, name)
        for scope in [one for one in kept if one and one.split(".")[0] == blueprint]:
            kept[scope] = [_watched(plugin, step) for step in kept[scope]]


def _watched_view(plugin: str, view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view whose failures count against its plugin; so do those of what it streams."""
    ask = _watched(plugin, view)

    @wraps(view)
    def watched(**arguments: Any) -> Any:
        answer = ask(**arguments)
        if isinstance(answer, Response):
            return _watched_stream(plugin, answer)
        is_plain = isinstance(answer, str | bytes | tuple | dict | list)
        return answer if is_plain else _watched_stream(plugin, make_response(answer))

    watched.plugin = plugin  # type: ignore[attr-defined]
    return watched


def _watched(plugin: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return work for a page; it answers as after any other bug."""

    @wraps(work)
    def watched(*given: Any, **named: Any) -> Any:
        try:
            return plugins.run(plugin, PAGE, partial(work, *given, **named), passes=PASSES)
        except PluginFailed as failed:
            cause = failed.__cause__
            if failed.hook == PAGE and isinstance(cause, Exception):
                raise cause from None
            raise

    return watched


def _watched_stream(plugin: str, answer: Response) -> Response:
    if answer.is_streamed and not answer.direct_passthrough:
        answer.response = _watched_parts(plugin, iter(answer.response))
    return answer


def _watched_parts(plugin: str, parts: Iterator[Any]) -> Iterator[Any]:
    ended = object()
    ask = _watched(plugin, partial(next, parts, ended))
    while (part := ask()) is not ended:
        yield part


def _watched_embeds(plugin: str, embeds: Mapping[str, Embed]) -> dict[str, Embed]:
    """Return embeds whose failures count against their plugin."""

    def drawing(name: str, embed: Embed) -> Callable[[Mapping[str, str]], Markup]:
        return lambda given: plugins.run(plugin, f"embed {name}", lambda: embed.draw(given))

    return {name: replace(embed, draw=drawing(name, embed)) for name, embed in embeds.items()}


def _watched_work(plugin: str, work: Periodic) -> Periodic:
    """Return work whose failures count against its plugin."""
    name = f"task {work.name}"
    return replace(work, work=lambda: plugins.run(plugin, name, work.work))

"""Templates: a theme's before a plugin's before core's; words in the reader's language; money."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask import Flask, url_for
from flask_babel import Babel, format_date, gettext, ngettext
from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from core import checkout, plugins
from core.money import Money
from core.orders import Offer
from core.people import current_reader
from core.people.signed_in import csrf_token
from core.plugins import catalogue
from core.settings import value
from core.web.keeping import live
from core.web.languages import choose_language
from core.web.languages import install as install_languages

log = logging.getLogger("obolo.web")
CORE = Path(__file__).parents[1]
__all__ = ["gettext", "install", "ngettext"]


def install(
    app: Flask, folders: Sequence[Path], theme: Path, default: str, languages: Sequence[str]
) -> None:
    """Set up templates and languages for the plugins in these folders and a theme."""
    places = [theme, *folders, CORE]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(place / "templates") for place in places])
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "auto_reload": False}
    directories = [
        str(place / "translations") for place in places if (place / "translations").is_dir()
    ]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(directories)
    install_languages(app, default, languages)
    Babel(app, locale_selector=choose_language, default_locale=default)
    app.jinja_env.filters.update(money=money, day=day)
    app.jinja_env.globals.update(
        asset=_assets(app), reader=current_reader, setting=value, slot=slot,
        languages=tuple(languages), pay_label=pay_label, drafted=drafted, plays_money=plays_money,
        csrf=csrf,
    )  # fmt: skip


CSRF = Markup('<input type="hidden" name="csrf" value="{}">')


def csrf() -> Markup:
    """Return the field that every form on a signed-in user's own pages carries."""
    return CSRF.format(csrf_token())


def money(amount: Money) -> str:
    """Write money as the reader's language does."""
    return amount.format(choose_language()).replace(" ", " ")


def day(at: datetime) -> str:
    """Write a day as the reader's language does."""
    return str(format_date(at.date(), "long"))


def pay_label(amount: Money, what: str = "read") -> str:
    """Return what an order button says: that it costs money, and how much.

    The wording is core's alone: Directive 2011/83/EU, article 8(2), asks for it.
    """
    if what == "read":
        return str(gettext("Pay %(price)s and read", price=money(amount)))
    if what == "give":
        return str(gettext("Pay %(price)s as a tip", price=money(amount)))
    return str(gettext("Pay %(price)s", price=money(amount)))


def drafted(offer: Offer) -> Money:
    """Return what the reader would pay for an offer, with what plugins add to its lines."""
    return checkout.draft(current_reader(), offer.lines).total


def plays_money() -> bool:
    """Tell whether no real money can move here: every enabled provider is for trying out."""
    providers = catalogue.providers.values()
    return bool(providers) and all(provider.mode == "test" for provider in providers)


EMPTY = Markup("")


def slot(name: str, **context: Any) -> Markup:
    """Return what plugins put into a named place of a page."""
    if not plugins.implementations("render_slot"):
        return EMPTY
    return live(partial(_slot, name, context))


def _slot(name: str, context: Mapping[str, Any]) -> Markup:
    shared = MappingProxyType(context)  # no plugin changes what the next one sees
    pieces = plugins.render("render_slot", slot=name, context=shared)
    return EMPTY.join(pieces) if pieces else EMPTY


def draw_embed(name: str, arguments: Mapping[str, str]) -> Markup:
    """Draw a directive by the plugin whose it is; nothing when that is off or fails."""
    return live(partial(_embed, name, arguments))


def _embed(name: str, arguments: Mapping[str, str]) -> Markup:
    embed = catalogue.embeds.get(name)
    if embed is None:
        log.info("nobody draws {{ %s }}", name)
        return EMPTY
    try:
        return embed.draw(arguments)
    except Exception:
        log.exception("the embed %s could not be drawn", name)
        return EMPTY


def _assets(app: Flask) -> Callable[..., str]:
    """Return the function that names a file with a hash of its content, so that it can be kept."""

    @lru_cache(maxsize=512)
    def address(endpoint: str, filename: str) -> str:
        folder = app.blueprints[endpoint.removesuffix(".static")].static_folder
        path = Path(folder or "") / filename
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        return url_for(endpoint, filename=filename, v=digest)

    def asset(filename: str, owner: str = "theme") -> str:
        return address(f"{owner}.static", filename)

    return asset

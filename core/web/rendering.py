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
from flask_babel import Babel, format_date, format_datetime, format_decimal, gettext, ngettext
from jinja2 import BytecodeCache, ChoiceLoader, FileSystemLoader
from jinja2.bccache import Bucket
from markupsafe import Markup
from werkzeug.security import safe_join

from core import checkout, plugins
from core.errors import BadInput, NotFound
from core.money import Money
from core.orders import Line, Offer
from core.people import current_reader
from core.people.signed_in import csrf_token
from core.plugins import catalogue
from core.settings import setting, site_currency, value
from core.themes import Themes
from core.web import sandbox
from core.web import themes as site_themes
from core.web.headers import let_in
from core.web.keeping import live
from core.web.languages import choose_language
from core.web.languages import install as install_languages

log = logging.getLogger("obolo.web")
CORE = Path(__file__).parents[1]
__all__ = ["gettext", "install", "ngettext"]


class Compiled(BytecodeCache):
    """Templates as they were compiled, for all apps of this process: the next one compiles none.

    Their environments have the same options; a template that was changed has another checksum.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was kept under a template's key."""
        if (code := self._codes.get(bucket.key)) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._codes[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


def install(
    app: Flask, folders: Sequence[Path], themes: Themes, default: str, languages: Sequence[str]
) -> None:
    """Set up templates and languages for the plugins in these folders and the site's themes."""
    places = [*folders, CORE]
    site_themes.install(app, themes)
    app.jinja_environment = site_themes.Templates  # type: ignore[assignment]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(place / "templates") for place in places])
    app.jinja_options = {
        "trim_blocks": True, "lstrip_blocks": True, "auto_reload": False,
        "bytecode_cache": COMPILED,
    }  # fmt: skip
    directories = [
        str(place / "translations")
        for place in (*(theme.folder for theme in themes.found.values()), *places)
        if (place / "translations").is_dir()
    ]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(directories)
    install_languages(app, default, languages)
    Babel(app, locale_selector=choose_language, default_locale=default)
    app.jinja_env.filters.update(money=money, day=day, moment=moment, number=number)
    app.jinja_env.globals.update(
        asset=_assets(app), reader=current_reader, setting=shown, slot=slot, express=express,
        languages=tuple(languages), pay_label=pay_label, drafted=drafted, choices=choices,
        remains=remains, test_mode=test_mode, plays_money=plays_money,
        csrf=csrf, currency=site_currency, theme_styles=site_themes.theme_styles,
        theme_marks=site_themes.theme_marks, theme_setting=site_themes.theme_setting,
    )  # fmt: skip
    sandbox.close(app)


def shown(name: str) -> Any:
    """Return a setting for a page. Raises NotFound; a secret is for no page."""
    if setting(name).secret:
        raise NotFound("There is no setting “{name}” for a page.", name=name)
    return value(name)


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


def number(value: float, places: int = 0) -> str:
    """Write a number as the reader's language does."""
    pattern = "#,##0." + "0" * places if places else "#,##0"
    return str(format_decimal(value, pattern))


def moment(at: datetime) -> str:
    """Write a day and the time of it, in UTC, as short as a table wants it."""
    return str(format_datetime(at, "d MMM y, HH:mm"))


def pay_label(amount: Money, what: str = "read") -> str:
    """Return what an order button says: that it costs money, and how much.

    The wording is core's alone: Directive 2011/83/EU, article 8(2), asks for it.
    """
    if not amount:
        read = gettext("Read it now, for nothing")
        return str(read if what == "read" else gettext("Have it now, for nothing"))
    price = money(amount)
    match what:
        case "balance":
            words = gettext("Pay %(price)s from your balance", price=price)
        case "balance-read":
            words = gettext("Pay %(price)s from your balance and read", price=price)
        case "later":
            words = gettext("Pay %(price)s later", price=price)
        case "later-read":
            words = gettext("Read and pay %(price)s later", price=price)
        case "read":
            words = gettext("Pay %(price)s and read", price=price)
        case "give":
            words = gettext("Pay %(price)s as a tip", price=price)
        case _:
            words = gettext("Pay %(price)s", price=price)
    return str(words)


def drafted(offer: Offer) -> Money:
    """Return what the reader would pay for an offer, with what plugins add to its lines."""
    return checkout.draft(current_reader(), offer.lines).total


def remains_of(text: str) -> list[checkout.Remaining]:
    """Return what remains of a price as somebody typed it, by each way to pay. Raises BadInput."""
    price = Money.parse(text, site_currency(), choose_language())
    if price.minor <= 0:
        raise BadInput("“{text}” is not a price.", text=text)
    return checkout.what_remains(price)


def remains(text: str) -> list[checkout.Remaining]:
    """Return the same for a page; of what is no price nothing."""
    try:
        return remains_of(text) if text else []
    except BadInput:
        return []


def choices(price: Money) -> list[checkout.Choice]:
    """Return the ways on from a price, for this reader; where there is none, to be told so."""
    return checkout.choices(price, current_reader()) or [checkout.Choice(price)]


def plays_money() -> bool:
    """Tell whether no real money can move here: every enabled provider is for trying out."""
    providers = catalogue.providers.values()
    return bool(providers) and all(provider.mode == "test" for provider in providers)


def test_mode() -> str:
    """Return what every page says while a provider takes money that is none; empty when none does.

    It follows the providers as they are now: a key that is changed while the site runs changes it.
    """
    tests = [name for name, provider in catalogue.providers.items() if provider.mode == "test"]
    if not tests:
        return ""
    if len(tests) == len(catalogue.providers):
        return str(gettext("Test mode: no real money moves."))
    names = ", ".join(map(_title, tests))
    return str(gettext("In test mode: %(names)s. No real money moves there.", names=names))


def _title(plugin: str) -> str:
    manifest = catalogue.manifests.get(plugin)
    titles = manifest.plugin.title if manifest else {}
    return titles.get(choose_language()) or titles.get("en", plugin)


EMPTY = Markup("")


def slot(name: str, **context: Any) -> Markup:
    """Return what plugins put into a named place of a page."""
    if not plugins.implementations("render_slot"):
        return EMPTY
    return live(partial(_slot, name, context))


def _slot(name: str, context: Mapping[str, Any]) -> Markup:
    shared = MappingProxyType(context)  # no plugin changes what the next one sees
    pieces = plugins.render("render_slot", slot=name, context=shared)
    for plugin, _ in pieces:
        let_in(plugin)
    return EMPTY.join(piece for _, piece in pieces) if pieces else EMPTY


def express(place: str, amount: Money, lines: Sequence[Line], **context: Any) -> Markup:
    """Return the buttons by which an amount is paid on the page itself, for an order or an offer.

    Only asked for while a provider that is offered for the amount can be paid so, and for lines of
    which no money is held and no way to pay kept: that takes the provider's own page.
    """
    needs_a_page = any(line.data.get("hold") or line.data.get("save") for line in lines)
    known = catalogue.providers.values()
    if needs_a_page or not any("inline" in provider.can for provider in known):
        return EMPTY
    return live(partial(_express, place, amount, context))


def _express(place: str, amount: Money, context: Mapping[str, Any]) -> Markup:
    ways = checkout.express(amount, current_reader())
    about = {**context, "amount": amount, "currency": amount.currency, "ways": ways}
    return _slot(f"{place}.express", about) if ways else EMPTY


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
        path = safe_join(folder or "", filename)
        if path is None:
            raise NotFound("There is no such page.")
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
        return url_for(endpoint, filename=filename, v=digest)

    def asset(filename: str, owner: str = "theme") -> str:
        if owner == "theme":
            return site_themes.theme_file(filename)
        return address(f"{owner}.static", filename)

    return asset

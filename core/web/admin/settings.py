"""Forms for settings: core's own on a page, and those of a plugin or theme wherever it wants them.

A form is made from what was declared; it knows no setting by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from core import settings
from core.checkout import Remaining, what_remains
from core.errors import BadInput, NotFound, OboloError
from core.money import Money
from core.people import current_reader
from core.settings import Setting, Value, site_currency
from core.storage import transaction
from core.web.admin.shell import admin_page
from core.web.callers import callers

blueprint = Blueprint("admin_settings", __name__, url_prefix="/admin/settings")
TITLES = {
    "site": _("The site"), "checkout": _("Checkout"), "embed": _("Buttons on other sites"),
    "admin": _("Administration"),
}  # fmt: skip
"""What the groups of core's settings are called, in the order in which they are shown."""
AMOUNT = re.compile(r"(?<![\w.])[0-9]{1,9}(?:\.[0-9]{1,3})? [A-Z]{3}(?!\w)")
MINOR = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: its setting, and what stands in it. `language` where it has several."""

    setting: Setting
    text: str
    language: str = ""
    error: str = ""
    is_locked: bool = False
    is_set: bool = False

    @property
    def name(self) -> str:
        """The field's name in the form."""
        return f"{self.setting.name}@{self.language}" if self.language else self.setting.name

    @property
    def label(self) -> str:
        """What it is called, in the reader's language."""
        return _in_language(self.setting.label) or self.setting.name

    @property
    def help(self) -> str:
        """What it does."""
        return _in_language(self.setting.help)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What may be chosen, with its label."""
        return [(key, _in_language(label) or key) for key, label in self.setting.choices.items()]

    @property
    def prices(self) -> list[tuple[Money, list[Remaining]]]:
        """The prices that stand in it, each with what remains of it; none where it is no price."""
        found = dict.fromkeys(_prices(self.setting, self.text)) if self.setting.price else ()
        return [(price, what_remains(price)) for price in found if price.minor > 0]

    @property
    def condition(self) -> str:
        """While which other fields have which values it is shown: `tipjar.mode=fixed`."""
        group = self.setting.name.partition(".")[0]
        return " ".join(
            f"{group}.{key}={_written(value)}" for key, value in self.setting.visible_if.items()
        )


def _prices(setting: Setting, text: str) -> list[Money]:
    """Read the prices in what stands in a field; what cannot be read is left out."""
    currency, found = site_currency(), []
    with suppress(BadInput):
        if setting.kind == "money":
            return [Money.parse(text, currency, current_reader().language)]
        if written := AMOUNT.findall(text):
            return [one for word in written if (one := Money.read(word)).currency == currency]
        found = [Money(int(word), currency) for word in text.split() if MINOR.fullmatch(word)]
    return found


def _in_language(texts: Mapping[str, str]) -> str:
    return texts.get(current_reader().language) or texts.get("en", "")


def _written(value: Value) -> str:
    return {True: "on", False: ""}.get(value, str(value)) if isinstance(value, bool) else str(value)


def fields(some: Iterable[Setting]) -> list[Field]:
    """Return the fields for some settings, with what they are now; no secret is in them."""
    return [one for setting in some for one in _fields(setting)]


def _fields(setting: Setting) -> list[Field]:
    is_locked = settings.locked(setting.name)
    if setting.secret:
        return [Field(setting, "", "", "", is_locked, bool(settings.value(setting.name)))]
    first = Field(setting, _text(setting, settings.value(setting.name)), "", "", is_locked)
    if not setting.per_language:
        return [first]
    further = current_app.extensions["obolo_languages"][1:]
    own = [settings.value(setting.name, language) for language in further]
    shared = settings.value(setting.name)
    return [first] + [
        Field(setting, "" if text == shared else text, language, "", is_locked)
        for language, text in zip(further, own, strict=True)
    ]


def _text(setting: Setting, value: Value) -> str:
    if setting.kind == "money":
        return Money(int(value), site_currency()).typed(current_reader().language)
    return _written(value)


def saved(some: Sequence[Setting], actor: str) -> list[Field]:
    """Save what a form sent for some settings, all or nothing; return the fields that are wrong.

    An empty secret stays as it is; `forget` names those that are to be emptied.
    """
    typed = [_typed(one) for one in fields(some) if not one.is_locked]
    read = [(one, *_read(one)) for one in typed]
    wrong = {one.name: error for one, _, error in read if error}
    if wrong:
        return [replace(one, error=wrong.get(one.name, "")) for one in typed]
    before = {one.name: one.text for one in fields(some)}
    with transaction():
        for one, value, _error in read:
            if one.setting.secret and not (value or one.name in request.form.getlist("forget")):
                continue
            if one.setting.secret or _text(one.setting, value) != before[one.name]:
                settings.save(one.setting.name, value, actor, language=one.language)
    return []


def _typed(one: Field) -> Field:
    """Return a field as it was sent; one that was not sent stays, a box is empty then."""
    left = "" if one.setting.kind == "bool" else one.text
    return replace(one, text=request.form.get(one.name, left).replace("\r\n", "\n").strip())


def _read(one: Field) -> tuple[Value, str]:
    """Return what somebody typed as a value, and what is wrong with it."""
    try:
        value = _value(one)
        if not (one.language and not value):
            settings.check(one.setting, value)
    except OboloError as error:
        return "", str(gettext(error.message).format(**error.values))
    return value, ""


def _value(one: Field) -> Value:
    kind = one.setting.kind
    if kind == "bool":
        return one.text == "on"
    if kind == "money":
        return Money.parse(one.text, site_currency(), current_reader().language).minor
    if kind == "int":
        return settings.from_text(one.setting, one.text)
    return one.text


def groups() -> dict[str, list[Setting]]:
    """Return core's settings by their first word."""
    found: dict[str, list[Setting]] = {name: [] for name in TITLES}
    for setting in settings.core_settings():
        found[setting.name.partition(".")[0]].append(setting)
    return found


@blueprint.get("/")
@callers("settings.change")
def show() -> Response:
    """Show the settings of the site, a form for each group."""
    return _page({})


def _page(typed: Mapping[str, list[Field]], status: int = 200) -> Response:
    shown = {
        name: (TITLES[name], typed.get(name) or fields(some)) for name, some in groups().items()
    }
    done = gettext("Saved.") if request.args.get("done") else ""
    return admin_page("admin/settings.html", status, groups=shown, done=done)


@blueprint.post("/<group>")
@callers("settings.change")
def save(group: str) -> Any:
    """Save one group."""
    some = groups().get(group)
    if some is None:
        raise NotFound("There are no such settings.")
    if wrong := saved(some, current_reader().holder):
        return _page({group: wrong}, 422)
    return redirect(url_for("admin_settings.show", done=1), 303)

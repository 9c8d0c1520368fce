"""Look: the themes of this site, tried, used, set, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _

from core.errors import BadInput, Refused
from core.people import current_reader
from core.settings import Setting, Value, from_text, locked
from core.themes import Theme, in_language
from core.themes.colours import LEAST, WHITE, contrast
from core.themes.manifest import Palette
from core.themes.stylesheet import ACCENT, both_shades
from core.web import trying
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.themes import site_themes, wear
from core.web.trying import Trial, signed

blueprint = Blueprint("admin_themes", __name__, url_prefix="/admin/themes")


@blueprint.get("/")
@callers("settings.change")
def show() -> Response:
    """Show every theme as a picture, with what leads to it."""
    themes = site_themes()
    active = themes.active
    others = [one for one in themes.found.values() if one is not active]
    done = _("Your readers see %(theme)s now.", theme=words(active.manifest.theme.title))
    return admin_page(
        "admin/themes/themes.html", themes=(active, *others), active=active, before=themes.before,
        broken=themes.broken, fixed=themes.fixed, words=words, address=trial_address,
        done=done if "used" in request.args else "",
    )  # fmt: skip


def words(texts: Mapping[str, str]) -> str:
    """Return a text in the reader's language."""
    return in_language(texts, current_reader().language)


def trial_address(theme: Theme, values: Mapping[str, Value] | None = None) -> str:
    """Return where the reader sees the front page in a theme, for half an hour."""
    sig = signed(Trial(theme.name, values or {}))
    return f"{request.script_root}/?theme={theme.name}&sig={sig}"


@blueprint.post("/use")
@callers("settings.change")
def use() -> Any:
    """Wear a theme from now on; one that is just tried keeps the settings it is tried with."""
    trial, name = trying.kept_trial(), request.form.get("theme", "")
    tried = trial.values if trial is not None and trial.theme == name else {}
    wear(name, current_reader().holder, tried)
    return trying.leave(redirect(url_for(".show", used=""), 303))


@blueprint.post("/undo")
@callers("settings.change")
def undo() -> Any:
    """Wear the theme before this one again."""
    before = site_themes().before
    if before is None:
        raise BadInput("There is no theme to go back to.")
    wear(before.name, current_reader().holder)
    return redirect(url_for(".show", used=""), 303)


@blueprint.post("/leave")
@callers("settings.change")
def leave() -> Any:
    """End what is tried."""
    return trying.leave(redirect(url_for(".show"), 303))


@blueprint.get("/<name>/settings")
@callers("settings.change")
def edit(name: str) -> Response:
    """Show a theme's settings."""
    theme = site_themes().theme(name)
    done = _("Saved.") if "saved" in request.args else ""
    return _form(theme, theme.values(), done=done)


@blueprint.post("/<name>/settings")
@callers("settings.change")
def change(name: str) -> Any:
    """Save a theme's settings, go back to its own, or show the site with them to this reader."""
    theme = site_themes().theme(name)
    if request.form.get("act") == "reset":
        values: dict[str, Value] = {key: one.initial for key, one in theme.settings.items()}
    else:
        values, wrong = _typed(theme)
        if wrong:
            return _form(theme, {**theme.values(), **request.form, **values}, wrong, 422)
    if request.form.get("act") == "try":
        return redirect(trial_address(theme, values), 303)
    site_themes().save(theme, values, current_reader().holder)
    return redirect(url_for(".edit", name=name, saved=""), 303)


def _typed(theme: Theme) -> tuple[dict[str, Value], dict[str, str]]:
    """Read the form: the values by key, and what is wrong with others."""
    values: dict[str, Value] = {}
    wrong: dict[str, str] = {}
    for key, setting in theme.settings.items():
        if locked(setting.name):
            continue
        try:
            values[key] = _value_of(setting, request.form.get(key))
        except Refused as error:
            wrong[key] = str(_(error.message))
    return values, wrong


def _value_of(setting: Setting, text: str | None) -> Value:
    if setting.kind == "bool":
        return text is not None
    return from_text(setting, (text or "").strip())


def _form(
    theme: Theme, values: Mapping[str, Value], wrong: Mapping[str, str] | None = None,
    status: int = 200, done: str = "",
) -> Response:  # fmt: skip
    accent = str(values.get(ACCENT, ""))
    palette = theme.palette
    can_measure = palette is not None and ACCENT in theme.settings and ACCENT not in (wrong or {})
    return admin_page(
        "admin/themes/theme.html", status, theme=theme, values=values, wrong=wrong or {},
        words=words, locked=locked, done=done, accent=ACCENT,
        is_active=theme is site_themes().active,
        measured=_measured(accent, palette) if can_measure and accent and palette else None,
    )  # fmt: skip


def _measured(accent: str, palette: Palette) -> dict[str, Any]:
    """Return what becomes of an accent, in figures and colours for its owner."""
    light, dark = both_shades(accent, palette)
    grounds = (palette.light.ground, palette.dark.ground)
    return {
        "samples": tuple(zip((light, dark), grounds, strict=True)),
        "has_white": light.on_fill == WHITE,
        "ratio": _ratio(contrast(light.on_fill, light.fill)),
        "other": _ratio(contrast(WHITE, light.fill)),
        "pale": _ratio(contrast(accent, palette.light.ground.background)),
        "is_pale": light.accent != accent,
        "stands_in": light.accent,
        "least": _ratio(LEAST),
    }


def _ratio(number: float) -> str:
    """Write a contrast to one digit; one that is too low never as if it were enough."""
    digits = round(number, 1)
    if number < LEAST <= digits:
        digits -= 0.1
    return str(format_decimal(digits, "0.0", locale=current_reader().language))

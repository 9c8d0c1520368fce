"""The set-up of a new site: five steps, each of which can be skipped; it ends on the public page.

The site works without any of them. What a step asks for can be changed later at the pages that it
is borrowed from. The last one belongs to the plugin that has the table `[setup]` in its manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from core import checkout, founding, settings
from core.errors import BadInput, NotFound, OboloError
from core.founding import CURRENCY, DONE, LANGUAGE, STEPS
from core.people import current_reader, passkeys, two_factor, users
from core.plugins import Query, catalogue, each, enabled, switching
from core.plugins.switching import Plugin
from core.settings import Setting, Value, from_text, value
from core.storage import transaction
from core.themes import Theme
from core.themes.stylesheet import ACCENT
from core.web.admin import settings as forms
from core.web.admin.plugins import STATES
from core.web.admin.shell import admin_page
from core.web.admin.themes import trial_address, words
from core.web.callers import callers
from core.web.doors import told
from core.web.rendering import plays_money
from core.web.themes import site_themes, wear

blueprint = Blueprint("admin_setup", __name__, url_prefix="/admin/setup")
TITLES: Mapping[str, Any] = {
    "site": _("The site"), "you": _("You"), "look": _("Look"), "pay": _("Getting paid"),
    "post": _("First post"),
}  # fmt: skip
ALLOW_LOSS = "checkout.allow_loss"
ACCENTS: Mapping[str, Any] = {
    "#0f5f57": _("teal"), "#1d4ed8": _("blue"), "#7a1fa2": _("violet"), "#a3271b": _("red"),
    "#9a5b00": _("ochre"), "#3f6212": _("green"),
}  # fmt: skip
"""Accents to choose from; each carries white words with at least 4.5 to 1."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the way shows it. `number` counts from 1."""

    name: str
    title: str
    number: int
    is_here: bool
    is_past: bool


def setup_page(template: str, status: int = 200, *, step: str = "post", **context: Any) -> Response:
    """Draw a page of the set-up: a template that extends `admin/setup/page.html`."""
    way = [
        Step(name, str(title), number, name == step, founding.is_past(name))
        for number, (name, title) in enumerate(TITLES.items(), 1)
    ]
    here = way[STEPS.index(step)]
    before = url_for("admin_setup.step", name=way[here.number - 2].name) if here.number > 1 else ""
    done = gettext("Saved.") if "saved" in request.args else ""
    return admin_page(template, status, way=way, here=here, before=before, done=done, **context)


def end_setup() -> None:
    """Note that the set-up is done. Its caller leads to the page that came of it."""
    founding.pass_step("post", current_reader().holder)


@blueprint.get("/")
@callers("settings.change")
def show() -> Any:
    """Go on where the owner left, or begin."""
    reached = founding.reached()
    return step(STEPS[0] if reached == DONE else reached)


@blueprint.get("/<name>")
@callers("settings.change")
def step(name: str) -> Any:
    """Show one step."""
    if name not in DRAWN:
        raise NotFound("There is no such page.")
    return DRAWN[name]()


@blueprint.post("/<name>")
@callers("settings.change")
def save(name: str) -> Any:
    """Save a step, or skip it, and go on to the next; after the last one to the public page."""
    if name not in DRAWN:
        raise NotFound("There is no such page.")
    act = request.form.get("act", "save")
    if act != "skip" and name in SAVED and (wrong := SAVED[name](act)) is not None:
        return wrong
    if founding.reached() == DONE and act != "skip":
        return redirect(url_for(".step", name=name, saved=1), 303)
    following = founding.pass_step(name, current_reader().holder)
    if following == DONE:
        return redirect(_front(), 303)
    return redirect(url_for(".step", name=following), 303)


def _front() -> str:
    """Return the public page; Home where no plugin has one."""
    adapter = current_app.create_url_adapter(request)
    has_one = adapter is not None and adapter.test("/", "GET")
    return f"{request.script_root}/" if has_one else url_for("admin_home.show")


# The site


def _asked() -> list[Setting]:
    names = ["site.name", "site.tagline", LANGUAGE, *([] if _why_currency_stays() else [CURRENCY])]
    return [settings.setting(name) for name in names]


def _why_currency_stays() -> str:
    """Return why no other currency can be chosen; nothing while one can."""
    if founding.has_entries():
        return "entries"
    cards = (card for _name, some in each("list_resources", query=Query()) for card in some)
    return "prices" if any("price" in card.fields for card in cards) else ""


def _draw_site(wrong: Sequence[forms.Field] = ()) -> Response:
    return setup_page(
        "admin/setup/site.html", 422 if wrong else 200, step="site",
        fields=wrong or [_suggested(one) for one in forms.fields(_asked())],
        stays=_why_currency_stays(),
    )  # fmt: skip


def _suggested(field: forms.Field) -> forms.Field:
    """Put the owner's own language into the form until one was chosen."""
    if field.setting.name != LANGUAGE or field.is_locked or founding.is_past("site"):
        return field
    return replace(field, text=current_reader().language)


def _save_site(_act: str) -> Response | None:
    before = {one: value(one) for one in (LANGUAGE, CURRENCY)}
    changed = any(request.form.get(one, was) != was for one, was in before.items())
    with transaction():
        if wrong := forms.saved(_asked(), current_reader().holder):
            return _draw_site(wrong)
        if changed:
            settings.bump(enabled.GENERATION)  # every process builds its app anew
    settings.set_site_currency(value(CURRENCY))  # here it counts for the very next step
    return None


# You


def _draw_you(name: str | None = None, error: str = "") -> Response:
    user = users.find(current_reader().holder)
    return setup_page(
        "admin/setup/you.html", 422 if error else 200, step="you", user=user, error=error,
        name=user.name if name is None else name, passkeys=passkeys.of_user(user.id),
        codes_left=two_factor.recovery_left(user.id),
    )  # fmt: skip


def _save_you(_act: str) -> Response | None:
    typed = request.form.get("name", "")
    try:
        users.set_name(users.find(current_reader().holder), users.clean_name(typed))
    except BadInput as error:
        return _draw_you(typed, told(error))
    return None


# Look


def _draw_look(chosen: str = "", accent: str | None = None, error: str = "") -> Response:
    themes = site_themes()
    theme = themes.found.get(chosen, themes.active)
    own = theme.values().get(ACCENT, "")
    now = accent if accent is not None else "" if theme.is_plain(ACCENT, own) else str(own)
    return setup_page(
        "admin/setup/look.html", 422 if error else 200, step="look", themes=themes, chosen=theme,
        accent=now, accents=ACCENTS, other=OTHER, words=words, error=error,
    )  # fmt: skip


def _save_look(act: str) -> Response | None:
    if site_themes().fixed:
        return None
    chosen, accent = request.form.get("theme", site_themes().active.name), _typed_accent()
    try:
        theme = site_themes().theme(chosen)
        values = _accent_of(theme, accent)
        if act == "try":
            return redirect(trial_address(theme, values), 303)  # type: ignore[return-value]
        wear(chosen, current_reader().holder, values)
    except NotFound:
        raise
    except OboloError as error:
        return _draw_look(chosen, accent, told(error))
    return None


def _typed_accent() -> str:
    picked = request.form.get("accent", "")
    typed = request.form.get("accent_other", "") if picked == OTHER else picked
    return typed.strip().lower()


def _accent_of(theme: Theme, accent: str) -> dict[str, Value]:
    """Return what a theme is to be set to; empty for one that has no accent. Raises Refused."""
    setting = theme.settings.get(ACCENT)
    if setting is None or settings.locked(setting.name):
        return {}
    return {ACCENT: from_text(setting, accent) if accent else setting.initial}


# Getting paid


def _draw_pay() -> Response:
    found = [one for one in switching.listed() if "register_provider" in one.hooks]
    return setup_page(
        "admin/setup/pay.html", step="pay", words=words, states=STATES,
        providers=[(one, _leads_to(one), _mode(one)) for one in found], plays=plays_money(),
        tries=value(ALLOW_LOSS) or not (founding.is_past("pay") or checkout.keeper_name()),
        is_locked=settings.locked(ALLOW_LOSS),
    )  # fmt: skip


def _leads_to(plugin: Plugin) -> str:
    """Return where a way to pay is connected: its own page, else that of its settings."""
    pages = plugin.found.manifest.admin if plugin.found and plugin.state == "enabled" else ()
    may = current_reader().permissions
    own = next((page.path for page in pages if page.permission in may), "")
    return own or url_for("admin_plugins.one", name=plugin.name)


def _mode(plugin: Plugin) -> str:
    provider = catalogue.providers.get(plugin.name)
    return provider.mode if provider else ""


def _save_pay(_act: str) -> Response | None:
    wanted = "tries" in request.form
    if plays_money() and not settings.locked(ALLOW_LOSS) and wanted != value(ALLOW_LOSS):
        settings.save(ALLOW_LOSS, wanted, current_reader().holder)
    return None


# The first post


def _draw_post() -> Any:
    """Lead to the page of the plugin that writes, or offer those that are off."""
    own = next((one.setup for one in catalogue.manifests.values() if one.setup), None)
    if own is not None:
        return redirect(f"{request.script_root}{own.path}", 303)
    writers = [
        one for one in switching.listed()
        if one.state == "found" and one.found and one.found.manifest.setup
    ]  # fmt: skip
    return setup_page("admin/setup/post.html", words=words, writers=writers)


DRAWN: Mapping[str, Callable[[], Any]] = {
    "site": _draw_site, "you": _draw_you, "look": _draw_look, "pay": _draw_pay, "post": _draw_post,
}  # fmt: skip
SAVED: Mapping[str, Callable[[str], Response | None]] = {
    "site": _save_site, "you": _save_you, "look": _save_look, "pay": _save_pay,
}  # fmt: skip
"""What draws a step, and what saves it: that returns what is shown instead of going on."""

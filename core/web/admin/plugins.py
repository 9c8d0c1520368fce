"""Plugins: what is there, what it may touch; switched on and off while the site runs."""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from core import settings
from core.clock import now
from core.errors import BadInput, Conflict, Refused
from core.people import current_reader
from core.plugins import (
    breaker,
    catalogue,
    connections,
    deprecations,
    enabled,
    exporting,
    switching,
)
from core.plugins.manifest import SETTING, Manifest
from core.plugins.preflight import NotReady
from core.plugins.switching import Plugin
from core.web.addresses import local_path
from core.web.admin import settings as forms
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told
from core.web.files import send_open

blueprint = Blueprint("admin_plugins", __name__, url_prefix="/admin/plugins")
MANAGE = "plugins.manage"
CAN: Mapping[str, Any] = {
    "register_blueprint": _("shows pages of its own"),
    "register_provider": _("takes payments"),
    "register_tasks": _("works behind the pages"),
    "register_embeds": _("draws directives in texts"),
    "register_fields": _("adds fields to posts"),
    "guard": _("closes posts and files, and says what opens them"),
    "require": _("closes posts and files, and says what opens them"),
    "describe": _("owns texts or files that can be opened"),
    "list_resources": _("owns texts or files that can be opened"),
    "add_lines": _("changes what orders cost"),
    "ask": _("asks readers questions when they order"),
    "review": _("refuses orders"),
    "reserve": _("takes part in storing orders"),
    "pay_machine": _("lets programs pay"),
    "send_message": _("sends the site’s messages"),
    "export_reader": _("keeps something of readers"),
    "erase_reader": _("keeps something of readers"),
    "check_health": _("looks whether what it needs outside answers"),
    "render_slot": _("adds pieces to pages"),
    "on_order_paid": _("is told of orders"),
    "on_order_refunded": _("is told of orders"),
    "on_order_expired": _("is told of orders"),
    "on_payment_saved": _("is told of orders"),
    "on_payment_failed": _("is told of orders"),
    "on_dispute": _("is told of orders"),
}
"""What a hook lets a plugin do, in words for an owner."""
GATES = {"guard", "require"}
STATES = {
    "enabled": (_("on"), "good"), "paused": (_("paused"), "bad"), "found": (_("off"), ""),
    "incompatible": (_("cannot be used"), "busy"),
}  # fmt: skip


@blueprint.get("/")
@callers(MANAGE)
def show() -> Response:
    """List all plugins, those that are on in the order in which they are asked."""
    return _list()


def _list(status: int = 200, **more: Any) -> Response:
    found = switching.listed()
    undo = request.args.get("off", "")
    return admin_page(
        "admin/plugins.html", status, states=STATES, about=_about,
        on=[one for one in found if one.state in ("enabled", "paused")],
        others=[one for one in found if one.state not in ("enabled", "paused")],
        undo=undo if undo in {one.name for one in found if one.state == "found"} else "", **more,
    )  # fmt: skip


def _about(one: Plugin) -> dict[str, str]:
    """Return a plugin's title and description in the reader's language."""
    language = current_reader().language
    if one.found is None:
        return {"title": one.name, "description": "", "version": "", "author": "", "licence": ""}
    about = one.found.manifest.plugin
    return {
        "title": about.title.get(language) or about.title.get("en", one.name),
        "description": about.description.get(language) or about.description.get("en", ""),
        "version": about.version, "author": about.author, "licence": about.licence,
    }  # fmt: skip


@blueprint.get("/<name>")
@callers(MANAGE)
def one(name: str) -> Response:
    """Show what a plugin is, what it can do here, how it fares, and its settings."""
    return _one(switching.plugin(name))


def _one(plugin: Plugin, status: int = 200, **more: Any) -> Response:
    manifest = plugin.found.manifest if plugin.found else None
    own = manifest.declared_settings if manifest else []
    settings.declare(own)  # one that was never on is known from here
    shown = {
        "fields": forms.fields(own), "done": _done(plugin), "can": _can(plugin),
        "calls": _calls(manifest) if manifest else [],
        "old": deprecations.used_by(plugin.found.folder) if plugin.found else [],
        "touches": manifest.touches if manifest else None,
        "timings": breaker.timings(plugin.name), "tables": switching.tables_of(plugin.name),
        "needed_by": switching.dependents(plugin.name), "is_gate": bool(GATES & plugin.hooks),
        "provides": [name for name in catalogue.providers if name == plugin.name],
        "checked": _checked(plugin),
    }  # fmt: skip
    return admin_page(
        "admin/plugin.html", status, plugin=plugin, about=_about(plugin), states=STATES,
        **shown | more,
    )  # fmt: skip


def _calls(manifest: Manifest) -> list[str]:
    """Return the hosts that a plugin declares; of one that a setting names, the setting's label."""
    language, shown = current_reader().language, []
    for host in manifest.touches.hosts:
        key = host.removeprefix(SETTING)
        label = manifest.settings[key].label if host != key else {"en": host}
        shown.append(label.get(language) or label["en"])
    return shown


def _checked(plugin: Plugin) -> dict[str, Any] | None:
    """Return when a plugin looked outside and what it found; None when it cannot look."""
    if plugin.name not in connections.able():
        return None
    at, found = connections.last(plugin.name)
    said = [(one, connections.in_language(one, gettext)) for one in found]
    return {"at": at, "said": said, "now": request.args.get("done") == "checked"}


def _can(plugin: Plugin) -> list[str]:
    words = [str(CAN[hook]) for hook in CAN if hook in plugin.hooks]
    return list(dict.fromkeys(words))


def _done(plugin: Plugin) -> str:
    what = request.args.get("done", "")
    title = _about(plugin)["title"]
    if what == "on" and plugin.state == "enabled":
        return str(gettext("%(title)s is on.", title=title))
    return str(gettext("Saved.")) if what == "saved" else ""


@blueprint.post("/<name>/on")
@callers(MANAGE, confirmed=True)
def switch_on(name: str) -> Any:
    """Try a plugin in a process of its own, and switch it on if it passes."""
    try:
        switching.switch_on(name, actor=current_reader().holder)
    except NotReady as error:
        return _one(switching.plugin(name), 422, report=error.report)
    page = url_for("admin_plugins.one", name=name, done="on")
    return redirect(local_path(request.form.get("to", page), page), 303)


@blueprint.post("/<name>/off")
@callers(MANAGE, confirmed=True)
def switch_off(name: str) -> Any:
    """Switch a plugin off; the list offers to take that back."""
    try:
        switching.switch_off(name, actor=current_reader().holder)
    except Conflict as error:
        return _one(switching.plugin(name), 409, error=str(gettext(error.message)).format(
            **error.values
        ))  # fmt: skip
    return redirect(url_for("admin_plugins.show", off=name), 303)


@blueprint.post("/<name>/move")
@callers(MANAGE, confirmed=True)
def move(name: str) -> Any:
    """Ask a plugin earlier or later than it is asked now."""
    names = list(enabled.names("enabled", "paused"))
    if name not in names:
        raise Refused("Only a plugin that is on has a place.")
    place = names.index(name)
    wanted = place - 1 if request.form.get("to") == "earlier" else place + 1
    if 0 <= wanted < len(names):
        names[place], names[wanted] = names[wanted], names[place]
        enabled.reorder(names, actor=current_reader().holder)
    return redirect(url_for("admin_plugins.show"), 303)


@blueprint.post("/<name>/check")
@callers(MANAGE)
def check(name: str) -> Any:
    """Let a plugin look whether what it needs outside answers."""
    if name not in connections.able():
        raise Refused("This plugin is not on, or has nothing to check.")
    me = current_reader()
    connections.check([name], actor=me.holder, address=me.address)
    return redirect(
        url_for("admin_plugins.one", name=name, done="checked", _anchor="connection"), 303
    )


@blueprint.post("/<name>/settings")
@callers(MANAGE, confirmed=True)
def save(name: str) -> Any:
    """Save a plugin's settings, whether it is on or off."""
    plugin = switching.plugin(name)
    own = plugin.found.manifest.declared_settings if plugin.found else []
    settings.declare(own)
    if wrong := forms.saved(own, current_reader().holder):
        return _one(plugin, 422, fields=wrong)
    return redirect(url_for("admin_plugins.one", name=name, done="saved"), 303)


@blueprint.post("/<name>/export")
@callers(MANAGE, confirmed=True)
def export(name: str) -> Response:
    """Send what a plugin keeps as one file."""
    me = current_reader()
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        exporting.export(name, file, actor=me.holder, address=me.address)
    except BaseException:
        file.close()
        raise
    return send_open(file, f"{name}-{now():%Y%m%d}.zip", "application/zip")


@blueprint.post("/<name>/uninstall")
@callers(MANAGE, confirmed=True)
def uninstall(name: str) -> Any:
    """Take a plugin off the list; with its name typed, its data as well."""
    plugin, form = switching.plugin(name), request.form
    delete = form.get("data") == "delete"
    if delete and form.get("name", "").strip() != name:
        error = BadInput("Type {name} to delete what it keeps.", name=name)
        return _one(plugin, 422, uninstall_error=told(error))
    switching.uninstall(name, delete=delete, actor=current_reader().holder)
    return redirect(url_for("admin_plugins.show"), 303)

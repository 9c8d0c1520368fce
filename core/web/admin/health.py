"""Health: what needs attention, each with the one place where it is put right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from core import doctor, scripts
from core.doctor import SENTENCES, Finding
from core.errors import BadInput, Conflict
from core.money import Money
from core.people import current_reader
from core.plugins import Health
from core.plugins.connections import in_language
from core.web.admin.navigation import allowed_places
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told
from core.web.rendering import money

blueprint = Blueprint("admin_health", __name__, url_prefix="/admin/health")
LONGEST_REASON = 300

REMEDIES: Mapping[str, tuple[str, str]] = {
    "plugin": ("/admin/plugins/", _("To the plugins")),
    "paused": ("/admin/plugins/", _("To the plugins")),
    "connection": ("/admin/plugins/", _("To the plugin")),
    "theme": ("/admin/themes/", _("To the themes")),
    "delivery": ("/admin/jobs/", _("Try it again")),
    "notice": ("/admin/jobs/", _("Try it again")),
    "mail": ("/admin/jobs/", _("To the messages")),
    "tasks": ("/admin/jobs/", _("To the jobs")),
    "unassigned": ("/admin/money/", _("To the money")),
    "dispute": ("/admin/orders/", _("To the orders")),
    "suspicion": ("/admin/orders/", _("To the orders")),
    "held": ("/admin/orders/", _("To the orders")),
    "account": ("/admin/money/", _("To the money")),
    "backup": ("/admin/backups/", _("Make one now")),
    "no_backup": ("/admin/backups/", _("Make one now")),
    "factor": ("/admin/team/", _("To the team")),
    "seal": ("/admin/audit/", _("To the audit log")),
    "loss": ("/admin/settings/", _("To the settings")),
    "console": ("/admin/settings/", _("To the settings")),
    "play": ("/admin/plugins/", _("To the plugins")),
}
"""Where a kind of finding is put right, and what the button says."""


def home() -> Path:
    """Return the folder of the site."""
    folder: Path = current_app.extensions["obolo_config"].home
    return folder


def attention() -> list[Finding]:
    """Return what needs attention and is not ignored, without the long checks."""
    reasons = doctor.ignored()
    found = doctor.findings(home())
    return [one for one in found if one.level != "note" and one.key not in reasons]


def said(finding: Finding) -> str:
    """Return what a finding says, in the reader's language."""
    values = {name: _shown(value) for name, value in finding.values.items()}
    return str(gettext(SENTENCES[finding.kind]).format(**values))


def _shown(value: object) -> object:
    if isinstance(value, Health):
        return in_language(value, gettext)
    return money(value) if isinstance(value, Money) else value


def remedy(finding: Finding) -> tuple[str, str] | None:
    """Return where the reader puts a finding right, and what the button says; None for nowhere."""
    address, label = REMEDIES.get(finding.kind, ("", ""))
    known = [place.address for place in allowed_places()]
    if address not in known:
        return None
    return (address + finding.subject if finding.kind == "connection" else address), str(label)


@blueprint.get("/")
@callers("settings.change")
def show() -> Response:
    """Show what needs attention; `?all=1` checks all of the books and seals, too."""
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    deep = request.args.get("all") == "1"
    return admin_page(
        "admin/health.html", status, found=doctor.findings(home(), deep=deep), deep=deep,
        reasons=doctor.ignored(), said=said, remedy=remedy, **more,
    )  # fmt: skip


@blueprint.post("/")
@callers("settings.change")
def change() -> Any:
    """Ignore a finding for a reason, or heed it again."""
    me, key = current_reader(), request.form.get("key", "")
    try:
        if request.form.get("heed"):
            doctor.heed(key, actor=me.holder, address=me.address)
        else:
            doctor.ignore(key, _reason(key), actor=me.holder, address=me.address)
    except BadInput as error:
        return _page(422, error=told(error), wrong_key=key)
    return redirect(url_for("admin_health.show"), 303)


@blueprint.post("/scripts")
@callers("settings.change", confirmed=True)
def accept_script() -> Any:
    """Take a script that was changed for right, as it was when the page showed it."""
    me, worn = current_reader(), current_app.extensions["obolo_themes"].worn
    name = request.form.get("name", "")
    if not scripts.accept(worn, actor=me.holder, address=me.address, only=name):
        raise Conflict("This script has changed again since. Please look once more.")
    return redirect(url_for("admin_health.show"), 303)


def _reason(key: str) -> str:
    reason = " ".join(request.form.get("reason", "").split())
    if not reason or len(reason) > LONGEST_REASON:
        raise BadInput("Please write why, in at most {most} characters.", most=LONGEST_REASON)
    if key.partition(":")[0] not in SENTENCES or len(key) > LONGEST_REASON:
        raise BadInput("This form is too old. Please open the page again.")
    return reason

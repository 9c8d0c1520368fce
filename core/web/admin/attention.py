"""What needs the owner's attention now, worst first, each with where something can be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from core import figures, settings
from core.clock import now
from core.money import Money
from core.notices import untold
from core.payments import inbox
from core.plugins import catalogue
from core.settings import site_currency
from core.storage import execute, instant
from core.web.admin import drawing
from core.web.rendering import money

WORKER_SEEN = timedelta(minutes=2)
BACKUP_AGE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Matter:
    """One sentence, `bad` or `busy`, and the page on which it is dealt with, if there is one."""

    look: str
    words: str
    address: str = ""


def matters() -> list[Matter]:
    """Return what needs attention, the worst first."""
    found = [matter for look in CHECKS for matter in look()]
    return sorted(found, key=lambda one: one.look != "bad")


def _plugins_off() -> Iterator[Matter]:
    for name in sorted(catalogue.failed):
        words = _("The plugin %(name)s is off, because it failed.", name=name)
        yield Matter("bad", words, drawing.address_of("admin_plugins.show"))


def _worker_away() -> Iterator[Matter]:
    newest = execute("SELECT MAX(at) FROM tasks_slot").fetchone()[0]
    if newest is None or now() - instant(newest) > WORKER_SEEN:
        words = _("Nothing is done behind the pages: no mail, no looking again. Start a worker.")
        yield Matter("bad", words, drawing.address_of("admin_jobs.show"))


def _messages_waiting() -> Iterator[Matter]:
    failed = [one for one in inbox.unsettled() if one[3]]
    if failed:
        words = ngettext(
            "%(num)s message of a provider could not be settled.",
            "%(num)s messages of providers could not be settled.", len(failed),
        )  # fmt: skip
        yield Matter("bad", words, drawing.address_of("admin_jobs.show"))
    late = [one for one in untold() if one[3]]
    if late:
        words = ngettext(
            "A plugin was not told of %(num)s event.", "Plugins were not told of %(num)s events.",
            len(late),
        )  # fmt: skip
        yield Matter("busy", words, drawing.address_of("admin_jobs.show"))


def _disputes() -> Iterator[Matter]:
    found = figures.disputed(tuple(catalogue.providers), drawing.mode())
    if found:
        words = ngettext(
            "%(num)s payment is disputed: %(sum)s are held back.",
            "%(num)s payments are disputed: %(sum)s are held back.", len(found),
            sum=drawing.amount(sum(amount.minor for _order, amount in found)),
        )  # fmt: skip
        one_order = len(found) == 1 and drawing.address_of("admin_orders.order", id=found[0][0])
        yield Matter("bad", words, one_order or drawing.address_of("admin_orders.show"))


def _unassigned() -> Iterator[Matter]:
    found = figures.unassigned(drawing.mode())
    whole = Money.total(
        (one.amount for one in found if one.amount.currency == site_currency()), site_currency()
    )
    if whole:
        words = _("%(sum)s came in and belong to no sale.", sum=money(whole))
        yield Matter("busy", words, url_for("admin_money.show", _anchor="unassigned"))


def _losses() -> Iterator[Matter]:
    if settings.value("checkout.allow_loss"):
        words = _("A fee may eat a small sale: ways to pay that cost more than it are offered.")
        yield Matter("busy", words, drawing.address_of("admin_settings.show"))


def _backups() -> Iterator[Matter]:
    made = newest_backup(current_app.extensions["obolo_config"].home)
    if made is None:
        yield Matter("busy", _("There is no backup yet."), drawing.address_of("admin_backups.show"))
    elif (age := now() - made) > BACKUP_AGE:
        words = ngettext(
            "The last backup is %(num)s day old.", "The last backup is %(num)s days old.", age.days
        )
        yield Matter("busy", words, drawing.address_of("admin_backups.show"))


def newest_backup(home: Path) -> datetime | None:
    """Return when the newest backup in the site's folder was made."""
    times = [path.stat().st_mtime for path in (home / "backups").glob("*.tar.gz")]
    return datetime.fromtimestamp(max(times), UTC) if times else None


CHECKS = (
    _plugins_off, _worker_away, _messages_waiting, _disputes, _unassigned, _losses, _backups,
)  # fmt: skip

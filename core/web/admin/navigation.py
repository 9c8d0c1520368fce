"""What the administration leads to, as data: sections, and the pages that somebody may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import request, url_for
from flask_babel import lazy_gettext as _

from core.people import current_reader
from core.plugins import catalogue

SECTIONS: Mapping[str, tuple[str, str]] = {
    "home": (_("Home"), "home"),
    "posts": (_("Posts"), "file-text"),
    "sell": (_("Sell"), "shopping-bag"),
    "people": (_("People"), "users"),
    "money": (_("Money"), "coins"),
    "look": (_("Look"), "palette"),
    "plugins": (_("Plugins"), "puzzle"),
    "settings": (_("Settings"), "settings"),
}
"""The name and the icon of each section, in the order in which they are shown."""

PAGES: tuple[tuple[str, str, str, str], ...] = (
    ("home", "admin_home.show", _("Home"), "admin.enter"),
    ("money", "admin_money.show", _("Overview"), "orders.view"),
    ("money", "admin_money.owed", _("Balances owed"), "orders.view"),
    ("sell", "admin_orders.show", _("Orders"), "orders.view"),
    ("sell", "admin_buttons.show", _("Buttons"), "posts.write"),
    ("people", "admin_readers.show", _("Readers"), "people.view"),
    ("people", "team.show", _("Team"), "people.manage"),
    ("look", "admin_themes.show", _("Themes"), "settings.change"),
    ("plugins", "admin_plugins.show", _("Plugins"), "plugins.manage"),
    ("settings", "admin_settings.show", _("Settings"), "settings.change"),
    ("settings", "admin_outgoing.show", _("Webhooks"), "settings.change"),
    ("settings", "admin_health.show", _("Health"), "settings.change"),
    ("settings", "admin_jobs.show", _("Jobs"), "settings.change"),
    ("settings", "admin_audit.show", _("Audit log"), "audit.view"),
    ("settings", "admin_backups.show", _("Backups"), "keys.manage"),
)
"""Core's pages: section, endpoint, label, permission. A screen that is added gets a line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the administration leads to; `current` is the one that is shown, or its list."""

    section: str
    address: str
    label: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the administration, with what the reader may see of it."""

    name: str
    label: str
    icon: str
    places: tuple[Place, ...]

    @property
    def address(self) -> str:
        """Where the section begins."""
        return self.places[0].address

    @property
    def current(self) -> bool:
        """Whether the page that is shown belongs to it."""
        return any(place.current for place in self.places)


def sections() -> list[Section]:
    """Return the sections of which the reader may see something."""
    places = _marked(allowed_places())
    return [
        Section(name, str(label), icon, tuple(own))
        for name, (label, icon) in SECTIONS.items()
        if (own := [place for place in places if place.section == name])
    ]


def allowed_places() -> list[Place]:
    """Return the pages that the reader may see: core's, then those of enabled plugins."""
    reader = current_reader()
    found = [
        Place(section, url_for(endpoint), str(label))
        for section, endpoint, label, permission in PAGES
        if permission in reader.permissions
    ]
    return found + [
        Place(page.section, page.path, page.label.get(reader.language) or page.label["en"])
        for manifest in catalogue.manifests.values()
        for page in manifest.admin
        if page.permission in reader.permissions
    ]


def _marked(places: list[Place]) -> list[Place]:
    """Mark the page that is shown: of those above its address the nearest."""
    above = [place.address for place in places if request.path.startswith(place.address)]
    nearest = max(above, key=len, default="")
    return [replace(place, current=place.address == nearest) for place in places]

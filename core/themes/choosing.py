"""Which of the themes a site wears: tried, used, and the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core import audit, settings
from core.errors import NotFound, Refused
from core.settings import Setting, Value
from core.storage import transaction
from core.themes.finding import Theme, find_themes

CHOICE = "site.theme"
PLAIN = "quaderno"
"""The theme that is always there."""
SYSTEM = "system"
"""Who takes a theme off that fails: no person."""


def taken_off() -> str:
    """Return the theme that the site took off by itself, until a person has chosen again."""
    changed = audit.events(action="settings.save", subject=CHOICE, limit=1)
    if not changed or changed[0].actor != SYSTEM:
        return ""
    return str(changed[0].data.get("before", ""))


@dataclass(frozen=True)
class Themes:
    """The themes that a site can wear, and what is wrong with others; made anew with each app.

    `plain` is the one it wears until its owner chooses; a `fixed` one cannot be changed.
    """

    found: Mapping[str, Theme]
    broken: Mapping[str, str]
    plain: str = PLAIN
    fixed: bool = False

    @classmethod
    def find(cls, folder: Path, plain: str, *, safe: bool = False) -> Themes:
        """Look in the bundled themes and in the site's folder; in safe mode in the first only."""
        found, broken = find_themes([] if safe else [folder])
        return cls(found, broken, PLAIN if safe or plain not in found else plain, fixed=safe)

    def declare(self) -> None:
        """Make the choice and the settings of all themes known."""
        settings.declare([
            Setting(
                name=CHOICE, kind="select", default=self.plain,
                label={"en": "Theme", "it": "Tema"},
                choices={name: dict(one.manifest.theme.title) for name, one in self.found.items()},
            ),
            *(one for theme in self.found.values() for one in theme.settings.values()),
        ])  # fmt: skip

    @property
    def active(self) -> Theme:
        """The theme that everybody sees; the plain one where the chosen one is gone."""
        name = self.plain if self.fixed else settings.value(CHOICE)
        return self.found.get(name) or self.found[self.plain]

    @property
    def worn(self) -> tuple[Theme, ...]:
        """The active theme and those that it is made from: their files are on every page."""
        return self.active.chain

    def theme(self, name: str) -> Theme:
        """Return a theme by its name. Raises NotFound."""
        try:
            return self.found[name]
        except KeyError:
            raise NotFound("There is no such theme.") from None

    @property
    def before(self) -> Theme | None:
        """The theme that was worn before this one, if it is still there."""
        changed = audit.events(action="settings.save", subject=CHOICE, limit=1)
        if not changed:
            return None
        name = changed[0].data.get("before") or self.plain
        return self.found.get(name) if name != self.active.name else None

    def use(self, name: str, actor: str, values: Mapping[str, Value] | None = None) -> None:
        """Wear a theme from now on, with these of its settings; all processes are told.

        Raises NotFound, and Refused where the choice is fixed.
        """
        theme = self.theme(name)
        if self.fixed:
            raise Refused("In safe mode the theme cannot be changed.")
        with transaction():
            self.save(theme, values or {}, actor)
            if name != self.active.name:
                settings.save(CHOICE, name, actor)
                settings.bump("plugins")

    def take_off(self, name: str) -> bool:
        """Wear the plain theme instead of one that fails or hangs; tell whether it was worn."""
        if self.fixed or self.active.name != name or name == PLAIN:
            return False
        with transaction():
            settings.save(CHOICE, PLAIN, SYSTEM)
            settings.bump("plugins")
        return True

    def save(self, theme: Theme, values: Mapping[str, Value], actor: str) -> None:
        """Keep those of a theme's settings that changed. Raises Refused for a wrong one."""
        before = theme.values()
        with transaction():
            for key, chosen in values.items():
                if key in theme.settings and chosen != before[key]:
                    settings.save(theme.settings[key].name, chosen, actor)

"""Find themes by their folders, each with the parents whose files stand in for its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from core.errors import OboloError
from core.settings import Setting, Value, value
from core.themes.manifest import Font, Palette, ThemeError, ThemeManifest, read_theme

BUNDLED = Path(__file__).parents[2] / "themes"
CORE_STATIC = Path(__file__).parents[1] / "static"
STYLESHEET = "theme.css"
MOST_PARENTS = 3


@dataclass(frozen=True)
class Theme:
    """A theme's folder and manifest, and the theme that it is a child of."""

    folder: Path
    manifest: ThemeManifest
    parent: Theme | None = None

    @property
    def name(self) -> str:
        """The theme's name."""
        return self.manifest.name

    def title(self, language: str) -> str:
        """Return what it is called in a language."""
        return in_language(self.manifest.theme.title, language)

    @cached_property
    def chain(self) -> tuple[Theme, ...]:
        """The theme, then its parent, and so on."""
        return (self, *(self.parent.chain if self.parent else ()))

    @cached_property
    def palette(self) -> Palette | None:
        """The nearest palette of the chain."""
        return next((one.manifest.palette for one in self.chain if one.manifest.palette), None)

    @cached_property
    def fonts(self) -> tuple[Font, ...]:
        """The fonts of the nearest theme that says which."""
        named = (one.manifest.fonts for one in self.chain)
        return next((fonts for fonts in named if fonts is not None), ())

    @property
    def font_bytes(self) -> int:
        """How much a browser downloads for all its fonts."""
        return sum(path.stat().st_size for path in self.font_files())

    def font_files(self) -> Iterator[Path]:
        """Yield where the fonts lie. Raises ThemeError for one that is not there."""
        for font in self.fonts:
            for name in font.files:
                path = CORE_STATIC / name.removeprefix("core/")
                found = path if name.startswith("core/") else self.file(name)
                if found is None or not found.is_file():
                    raise ThemeError("{theme} has no font {name}.", theme=self.name, name=name)
                yield found

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """The settings by key: its parents', then its own; each is stored under this theme."""
        merged: dict[str, Setting] = {}
        for one in reversed(self.chain):
            merged |= one.manifest.settings
        return {
            key: msgspec.structs.replace(found, name=f"theme_{self.name}.{key}")
            for key, found in merged.items()
        }

    def values(self) -> dict[str, Value]:
        """Return what the owner set, by key."""
        return {key: value(one.name) for key, one in self.settings.items()}

    def is_plain(self, key: str, chosen: Value) -> bool:
        """Tell whether a value is what the theme has without any choice."""
        return chosen == self.settings[key].initial

    def file(self, name: str) -> Path | None:
        """Return a file of its `static/`, or of the nearest parent that has it."""
        known = self._known_files.get(name)
        if known is not None and known.is_file():
            return known
        for one in self.chain:
            static = one.folder / "static"
            path = static / name
            if path.is_file() and path.resolve().is_relative_to(static.resolve()):
                self._known_files[name] = path
                return path
        return None

    @cached_property
    def _known_files(self) -> dict[str, Path]:
        """Files that were found: every page names the same few."""
        return {}

    @cached_property
    def templates(self) -> tuple[Path, ...]:
        """The folders of the chain that have templates."""
        folders = (one.folder / "templates" for one in self.chain)
        return tuple(folder for folder in folders if folder.is_dir())

    @cached_property
    def stylesheets(self) -> tuple[Theme, ...]:
        """The themes of the chain that have a stylesheet, the outermost parent first."""
        return tuple(
            one for one in reversed(self.chain) if (one.folder / "static" / STYLESHEET).is_file()
        )


def in_language(texts: Mapping[str, str], language: str) -> str:
    """Return a text in a language, else in English, else in any."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def find_themes(folders: Sequence[Path]) -> tuple[dict[str, Theme], dict[str, str]]:
    """Return the themes in these folders by name, and what cannot be used with the reason.

    The bundled ones come first; another folder cannot take their names.
    """
    manifests: dict[str, tuple[Path, ThemeManifest]] = {}
    broken: dict[str, str] = {}
    for place in (BUNDLED, *folders):
        for path in sorted(place.glob("*/theme.toml")):
            name = path.parent.name
            if name in manifests or name in broken:
                continue
            try:
                manifests[name] = (path.parent, read_theme(path.parent))
            except OboloError as error:
                broken[name] = str(error)
    found: dict[str, Theme] = {}
    for name in manifests:
        try:
            theme = _with_parents(name, manifests, ())
            _check(theme)
            found[name] = theme
        except OboloError as error:
            broken[name] = str(error)
    return found, broken


def _with_parents(
    name: str, manifests: Mapping[str, tuple[Path, ThemeManifest]], children: tuple[str, ...]
) -> Theme:
    if name in children:
        raise ThemeError("{name} is its own parent.", name=children[0])
    if len(children) > MOST_PARENTS:
        raise ThemeError("{name} has too many parents.", name=children[0])
    if name not in manifests:
        raise ThemeError(
            "{name} is a child of “{parent}”, which cannot be used.", name=children[0], parent=name
        )
    folder, manifest = manifests[name]
    parent = manifest.theme.parent
    above = _with_parents(parent, manifests, (*children, name)) if parent else None
    return Theme(folder, manifest, above)


def _check(theme: Theme) -> None:
    if not theme.stylesheets:
        raise ThemeError("{name} has no static/theme.css.", name=theme.name)
    list(theme.font_files())

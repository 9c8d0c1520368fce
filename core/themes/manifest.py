"""What a theme says of itself in `theme.toml`, read without running any of its code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from core.errors import OboloError
from core.plugins.manifest import NAME, Text, decoded
from core.settings import Setting
from core.themes.colours import LEAST, Ground, contrast

KINDS = frozenset({"text", "longtext", "bool", "int", "select", "color", "url", "image"})
"""What a theme may ask for: nothing that is secret, and no money."""

Color = Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")]
FontFile = Annotated[str, msgspec.Meta(pattern=r"^(core/)?([a-z0-9_-]+/)*[a-z0-9_.-]+\.woff2$")]
Key = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]


class ThemeError(OboloError):
    """A theme cannot be used; the message names file and place."""


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[theme]`; `parent` is the theme whose files stand in where this one has none."""

    name: str
    title: dict[str, Text]
    version: Text
    description: dict[str, Text]
    licence: str = ""
    author: str = ""
    parent: str = ""


class Tones(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What text stands on in one scheme: the same colours as in the stylesheet."""

    background: Color
    surface: Color
    ink: Color

    @property
    def ground(self) -> Ground:
        """The colours, in small letters."""
        return Ground(self.background.lower(), self.surface.lower(), self.ink.lower())


class Palette(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[palette]`: what an owner's accent is measured against."""

    light: Tones
    dark: Tones


class Font(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[fonts]]`: files in the theme's `static/`, or in core's when they start `core/`."""

    family: Text
    licence: Text
    files: tuple[FontFile, ...]


class ThemeManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `theme.toml`. A child without a palette or fonts has those of its parent."""

    theme: About
    palette: Palette | None = None
    fonts: tuple[Font, ...] | None = None
    settings: dict[Key, Setting] = {}

    @property
    def name(self) -> str:
        """The theme's name, which is its folder's."""
        return self.theme.name


def read_theme(folder: Path) -> ThemeManifest:
    """Read and check `theme.toml`. Raises ThemeError."""
    path = folder / "theme.toml"
    manifest = decoded(path, ThemeManifest, ThemeError)
    if manifest.name != folder.name or not NAME.fullmatch(manifest.name):
        raise ThemeError(
            "{path} names the theme “{name}”; it must be named as its folder, in small letters.",
            path=path, name=manifest.name,
        )  # fmt: skip
    for key, setting in manifest.settings.items():
        if setting.kind not in KINDS:
            raise ThemeError(
                "{path} has a setting “{key}” of the type {kind}, which no theme may ask for.",
                path=path, key=key, kind=setting.kind,
            )  # fmt: skip
    if manifest.palette is not None:
        _check_palette(path, manifest.palette)
    return manifest


def _check_palette(path: Path, palette: Palette) -> None:
    for scheme, tones in (("light", palette.light), ("dark", palette.dark)):
        ground = tones.ground
        for place in (ground.background, ground.surface):
            if contrast(ground.ink, place) < LEAST:
                raise ThemeError(
                    "{path}: in the {scheme} palette, {ink} cannot be read on {place}.",
                    path=path, scheme=scheme, ink=ground.ink, place=place,
                )  # fmt: skip

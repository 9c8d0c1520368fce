"""The stylesheet that an owner's settings of a theme become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from core.settings import Value
from core.themes.colours import Shades, shades
from core.themes.finding import Theme
from core.themes.manifest import Palette

ACCENT = "accent"
"""The setting of the kind `color` that core makes readable."""


def stylesheet(theme: Theme, values: Mapping[str, Value]) -> str:
    """Return the rules for a theme with these values; empty when the owner chose nothing else.

    A colour `edge` becomes the property `--edge`; the accent becomes all its shades.
    """
    rules = "".join(f"--{name}:{value};" for name, value in _properties(theme, values))
    return f"@layer theme{{:root{{{rules}}}}}\n" if rules else ""


def _properties(theme: Theme, values: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for key, found in theme.settings.items():
        chosen = values.get(key, "")
        if found.kind != "color" or not chosen or theme.is_plain(key, chosen):
            continue
        if key == ACCENT and theme.palette is not None:
            yield from _accent(str(chosen), theme.palette)
        else:
            yield key.replace("_", "-"), str(chosen)


def _accent(accent: str, palette: Palette) -> Iterator[tuple[str, str]]:
    light, dark = both_shades(accent, palette)
    below = asdict(dark)
    for name, value in asdict(light).items():
        yield name.replace("_", "-"), f"light-dark({value},{below[name]})"


def both_shades(accent: str, palette: Palette) -> tuple[Shades, Shades]:
    """Return an accent's shades in light and in dark."""
    light, dark = palette.light.ground, palette.dark.ground
    return (
        shades(accent, light, light.ink, dark=False),
        shades(accent, dark, light.ink, dark=True),
    )

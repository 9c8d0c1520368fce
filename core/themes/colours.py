"""An owner's accent, and the shades of it that can be read in light and in dark.

Contrast is that of WCAG 2.2 ("relative luminance", "contrast ratio"); 4.5 is its least for text
(success criterion 1.4.3), 3 for the edge of a control (1.4.11). Colours are `#rrggbb`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WHITE, BLACK = "#ffffff", "#000000"
LEAST, LEAST_OF_EDGES = 4.5, 3.0
STEPS = 100
DEEPER, SOFT = 0.22, 0.1
"""How far a colour goes when something is pointed at, and how much of it tints a background."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a theme's text stands on in one scheme: its two backgrounds, and its ink."""

    background: str
    surface: str
    ink: str


@dataclass(frozen=True, slots=True)
class Shades:
    """What becomes of an accent in one scheme.

    `accent` can be read on the ground, and `on_accent` on it; `fill` is what buttons are filled
    with, the owner's own colour where that can be, and `on_fill` the words on it.
    """

    accent: str
    accent_deep: str
    on_accent: str
    accent_soft: str
    fill: str
    fill_deep: str
    on_fill: str


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, each from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Return how bright a colour is, from 0 (black) to 1 (white)."""
    red, green, blue = (_linear(one / 255) for one in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """Return a colour with a share of another one, from 0 to 1."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable_on(fill: str, ink: str = BLACK) -> str:
    """Return what words on a colour are written in: white or ink, whichever is read better.

    Where neither has 4.5 (some colours of middle brightness), black has it.
    """
    best = max((WHITE, ink), key=lambda words: contrast(words, fill))
    return (
        best
        if contrast(best, fill) >= LEAST
        else max((WHITE, BLACK), key=lambda words: contrast(words, fill))
    )


def nearest(colour: str, end: str, grounds: Iterable[str], least: float = LEAST) -> str:
    """Return the colour on the way to `end` that is nearest and has `least` on all grounds."""
    places = tuple(grounds)
    for step in range(STEPS):
        one = mixed(colour, end, step / STEPS)
        if all(contrast(one, place) >= least for place in places):
            return one
    return end


def shades(accent: str, ground: Ground, dark_ink: str, *, dark: bool) -> Shades:
    """Return what becomes of an accent on this ground; `dark_ink` is the theme's dark ink."""
    end = WHITE if dark else BLACK
    soft = mixed(ground.background, accent, SOFT)
    text = nearest(accent, end, (ground.background, ground.surface, soft))
    fill = nearest(accent, WHITE, (ground.background,), LEAST_OF_EDGES) if dark else accent
    on_fill = readable_on(fill, dark_ink)
    away = BLACK if on_fill == WHITE else WHITE
    return Shades(
        accent=text,
        accent_deep=mixed(text, end, DEEPER),
        on_accent=readable_on(text, dark_ink),
        accent_soft=soft,
        fill=fill,
        fill_deep=mixed(fill, away, DEEPER),
        on_fill=on_fill,
    )

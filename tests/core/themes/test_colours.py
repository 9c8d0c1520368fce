"""Whatever colour an owner picks, what is written in it and on it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.themes import find_themes
from core.themes.colours import (
    BLACK,
    LEAST,
    LEAST_OF_EDGES,
    WHITE,
    contrast,
    luminance,
    mixed,
    nearest,
    readable_on,
)
from core.themes.stylesheet import both_shades

INK = "#1d1b18"
THEMES, _ = find_themes([])
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        (WHITE, BLACK, 21.0), (WHITE, WHITE, 1.0), ("#777777", WHITE, 4.48),
        ("#767676", WHITE, 4.54), ("#ff0000", WHITE, 4.0), ("#0000ff", WHITE, 8.59),
    ],
)  # fmt: skip
def test_contrast_is_that_of_wcag(one, other, ratio):
    """Published examples: #767676 is the palest grey that may stand on white."""
    assert contrast(one, other) == contrast(other, one)
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


def test_luminance_weighs_the_channels():
    """Green is the brightest of the three, and together they are white."""
    parts = [luminance(one) for one in ("#ff0000", "#00ff00", "#0000ff")]

    assert parts == pytest.approx([0.2126, 0.7152, 0.0722])
    assert sum(parts) == pytest.approx(luminance(WHITE))


def test_orange_takes_ink_and_never_white():
    """The colour of a well-known button: white on it has 2.9 to 1, ink 5.9."""
    assert readable_on("#ff6719", INK) == INK
    assert contrast("#ff6719", INK) == pytest.approx(5.9, abs=0.1)
    assert contrast("#ff6719", WHITE) == pytest.approx(2.9, abs=0.05)


@given(colours)
def test_words_on_any_colour_can_be_read(colour):
    """White, ink, or where neither does, black."""
    assert contrast(readable_on(colour, INK), colour) >= LEAST


@given(colours, st.sampled_from(sorted(THEMES)))
def test_every_accent_can_be_read_in_both_schemes(accent, name):
    """As text on both backgrounds and on its own tint; as a button, pointed at or not."""
    palette = THEMES[name].palette
    for shades, tones in zip(
        both_shades(accent, palette), (palette.light, palette.dark), strict=True
    ):
        ground = tones.ground
        for place in (ground.background, ground.surface, shades.accent_soft):
            assert contrast(shades.accent, place) >= LEAST
            assert contrast(shades.accent_deep, place) >= LEAST
        assert contrast(ground.ink, shades.accent_soft) >= LEAST
        assert contrast(shades.on_accent, shades.accent) >= LEAST
        assert contrast(shades.on_fill, shades.fill) >= LEAST
        assert contrast(shades.on_fill, shades.fill_deep) >= LEAST


@given(colours)
def test_a_button_keeps_the_owners_colour_where_it_can(accent):
    """Always on a light page; on a dark one unless it could not be told from the page."""
    palette = THEMES["quaderno"].palette
    light, dark = both_shades(accent, palette)
    background = palette.dark.ground.background

    assert light.fill == accent
    assert contrast(dark.fill, background) >= LEAST_OF_EDGES
    assert dark.fill == accent or contrast(accent, background) < LEAST_OF_EDGES


def test_the_nearest_colour_is_no_further_than_needed():
    """What can be read stays as it is; what cannot goes one step after another."""
    assert nearest("#0f5f57", BLACK, [WHITE]) == "#0f5f57"
    grey = nearest("#999999", BLACK, [WHITE])
    assert LEAST <= contrast(grey, WHITE) < LEAST + 0.2
    assert mixed(BLACK, WHITE, 0.5) == "#808080"

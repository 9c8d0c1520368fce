"""Themes: how a site looks. Found by their folder, read without running code, tried and used."""

from core.themes.choosing import Themes
from core.themes.finding import Theme, find_themes, in_language
from core.themes.making import copy, make_child
from core.themes.manifest import ThemeError, ThemeManifest, read_theme
from core.themes.stylesheet import stylesheet

__all__ = [
    "Theme",
    "ThemeError",
    "ThemeManifest",
    "Themes",
    "copy",
    "find_themes",
    "in_language",
    "make_child",
    "read_theme",
    "stylesheet",
]

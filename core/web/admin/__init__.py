"""The administration: a shell, and the screens in it. Each screen is a module with a blueprint."""

from core.web.admin import going, home, money, orders, plugins, readers, settings, team, themes

SCREENS = (home, going, orders, readers, team, money, themes, plugins, settings)
"""The screens of core, each with its `blueprint`; a plugin's come with the plugin."""

__all__ = ["SCREENS"]

"""The administration: a shell, and the screens in it. Each screen is a module with a blueprint."""

from core.web.admin import going, home, money, orders, readers, team

SCREENS = (home, going, orders, readers, team, money)
"""The screens of core, each with its `blueprint`; a plugin's come with the plugin."""

__all__ = ["SCREENS"]

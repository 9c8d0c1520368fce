"""The administration: a shell, and the screens in it. Each screen is a module with a blueprint."""

from core.web.admin import buttons, going, orders, outgoing, plugins, readers, settings, team

SCREENS = (going, orders, readers, team, plugins, settings, outgoing, buttons)
"""The screens of core, each with its `blueprint`; a plugin's come with the plugin."""

__all__ = ["SCREENS"]

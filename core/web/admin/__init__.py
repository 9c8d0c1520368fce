"""The administration: a shell, and the screens in it. Each screen is a module with a blueprint."""

<<<<<<< HEAD
from core.web.admin import going, plugins, settings, team

SCREENS = (going, team, plugins, settings)
=======
from core.web.admin import going, orders, readers, team

SCREENS = (going, orders, readers, team)
>>>>>>> h1
"""The screens of core, each with its `blueprint`; a plugin's come with the plugin."""

__all__ = ["SCREENS"]

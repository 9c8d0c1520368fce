"""The administration: a shell, and the screens in it. Each screen is a module with a blueprint."""

from core.web.admin import audit, backups, going, health, jobs, orders, readers, team

SCREENS = (going, orders, readers, team, health, jobs, audit, backups)
"""The screens of core, each with its `blueprint`; a plugin's come with the plugin."""

__all__ = ["SCREENS"]

"""The administration: a shell, and the screens in it. Each screen is a module with a blueprint."""

from core.web.admin import (
    audit,
    backups,
    buttons,
    going,
    health,
    home,
    jobs,
    money,
    orders,
    outgoing,
    plugins,
    readers,
    settings,
    setup,
    team,
    themes,
)

SCREENS = (
    home, setup, going, orders, buttons, readers, team, money, themes, plugins, settings, outgoing,
    health, jobs, audit, backups,
)  # fmt: skip
"""The screens of core, each with its `blueprint`; a plugin's come with the plugin."""

__all__ = ["SCREENS"]

"""The plugins of one app: who answers which hook, and what they declared when it was built.

An app never changes. When the owner switches a plugin on or off, the next app is built with plugins
of its own, while requests that are under way end with those that they began with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, cast

import pluggy

from core import hookspecs
from core.plugins.declarations import Catalogue


class Implementation(NamedTuple):
    """One plugin's answer to one hook."""

    plugin: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("obolo")
    manager.add_hookspecs(hookspecs)
    return manager


_numbers = count(1)


@dataclass(slots=True)
class Loaded:
    """The plugins of one app. `number` changes whenever one comes or goes."""

    manager: pluggy.PluginManager = field(default_factory=_manager)
    hooks: dict[str, list[Implementation]] = field(default_factory=dict)
    catalogue: Catalogue = field(default_factory=Catalogue)
    number: int = field(default_factory=lambda: next(_numbers))

    def add(self, name: str, module: Any) -> None:
        """Take a plugin, to be asked before those that are there.

        Raises PluginValidationError for a hook or an argument that does not exist.
        """
        try:
            self.manager.register(module, name)
            self.manager.check_pending()
        except Exception:
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            raise
        self._index()

    def drop(self, name: str) -> None:
        """Take a plugin out again."""
        self.manager.unregister(name=name)
        self._index()

    def _index(self) -> None:
        self.number = next(_numbers)
        self.hooks = {
            name: [
                Implementation(found.plugin_name, found.function, tuple(found.argnames))
                for found in reversed(caller.get_hookimpls())
            ]
            for name, caller in vars(self.manager.hook).items()
        }


class _Process:
    """What answers where no request says otherwise: commands, tasks, tests."""

    live = Loaded()


_serving: ContextVar[Loaded | None] = ContextVar("plugins", default=None)


def loaded() -> Loaded:
    """Return the plugins of the app that serves this request, else those that are live."""
    return _serving.get() or _Process.live


def changes() -> int:
    """Return a number that is another one whenever plugins came or went: a drawn page is stale."""
    return loaded().number


def go_live(plugins: Loaded) -> None:
    """Let these plugins answer from now on, wherever no request began with others."""
    _Process.live = plugins


@contextmanager
def serving(plugins: Loaded) -> Iterator[None]:
    """Let these plugins answer within this thread."""
    token = _serving.set(plugins)
    try:
        yield
    finally:
        _serving.reset(token)


class _Now:
    """The catalogue of `loaded()`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(loaded().catalogue, name)


catalogue = cast("Catalogue", _Now())
"""What the enabled plugins have declared."""

"""Call plugins one by one, so that a failure names plugin and hook and takes no other along."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import pluggy

from core import hookspecs
from core.errors import OboloError, PluginFailed

log = logging.getLogger("obolo.plugins")
Value = TypeVar("Value")
SLOW_SECONDS = 0.2
"""A hook that takes longer during a request is logged by name."""


class Implementation(NamedTuple):
    """One plugin's answer to one hook."""

    plugin: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]


@dataclass
class _Loaded:
    manager: pluggy.PluginManager
    hooks: dict[str, list[Implementation]]
    changes: int = 0


def _fresh() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("obolo")
    manager.add_hookspecs(hookspecs)
    return manager


_loaded = _Loaded(_fresh(), {})
trace = False
"""With OBOLO_TRACE=1 every call is logged with its time."""


def load(modules: list[tuple[str, Any]]) -> dict[str, Exception]:
    """Start afresh with these plugins, the first to be asked first; return what could not be taken.

    A plugin with a hook that does not exist, or with arguments a hook does not have, is left out.
    """
    manager = _fresh()
    refused: dict[str, Exception] = {}
    for name, module in reversed(modules):  # pluggy calls the last registered first
        try:
            manager.register(module, name)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            refused[name] = error
            manager.unregister(name=name)
    _loaded.manager = manager
    _index()
    return refused


def drop(plugin: str) -> None:
    """Take one plugin out again."""
    _loaded.manager.unregister(name=plugin)
    _index()


def changes() -> int:
    """Return how often plugins came or went in this process: what was drawn before is stale."""
    return _loaded.changes


def _index() -> None:
    _loaded.changes += 1
    _loaded.hooks = {
        name: [
            Implementation(found.plugin_name, found.function, tuple(found.argnames))
            for found in reversed(caller.get_hookimpls())
        ]
        for name, caller in vars(_loaded.manager.hook).items()
    }


def implementations(hook: str) -> list[Implementation]:
    """Return who answers a hook, in the order of the enabled list."""
    return _loaded.hooks.get(hook, [])


def call(hook: str, implementation: Implementation, arguments: dict[str, Any]) -> Any:
    """Ask one plugin. Its refusals pass; any other error becomes PluginFailed."""
    started = time.perf_counter()
    try:
        return implementation.function(*[arguments[name] for name in implementation.arguments])
    except OboloError:
        raise  # the plugin speaks to the reader on purpose
    except Exception as error:
        log.exception("plugin %s failed in %s", implementation.plugin, hook)
        raise PluginFailed(implementation.plugin, hook, error) from error
    finally:
        took = time.perf_counter() - started
        if trace or took > SLOW_SECONDS:
            log.warning("%s.%s took %.1f ms", implementation.plugin, hook, took * 1000)


def each(hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
    """Ask plugin after plugin, lazily, and say who answered what; None is no answer."""
    for implementation in implementations(hook):
        answer = call(hook, implementation, arguments)
        if answer is not None:
            yield implementation.plugin, answer


def fold(
    hook: str, name: str, value: Value, combine: Callable[[Value, Any], Value], **arguments: Any
) -> Value:
    """Ask plugin after plugin; each sees, as argument `name`, what the ones before it made."""
    for implementation in implementations(hook):
        answer = call(hook, implementation, {**arguments, name: value})
        if answer is not None:
            value = combine(value, answer)
    return value


def first(hook: str, **arguments: Any) -> Any:
    """Return the first answer, and ask nobody after it; None when nobody answers."""
    return next((answer for _, answer in each(hook, **arguments)), None)


def render(hook: str, **arguments: Any) -> list[Any]:
    """Collect pieces of a page; one that fails is logged and left out."""
    pieces = []
    for implementation in implementations(hook):
        try:
            piece = call(hook, implementation, arguments)
        except OboloError:
            log.warning("the piece of plugin %s in %s is left out", implementation.plugin, hook)
            continue
        if piece is not None:
            pieces.append(piece)
    return pieces

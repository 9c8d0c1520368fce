"""Call plugins one by one, so that a failure names plugin and hook and takes no other along."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from core.errors import OboloError, PluginFailed
from core.plugins import watching
from core.plugins.loaded import Implementation, Loaded, go_live, loaded

log = logging.getLogger("obolo.plugins")
Value = TypeVar("Value")
Passes = tuple[type[Exception], ...]
SLOW_SECONDS = 0.2
"""A hook that takes longer during a request is logged by name."""
trace = False
"""With OBOLO_TRACE=1 every call is logged with its time."""
answers: dict[str, type] = {}
several: dict[str, type] = {}
"""What an answer to a hook must be, or each part of one that has several; the app says so."""


def load(modules: list[tuple[str, Any]]) -> dict[str, Exception]:
    """Start afresh with these, the first to be asked first; return what could not be taken."""
    plugins = Loaded()
    refused = take(plugins, modules)
    go_live(plugins)
    return refused


def take(plugins: Loaded, modules: list[tuple[str, Any]]) -> dict[str, Exception]:
    """Let these plugins answer, the first to be asked first; return what could not be taken."""
    refused: dict[str, Exception] = {}
    for name, module in reversed(modules):  # pluggy calls the last registered first
        try:
            plugins.add(name, module)
        except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
            refused[name] = error
    return refused


def implementations(hook: str) -> list[Implementation]:
    """Return who answers a hook, in the order of the enabled list."""
    return loaded().hooks.get(hook, [])


def call(
    hook: str, one: Implementation, arguments: Mapping[str, Any], *, passes: Passes = (OboloError,)
) -> Any:
    """Ask one plugin. Its refusals pass; any other error becomes PluginFailed."""
    return run(one.plugin, hook, lambda: _ask(hook, one, arguments), passes=passes)


def run(plugin: str, what: str, work: Callable[[], Any], *, passes: Passes = (OboloError,)) -> Any:
    """Let a plugin work, watched and counted; whatever it raises but a refusal is PluginFailed."""
    started = perf_counter()
    before = watching.begin(plugin, what, started)
    failed, answer = False, None
    try:
        answer = work()
    except passes:
        raise  # the plugin speaks to the reader on purpose
    except BaseException as error:
        failed = True
        if watching.is_interrupt(error):
            raise
        log.exception("plugin %s failed in %s", plugin, what)
        watching.failed(plugin, what, error)
        raise PluginFailed(plugin, what, error) from error
    finally:
        took = watching.end(plugin, what, started, before, failed=failed)
        watching.record(plugin, what, took, answer)
        if trace or took > SLOW_SECONDS:
            log.warning("%s.%s took %.1f ms", plugin, what, took * 1000)
    return answer


def _ask(hook: str, implementation: Implementation, arguments: Mapping[str, Any]) -> Any:
    """Return an answer; one of another kind is refused here, where it is known whose it is."""
    answer = implementation.function(*[arguments[name] for name in implementation.arguments])
    if answer is None:
        return None
    if hook in several:
        answer = tuple(answer)
    parts = answer if hook in several else (answer,)
    kind = several.get(hook) or answers.get(hook, object)
    strange = [part for part in parts if not isinstance(part, kind)]
    if strange:
        raise TypeError(f"this is no {kind.__name__}: {strange[0]!r:.200}")
    return answer


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

    def step(implementation: Implementation, so_far: Value) -> Value:
        answer = _ask(hook, implementation, {**arguments, name: so_far})
        return so_far if answer is None else combine(so_far, answer)

    for one in implementations(hook):
        value = run(one.plugin, hook, partial(step, one, value))
    return value


def first(hook: str, **arguments: Any) -> Any:
    """Return the first answer, and ask nobody after it; None when nobody answers."""
    return next((answer for _, answer in each(hook, **arguments)), None)


def render(hook: str, **arguments: Any) -> list[tuple[str, Any]]:
    """Collect pieces of a page, each with whose it is; one that fails is logged and left out."""
    pieces = []
    for implementation in implementations(hook):
        try:
            piece = call(hook, implementation, arguments)
        except OboloError:
            log.warning("the piece of plugin %s in %s is left out", implementation.plugin, hook)
            continue
        if piece is not None:
            pieces.append((implementation.plugin, piece))
    return pieces

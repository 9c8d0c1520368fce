"""Rules of addresses that are read once, and whose builders are made when they are first wanted.

Werkzeug reads each rule and compiles two functions for it when a map is filled: most of the time
that building an app takes. The next app has nearly the same rules, and most functions are never
called before it is swapped in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug import routing
from werkzeug.routing.rules import RulePart

Builder = Callable[..., tuple[str, str]]
MOST = 5_000
"""How many rules are remembered; a site has some hundreds."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a text of a rule comes to, under these converters."""

    parts: tuple[RulePart, ...]
    trace: tuple[tuple[bool, str], ...]
    converters: Mapping[str, routing.BaseConverter]


_read: dict[tuple[Any, ...], _Read] = {}
_builders: dict[tuple[Any, ...], Builder] = {}


class Rule(routing.Rule):
    """One rule of an app's map."""

    def _parse_rule(self, rule: str) -> Iterable[RulePart]:
        """Return the parts of a text as Werkzeug reads it, and note what stands in it."""
        key = self._key(rule)
        known = _read.get(key)
        if known is None:
            traced, before = len(self._trace), set(self._converters)
            parts = tuple(super()._parse_rule(rule))
            converters = {n: one for n, one in self._converters.items() if n not in before}
            _keep(_read, key, _Read(parts, tuple(self._trace[traced:]), converters))
            return parts
        self._trace.extend(known.trace)
        self._converters.update(known.converters)
        self.arguments.update(known.converters)
        return known.parts

    def _compile_builder(self, append_unknown: bool = True) -> Builder:  # noqa: FBT001, FBT002 - as its base
        """Return what compiles the builder with its first call, or finds it compiled."""
        compiled: list[Builder] = []
        make = super()._compile_builder

        def build(rule: routing.Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(self._builder(make, append_unknown=append_unknown))
            return compiled[0](rule, **values)

        return build

    def _builder(self, make: Callable[[bool], Builder], *, append_unknown: bool) -> Builder:
        if self.defaults:  # they stand in what is compiled
            return make(append_unknown)
        key = (*self._key(self.rule), self.subdomain, self.host, append_unknown)
        known = _builders.get(key)
        if known is None:
            known = make(append_unknown)
            _keep(_builders, key, known)
        return known

    def _key(self, rule: str) -> tuple[Any, ...]:
        assert self.map is not None
        return (rule, self.merge_slashes, *self.map.converters.items())


def _keep(kept: dict[tuple[Any, ...], Any], key: tuple[Any, ...], value: object) -> None:
    if len(kept) >= MOST:
        kept.clear()
    kept[key] = value

"""Rules of addresses whose builders are made when they are first wanted.

Werkzeug compiles two functions for each rule when the map is filled: two thirds of the time that
building an app takes. Most are never called before the app is swapped again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug import routing

Builder = Callable[..., tuple[str, str]]


class Rule(routing.Rule):
    """One rule of an app's map."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:  # noqa: FBT001, FBT002 - as its base
        """Return what compiles the builder with its first call."""
        compiled: list[Builder] = []
        made = super()._compile_builder

        def build(rule: routing.Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(made(append_unknown))
            return compiled[0](rule, **values)

        return build

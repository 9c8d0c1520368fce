"""Providers as core calls them: each call is one of its plugin's, named, timed and bounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from core.payments import Action, Facts, Hint, Inbound, Intent, Payment, Provider, Quote, Step
from core.plugins import caller


def watched(plugin: str, provider: Provider) -> Provider:
    """Return a provider whose failures, and answers of another kind, count against its plugin.

    What it says on purpose (ProviderRefused, ProviderUnknown, Forged) passes; all else it raises is
    PluginFailed. `begin`, `look_up`, `act` and `hear` may ask somebody outside, the others may not.
    """
    return cast("Provider", _Watched(plugin, provider))


class _Watched:
    def __init__(self, plugin: str, provider: Provider) -> None:
        self._plugin = plugin
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        """Return what it says of itself: its name, mode, payee, and what it can."""
        return getattr(self._provider, name)

    def till(self, holder: str, currency: str) -> str:
        return str(self._run("till", str, partial(self._provider.till, holder, currency)))

    def quote(self, amount: Any, *, country: str) -> Quote | None:
        ask = partial(self._provider.quote, amount, country=country)
        return cast("Quote | None", self._run("quote", Quote | None, ask))

    def begin(self, intent: Intent, key: str) -> Step:
        return cast("Step", self._run("begin", Step, partial(self._provider.begin, intent, key)))

    def look_up(self, payment: Payment) -> Facts:
        return cast("Facts", self._run("look_up", Facts, partial(self._provider.look_up, payment)))

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        ask = partial(self._provider.act, payment, action, key)
        return cast("Facts", self._run("act", Facts, ask))

    def hear(self, request: Inbound) -> list[Hint]:
        def ask() -> list[Hint]:
            return [_of(Hint, hint) for hint in self._provider.hear(request)]

        return cast("list[Hint]", self._run("hear", list, ask))

    def _run(self, what: str, kind: Any, ask: Callable[[], object]) -> object:
        return caller.run(self._plugin, f"provider {what}", lambda: _of(kind, ask()))


def _of(kind: Any, answer: Any) -> Any:
    if not isinstance(answer, kind):
        name = getattr(kind, "__name__", kind)
        raise TypeError(f"this is no {name}: {answer!r:.200}")
    return answer

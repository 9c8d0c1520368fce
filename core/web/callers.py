"""Who may call a route. Every view says so; one that does not stops the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Flask

from core.errors import OboloError

View = TypeVar("View", bound=Callable[..., Any])
Caller = Literal["anyone", "provider"]


class Undeclared(OboloError):
    """A route does not say who may call it."""


def callers(who: Caller) -> Callable[[View], View]:
    """Declare who may call a view.

    `anyone`: every reader; what belongs to somebody is found by the reader's holders only.
    `provider`: a machine that signs what it sends; no origin is asked for.
    """

    def declare(view: View) -> View:
        view.callers = who  # type: ignore[attr-defined]
        return view

    return declare


def callers_of(app: Flask, endpoint: str) -> str:
    """Return who may call an endpoint: what its view declares; files are anyone's."""
    if endpoint.endswith(".static"):
        return "anyone"
    return str(getattr(app.view_functions[endpoint], "callers", ""))


def check_callers(app: Flask) -> None:
    """Raise Undeclared for the first route that does not say who may call it."""
    for rule in app.url_map.iter_rules():
        if not callers_of(app, rule.endpoint):
            raise Undeclared("{rule} does not say who may call it", rule=rule.rule)

"""Where templates run: they draw what they are given, and reach nothing else.

A theme's templates are somebody else's text. All templates run here, so that no way leads from one
that is watched to one that is not.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from time import perf_counter, thread_time
from types import ModuleType
from typing import Any

from flask import Flask, Request, has_request_context, request
from jinja2 import Template
from jinja2.exceptions import SecurityError
from jinja2.filters import do_format
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from peewee import Database, Model, Node

from core.plugins import watching
from core.plugins.watching import THEME

OF_REQUEST = frozenset({
    "args", "base_url", "blueprint", "endpoint", "full_path", "host", "method", "path",
    "query_string", "scheme", "url", "url_root", "view_args",
})  # fmt: skip
"""What a template may know of a request: no header, no cookie, no form, no environment."""
OF_TEXT = frozenset({
    "format", "format_map", "ljust", "rjust", "center", "zfill", "expandtabs", "encode",
})  # fmt: skip
"""What texts can do that a template needs not: it looks into objects, or fills the memory."""
NEVER = (ModuleType, Flask, Database, Node, sqlite3.Connection)
BOUNDED_FILTERS = ("batch", "center", "indent", "slice", "wordwrap")
WIDE = re.compile(r"\*|[0-9]{4}")
"""What asks for a field of a thousand characters or more when a text is formatted with %."""
NO_GLOBALS = ("config", "g", "get_flashed_messages", "lipsum", "session")
MOST = 10_000
"""The largest number that a filter takes, and the most often that a text is repeated."""
SECONDS = 2.0
"""So long a theme may work at one page; a loop that calls nothing is left to the watchdog."""
LARGEST = 10**12
"""The largest number that a template multiplies to."""


class TooSlow(SecurityError):
    """A theme took too long to draw a page."""


class _Clock(threading.local):
    """Until when this thread may draw, and how long it had worked when it began."""

    ends = 0.0
    worked = 0.0

    def start(self, at: float) -> None:
        self.ends, self.worked = at + SECONDS, thread_time()

    def check(self) -> None:
        """Raise TooSlow after so much work; waiting for a database is none."""
        if self.ends and perf_counter() > self.ends and thread_time() - self.worked > SECONDS:
            raise TooSlow("a theme draws no page for so long")


_clock = _Clock()


class Drawn(Template):
    """A template that a theme draws within a bound, and in its name."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Return the page. Raises TooSlow, which counts against the theme."""
        name = getattr(self.environment, "theme", "")
        if not name or _clock.ends:
            return super().render(*args, **kwargs)
        theme, started, late = THEME + name, perf_counter(), False
        _clock.start(started)
        before = watching.begin(theme, "render", started)
        try:
            return super().render(*args, **kwargs)
        except TooSlow as error:
            late = True
            watching.failed(theme, "render", error)
            raise
        finally:
            _clock.ends = 0.0
            watching.end(theme, "render", started, before, failed=late)


def _in_time(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        _clock.check()
        yield piece


class Sandbox(SandboxedEnvironment):
    """Jinja's sandbox, with what a page of a site asks for again and again remembered."""

    template_class = Drawn
    theme = ""
    """The theme whose templates these are, if it has any of its own."""
    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, app: Flask, **options: Any) -> None:
        options.setdefault("loader", app.create_global_jinja_loader())
        super().__init__(**options)
        self.app = app
        self._known: dict[tuple[type, str], bool] = {}
        for name in BOUNDED_FILTERS:
            self.filters[name] = _bounded(self.filters[name])
        self.filters["format"] = _formatted

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Tell whether a template may look at an attribute; that follows from name and type."""
        if isinstance(obj, str):
            return attr not in OF_TEXT and not attr.startswith("_")
        if isinstance(obj, Request):
            return attr in OF_REQUEST
        if isinstance(obj, NEVER) or (isinstance(obj, type) and issubclass(obj, Model)):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute, or what stands for one that is not there or not to be seen."""
        key = (obj.__class__, attribute)  # of what a proxy stands for, too
        safe = self._known.get(key)
        if safe is None:
            safe = self._known[key] = self.is_safe_attribute(obj, attribute, None)
        if not safe:
            return self.unsafe_undefined(obj, attribute)
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return self._entry(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an entry, else the attribute of that name."""
        try:
            return obj[argument]
        except (TypeError, LookupError):
            if isinstance(argument, str):
                return self.getattr(obj, str(argument))
        return self.undefined(obj=obj, name=argument)

    def _entry(self, obj: Any, name: str) -> Any:
        try:
            return obj[name]
        except (TypeError, LookupError):
            return self.undefined(obj=obj, name=name)

    def concat(self, pieces: Iterable[str]) -> str:
        """Put a page together, or a part of it."""
        return "".join(_in_time(pieces) if self.theme else pieces)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template could reach: nothing that it must not call can be reached."""
        if self.theme:
            _clock.check()
        return context.call(obj, *args, **kwargs)

    def call_binop(self, _context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply within bounds; a text is no format."""
        if operator == "%" and isinstance(left, str):
            _check_format(left)
        if operator == "**":
            raise SecurityError("a template takes no powers")
        if operator == "*":
            _check_product(left, right)
        return self.binop_table[operator](left, right)


def close(app: Flask) -> None:
    """Take away what Flask gives to every template and what leads to the inside of the app."""
    for name in NO_GLOBALS:
        app.jinja_env.globals.pop(name, None)
    app.template_context_processors[None] = [_asked]


def _asked() -> dict[str, Any]:
    return {"request": request._get_current_object()} if has_request_context() else {}  # type: ignore[attr-defined]  # noqa: SLF001 - faster than the proxy


def _check_product(left: Any, right: Any) -> None:
    if isinstance(left, int | float) and isinstance(right, int | float):
        if abs(left * right) > LARGEST:
            raise SecurityError("a template counts no further")
        return
    times, repeated = (left, right) if isinstance(left, int) else (right, left)
    if isinstance(times, int) and times * len(repeated) > MOST:
        raise SecurityError("a template repeats nothing so often")


def _check_format(text: str) -> None:
    if WIDE.search(text):
        raise SecurityError("a template asks for no field so wide")


def _formatted(text: str, /, *values: Any, **named: Any) -> str:
    _check_format(text)
    return do_format(text, *values, **named)


def _bounded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(filter_)  # Jinja's marks on a filter go along
    def bounded(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(one, int) and abs(one) > MOST for one in (*args, *kwargs.values())):
            raise SecurityError("a template asks for no number so large")
        return filter_(*args, **kwargs)

    return bounded

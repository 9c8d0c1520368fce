"""What Stripe takes, read from its own package: the parameter types of its services, closed.

The package is generated from Stripe's description of the very version that it asks for, so raising
the package raises this contract. No network, no file of ours.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
import types
import typing
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

import stripe
import typing_extensions as te

ROOT = Path(stripe.__file__).parent
LOCALS = {"StripeContext": stripe.StripeContext}
OPTIONS = frozenset(te.get_type_hints(
    importlib.import_module("stripe._request_options").RequestOptions, localns=LOCALS
))  # fmt: skip
WHOLE, NUMBER = re.compile(r"-?\d+"), re.compile(r"-?\d+(\.\d+)?")


class Operation(NamedTuple):
    """A call of Stripe's interface: where it goes, and the type of what it takes."""

    method: str
    path: re.Pattern[str]
    params: tuple[str, str] | None
    name: str


@functools.cache
def operations() -> list[Operation]:
    """Read all calls from the sources of the services; the more exact paths come first."""
    found = []
    for file in sorted(ROOT.rglob("*_service.py")):
        tree = ast.parse(file.read_text())
        imported = {
            alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe.params")
            for alias in node.names
        }
        for kind in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for function in (node for node in kind.body if isinstance(node, ast.FunctionDef)):
                found.append(_operation(kind.name, function, imported))  # noqa: PERF401
    known = (one for one in found if one is not None)
    return [one for _, one in sorted(known, key=lambda pair: pair[0])]


def _operation(service: str, function: ast.FunctionDef, imported: dict[str, Any]) -> Any:
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    call = next((c for c in calls if getattr(c.func, "attr", "") == "_request"), None)
    if call is None:
        return None
    path = call.args[1].value if isinstance(call.args[1], ast.Constant) else (
        call.args[1].func.value.value  # type: ignore[attr-defined]
    )  # fmt: skip
    taken = next((a.annotation for a in function.args.args if a.arg == "params"), None)
    named = re.search(r"(\w+Params)\b", ast.unparse(taken)) if taken else None
    params = (imported[named[1]], named[1]) if named and named[1] in imported else None
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(path)))
    method = call.args[0].value.upper()  # type: ignore[attr-defined]
    return path.count("{"), Operation(method, pattern, params, f"{service}.{function.name}")


def decode(text: str) -> dict[str, Any]:
    """Read a form with names such as a[b][0]=c as dicts and lists of texts."""
    root: dict[str, Any] = {}
    for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        *way, last = re.findall(r"[^\[\]]+", name)
        place = root
        for part in way:
            place = place.setdefault(part, {})
        place[last] = value
    return typing.cast("dict[str, Any]", _listed(root))


def _listed(one: Any) -> Any:
    if not isinstance(one, dict):
        return one
    if one and all(name.isdigit() for name in one):
        return [_listed(one[name]) for name in sorted(one, key=int)]
    return {name: _listed(value) for name, value in one.items()}


def faults(method: str, path: str, sent: dict[str, Any]) -> list[str]:
    """Say what is wrong with a request; nothing when Stripe's own types take it."""
    for one in operations():
        if one.method == method and one.path.fullmatch(path):
            if one.params is None:
                return [f"{name}: unknown parameter" for name in sent]
            module, name = one.params
            return _check(getattr(importlib.import_module(module), name), sent, "")
    return [f"{method} {path} is no call of this version"]


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    names = vars(typing) | vars(importlib.import_module("stripe._request_options"))
    names = names | vars(importlib.import_module(kind.__module__))
    return te.get_type_hints(kind, globalns=names, localns=LOCALS, include_extras=True)


def _check(kind: Any, value: Any, at: str) -> list[str]:  # noqa: PLR0911 - one kind a line
    origin, inner = te.get_origin(kind), te.get_args(kind)
    if kind is Any:
        return []
    if origin in (te.NotRequired, te.Required, te.Annotated):
        return _check(inner[0], value, at)
    if origin in (te.Literal, typing.Literal):
        return [] if value in inner else [f"{at}: {value!r} is none of {inner[:9]}"]
    if origin in (typing.Union, types.UnionType):
        return _check_union(inner, value, at)
    if te.is_typeddict(kind):
        return _check_object(kind, value, at)
    if origin is list:
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        return [e for i, one in enumerate(value) for e in _check(inner[0], one, f"{at}[{i}]")]
    if origin is dict or "UntypedStripeObject" in str(kind):
        return [] if isinstance(value, dict) else [f"{at}: {value!r} is no map"]
    return _check_word(kind, value, at)


def _check_union(inner: tuple[Any, ...], value: Any, at: str) -> list[str]:
    words = {one for kind in inner if te.get_origin(kind) in (te.Literal, typing.Literal)
             for one in te.get_args(kind)} - {""}  # fmt: skip
    kinds = [kind for kind in inner if kind is not type(None)]
    if words and isinstance(value, str):  # an open list of words: closed, to catch a misspelt one
        kinds = [kind for kind in kinds if kind is not str]
    wrong = [_check(kind, value, at) for kind in kinds]
    return min(wrong, key=len)


def _check_object(kind: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no object"]
    known = {name: hint for name, hint in _hints(kind).items() if name not in OPTIONS}
    wrong = [f"{at}.{name}: missing" for name in kind.__required_keys__
             if name in known and name not in value]  # fmt: skip
    for name, one in value.items():
        place = f"{at}.{name}"
        wrong += _check(known[name], one, place) if name in known else [f"{place}: unknown"]
    return wrong


def _check_word(kind: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, str):
        return [f"{at}: {value!r} is no text"]
    fits = {
        int: bool(WHOLE.fullmatch(value)),
        float: bool(NUMBER.fullmatch(value)),
        bool: value in ("true", "false"),
    }
    return [] if fits.get(kind, True) else [f"{at}: {value!r} is no {kind.__name__}"]

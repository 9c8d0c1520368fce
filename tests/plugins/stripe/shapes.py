"""What Stripe answers, by the classes of its own package: its faults, and what is made by it."""

from __future__ import annotations

import copy
import functools
import importlib
import pkgutil
import types
import typing
from typing import Any

import stripe
import typing_extensions as te
from stripe._expandable_field import ExpandableField
from stripe._stripe_object import StripeObject

PLAIN = {int: 0, float: 0.0, str: "", bool: False}


@functools.cache
def classes() -> tuple[dict[str, type], dict[str, type]]:
    """Return the classes of the package by name, and those of whole objects by what they are."""
    named: dict[str, type] = {}
    objects: dict[str, type] = {}
    for module in pkgutil.walk_packages(stripe.__path__, "stripe."):
        if ".params" in module.name or "_service" in module.name or ".events" in module.name:
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if isinstance(kind, type) and issubclass(kind, StripeObject):
                named.setdefault(name, kind)
                if "OBJECT_NAME" in vars(kind):
                    objects.setdefault(vars(kind)["OBJECT_NAME"], kind)
    return named, objects


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    named, found = classes()[0], {}
    for part in reversed(kind.__mro__):
        if not issubclass(part, StripeObject) or part is StripeObject:
            continue
        own = vars(importlib.import_module(part.__module__))
        names = {**vars(typing), "ExpandableField": ExpandableField, **named, **own}
        inside = {name: one for name, one in vars(part).items() if isinstance(one, type)}
        for name, hint in vars(part).get("__annotations__", {}).items():
            try:
                found[name] = eval(hint, names, inside) if isinstance(hint, str) else hint
            except Exception:  # noqa: BLE001 - what cannot be told is anything
                found[name] = Any
    return {
        name: hint
        for name, hint in found.items()
        if not name.isupper() and te.get_origin(hint) is not typing.ClassVar
    }


def faults(thing: dict[str, Any], kind: type | None = None, at: str = "") -> list[str]:
    """Say what is wrong with an object that the stand-in answers."""
    kind = kind or classes()[1].get(thing.get("object", ""))
    if kind is None:
        return [f"{at}: no class for {thing.get('object')}"]
    if kind.__name__ == "ListObject" or not (known := _hints(kind)):
        return []
    wrong = [f"{at}.{name}: missing in {kind.__name__}" for name, hint in known.items()
             if name not in thing and not _is_optional(hint)]  # fmt: skip
    for name, value in thing.items():
        place = f"{at}.{name}"
        if name not in known:
            wrong.append(f"{place}: not of {kind.__name__}")
        else:
            wrong += _check(known[name], value, place)
    return wrong


def _check(hint: Any, value: Any, at: str) -> list[str]:  # noqa: PLR0911 - one kind a line
    origin, inner = te.get_origin(hint), te.get_args(hint)
    if hint is Any or isinstance(hint, str | typing.ForwardRef):
        return []
    if origin in (typing.Union, types.UnionType):
        words = [one for one in inner if te.get_origin(one) in (te.Literal, typing.Literal)]
        return min((_check(one, value, at) for one in inner if not (words and one is str)), key=len)
    if origin in (te.Literal, typing.Literal):
        return [] if value in inner else [f"{at}: {value!r} is none of {inner[:8]}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{at}: no list"]
        return [e for i, one in enumerate(value) for e in _check(inner[0], one, f"{at}[{i}]")]
    if origin is dict:
        return [] if isinstance(value, dict) else [f"{at}: no map"]
    if hint is type(None):
        return [] if value is None else [f"{at}: {value!r} is not null"]
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return faults(value, hint, at) if isinstance(value, dict) else [f"{at}: no object"]
    if hint in (int, str, bool):
        return [] if type(value) is hint else [f"{at}: {value!r} is no {hint.__name__}"]
    return []


def _is_optional(hint: Any) -> bool:
    unknown = hint is Any or isinstance(hint, str | typing.ForwardRef)
    return unknown or type(None) in te.get_args(hint)


@functools.cache
def _template(kind: str) -> dict[str, Any]:
    return typing.cast("dict[str, Any]", _filled(classes()[1][kind]))


def made(kind: str, **fields: Any) -> dict[str, Any]:
    """Return an object of a kind: every field is there, null where it may be."""
    return copy.deepcopy(_template(kind)) | {"object": kind} | fields


def _filled(hint: Any) -> Any:
    origin, inner = te.get_origin(hint), te.get_args(hint)
    if _is_optional(hint):
        return None
    if origin in (typing.Union, types.UnionType):
        words = (one for one in inner if te.get_origin(one) in (te.Literal, typing.Literal))
        return _filled(next(words, inner[0]))
    if origin in (te.Literal, typing.Literal):
        return inner[0]
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        if hint.__name__ == "ListObject":
            return {"object": "list", "data": [], "has_more": False, "url": "/"}
        return {name: _filled(one) for name, one in _hints(hint).items()}
    return PLAIN.get(hint, [] if origin is list else {})

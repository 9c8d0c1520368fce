"""What PayPal takes, from the generated models of its own SDK, which is parsed and never run.

The models know names, kinds and enumerations; lengths stand in the plugin as data, and here.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Model = tuple[str, Any]
BODIES = (
    ("POST", re.compile(r"/v2/checkout/orders"), "OrderRequest"),
    ("POST", re.compile(r"/v2/checkout/orders/[^/]+/capture"), "OrderCaptureRequest"),
    ("POST", re.compile(r"/v2/payments/captures/[^/]+/refund"), "RefundRequest"),
)
LENGTHS = {
    "description": 127, "custom_id": 127, "invoice_id": 127, "brand_name": 127,
    "reference_id": 256, "soft_descriptor": 22, "note_to_payer": 255, "value": 32,
}  # fmt: skip
PATTERNS = {
    "locale": re.compile(r"[a-z]{2}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?"),
    "currency_code": re.compile(r"[A-Z]{3}"),
    "value": re.compile(r"-?\d+(\.\d+)?"),
}
KINDS = re.compile(r"^\s{4}(\w+) \(([^)]+)\):", re.MULTILINE)
SCALES = {"HUF": 0, "JPY": 0, "TWD": 0}


@cache
def models() -> dict[str, Model]:
    """Return every model: an object with its fields, or the words of an enumeration."""
    spec = find_spec("paypalserversdk")
    assert spec is not None, "install paypal-server-sdk, which the tests need"
    assert spec.origin
    found: dict[str, Model] = {}
    for file in (Path(spec.origin).parent / "models").glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and (model := _model(node)):
                found[node.name] = model
    return found


def _model(node: ast.ClassDef) -> Model | None:
    constants = {
        target.id: step.value
        for step in node.body
        if isinstance(step, ast.Assign)
        for target in step.targets
        if isinstance(target, ast.Name)
    }
    if "_names" in constants:
        names = ast.literal_eval(constants["_names"])
        optional = set(ast.literal_eval(constants.get("_optionals", ast.parse("[]").body[0].value)))
        kinds = dict(
            re.findall(r"^\s{4}(\w+) \(([^)]+)\):", ast.get_docstring(node) or "", re.MULTILINE)
        )
        return "object", {
            api: (kinds.get(name, "str"), name in optional) for name, api in names.items()
        }
    words = {
        one.value
        for one in constants.values()
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    return ("enum", words) if words else None


def mistakes(method: str, path: str, body: Any) -> list[str]:
    """Return what is wrong with a request; nothing for one without a known body."""
    for verb, pattern, model in BODIES:
        if verb == method and pattern.fullmatch(path):
            return _check(model, body, "body") + _measure(body, "body")
    return []


PLAIN = {"str": str, "unicode": str, "int": int, "bool": bool, "float": (int, float)}


def _check(kind: str, value: Any, at: str) -> list[str]:  # noqa: PLR0911 - one for each kind
    if listed := re.fullmatch(r"(?:List|list)\[(.+)\]", kind):
        if not isinstance(value, list):
            return [f"{at}: not a list"]
        return [e for n, one in enumerate(value) for e in _check(listed[1], one, f"{at}[{n}]")]
    if kind in PLAIN:
        fits = isinstance(value, PLAIN[kind]) and (kind == "bool") == isinstance(value, bool)
        return [] if fits else [f"{at}: {value!r} is no {kind}"]
    if kind not in models():
        return []
    what, fields = models()[kind]
    if what == "enum":
        return [] if value in fields else [f"{at}: {value!r} is not one of {sorted(fields)[:5]}"]
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no {kind}"]
    wrong = [f"{at}.{name}: unknown to {kind}" for name in value if name not in fields]
    for name, (inner, optional) in fields.items():
        if name in value:
            wrong += _check(inner, value[name], f"{at}.{name}")
        elif not optional:
            wrong.append(f"{at}.{name}: missing in {kind}")
    return wrong


def _measure(value: Any, at: str) -> list[str]:
    """Check lengths, patterns, and that an amount has its currency's digits."""
    if isinstance(value, list):
        return [e for n, one in enumerate(value) for e in _measure(one, f"{at}[{n}]")]
    if not isinstance(value, dict):
        return []
    wrong = []
    for name, one in value.items():
        wrong += _measure(one, f"{at}.{name}")
        if isinstance(one, str) and not 1 <= len(one) <= LENGTHS.get(name, 4000):
            wrong.append(f"{at}.{name}: {len(one)} characters")
        if isinstance(one, str) and name in PATTERNS and not PATTERNS[name].fullmatch(one):
            wrong.append(f"{at}.{name}: {one!r} is not of its form")
    if "currency_code" in value and isinstance(value.get("value"), str):
        digits = len(value["value"].partition(".")[2])
        if digits != SCALES.get(value["currency_code"], 2):
            wrong.append(f"{at}.value: {digits} decimals")
    return wrong

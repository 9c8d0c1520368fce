"""The description of the interface in OpenAPI 3.1, made from the operations and their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from core.people import roles, tokens
from core.settings import value
from core.web.api import shapes
from core.web.api.examples import EXAMPLES
from core.web.api.operations import JSON, OPERATIONS, VERSION, Operation, operation

PROBLEM = "application/problem+json"
REFERENCE = "#/components/schemas/{name}"
ARGUMENT = re.compile(r"<(\w+)>")
WHY = {
    400: "The request cannot be read, or a parameter is wrong.",
    401: "There is no token, or it does not count.",
    403: "The token may not do this, or a rule forbids it.",
    404: "There is no such thing.",
    409: "Its present state does not allow this.",
    415: "The body does not say that it is JSON.",
    422: "The body is JSON, and not what this takes.",
    429: "Too many requests; Retry-After says when to go on.",
    503: "Something that is needed does not answer; trying again is safe.",
}


@operation("GET", "/openapi.json", "anyone", Any)
def describe() -> dict[str, Any]:
    """Describe this interface in OpenAPI 3.1."""
    return document(value("site.name"))


def document(site: str) -> dict[str, Any]:
    """Return the whole description, for the site of this name."""
    paths: dict[str, dict[str, Any]] = {}
    for found in OPERATIONS.values():
        paths.setdefault(ARGUMENT.sub(r"{\1}", found.path), {})[found.method.lower()] = _operation(
            found
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": site, "version": "1.0.0",
            "description": "Money is a whole number of minor units and a currency; instants are "
            "RFC 3339 in UTC; lists go on after their `next`.",
        },
        "servers": [{"url": VERSION}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas()[1],
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": "A personal token, made on the page of its user. Scopes: "
                + ", ".join((tokens.OWN, tokens.SPEND, *roles.PERMISSIONS)) + ".",
            }},
        },
    }  # fmt: skip


@cache
def _schemas() -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Return the schema of each type that is taken or answered, and the parts they are made of."""
    types = {shapes.Problem, shapes.PaymentRequired}
    for found in OPERATIONS.values():
        types |= {one for one in (found.answer, found.takes, found.query) if one not in (None, Any)}
    ordered = sorted(types, key=str)
    schemas, parts = msgspec.json.schema_components(ordered, ref_template=REFERENCE)
    return dict(zip(ordered, schemas, strict=True)), parts


def _schema(shape: Any) -> dict[str, Any]:
    return {"type": "object"} if shape is Any else _schemas()[0][shape]


def _operation(found: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": found.name, "summary": found.summary,
        "description": _scope(found.who), "parameters": _parameters(found),
        "responses": _responses(found),
    }  # fmt: skip
    if found.who == "anyone":
        described["security"] = [{}, {"token": []}]
    if found.takes is not None:
        described["requestBody"] = {
            "required": True, "content": {JSON: _content(found.takes)},
        }  # fmt: skip
    return described


def _scope(who: str) -> str:
    if who == "anyone":
        return "Needs no token."
    return f"Needs the scope `{tokens.OWN if who == 'user' else who}`."


def _content(shape: Any) -> dict[str, Any]:
    content = {"schema": _schema(shape)}
    if shape in EXAMPLES:
        content["example"] = EXAMPLES[shape]
    return content


def _parameters(found: Operation) -> list[dict[str, Any]]:
    listed = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ARGUMENT.findall(found.path)
    ]
    if found.query is not None:
        listed += _asked(found.query)
    if found.keyed:
        listed.append({
            "name": "Idempotency-Key", "in": "header", "required": True,
            "description": "The same key with the same content gets the same answer.",
            "schema": {"type": "string", "pattern": r"^[!-~]{1,100}$"},
        })  # fmt: skip
    return listed


def _asked(query: Any) -> list[dict[str, Any]]:
    schema = _schemas()[1][query.__name__]
    wanted = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in wanted, "schema": one}
        for name, one in schema["properties"].items()
    ]


def _responses(found: Operation) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": found.summary}
    if found.answer is not None:
        answered["content"] = {JSON: _content(found.answer)}
    responses = {str(found.status): answered}
    if found.method == "GET":
        responses["304"] = {"description": "It is what If-None-Match names."}
    for status, why in sorted((_refusals(found)).items()):
        shape = shapes.PaymentRequired if status == 402 else shapes.Problem
        responses[str(status)] = {
            "description": why, "content": {PROBLEM: {"schema": _schema(shape)}},
        }  # fmt: skip
    return responses


def _refusals(found: Operation) -> Mapping[int, str]:
    """Return what can stand in the way of an operation, by status."""
    statuses = {400, 401, 429, 503}
    statuses |= set() if found.who == "anyone" else {403}
    statuses |= {415, 422} if found.takes is not None else set()
    statuses |= {403, 409} if found.method != "GET" else set()
    statuses |= {404} if ARGUMENT.search(found.path) else set()
    return {status: WHY[status] for status in statuses} | dict(found.refusals)

"""Operations: a route for machines, the type that it takes and the type that it answers, in one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from core.errors import BadInput, NotFound
from core.web.bearer import TokenNeeded, current_bearer
from core.web.callers import callers

VERSION = "/api/v1"
blueprint = Blueprint("api", __name__, url_prefix=VERSION)
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a machine can ask for, as the description of the interface shows it."""

    method: str
    path: str
    name: str
    who: str
    summary: str
    answer: Any
    status: int
    takes: Any
    query: Any
    keyed: bool
    refusals: Mapping[int, str]


OPERATIONS: dict[str, Operation] = {}
"""All operations by name, in the order in which they are described."""


STATUS = {"POST": 201, "DELETE": 204}
"""What an operation that did what it should answers, where that is not 200."""


class WrongBody(BadInput):
    """What was sent is JSON, and not what is taken here; `errors` say where."""

    status = 422

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("What was sent is not what this takes.")
        self.errors = errors


class WrongQuery(WrongBody):
    """What stands after the ? of the address cannot be used."""

    status = 400


class NotJSON(BadInput):
    """A body that does not say that it is JSON."""

    status = 415


def operation(
    method: str, path: str, who: str, answer: Any, *, takes: Any = None, query: Any = None,
    keyed: bool = False, refusals: Mapping[int, str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
    """Make a function an operation: it gets what stands in the address, `asked` and `body`.

    What it returns is written as `answer`; a response it returns is sent as it is. A `keyed` one
    takes an `Idempotency-Key` header and gets it as `key`.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        found = Operation(
            method, path, name, who, (function.__doc__ or "").partition("\n")[0], answer,
            STATUS.get(method, 200), takes, query, keyed, refusals or {},
        )  # fmt: skip
        OPERATIONS[name] = found

        def view(**args: str) -> Response:
            return _answered(found, function(**_read(found, args)))

        view.__doc__ = function.__doc__
        blueprint.add_url_rule(path, name, callers(who, token=True)(view), methods=[method])
        return function

    return declare


def _read(found: Operation, args: Mapping[str, str]) -> dict[str, Any]:
    read: dict[str, Any] = dict(args)
    if not all(text.isprintable() and len(text) <= 300 for text in args.values()):
        raise NotFound("There is no such thing.")
    asked = _query(found.query)
    if found.query is not None:
        read["asked"] = asked
    if found.takes is not None:
        read["body"] = _body(found.takes)
    if found.keyed:
        read["key"] = _key()
    return read


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters at all."""


def _query(shape: Any) -> Any:
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise WrongQuery([{"parameter": twice[0], "detail": "Given more than once."}])
    try:
        return msgspec.convert(request.args.to_dict(), shape or Nothing, strict=False)
    except msgspec.ValidationError as error:
        detail, place = _placed(error)
        named = place.strip("/") or detail.partition("`")[2].partition("`")[0]
        raise WrongQuery([{"parameter": named, "detail": detail}]) from None


def _body(shape: Any) -> Any:
    if request.mimetype != JSON:
        raise NotJSON("Send the body as application/json.")
    try:
        return msgspec.json.decode(request.get_data(), type=shape)
    except msgspec.ValidationError as error:
        detail, place = _placed(error)
        raise WrongBody([{"pointer": place, "detail": detail}]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput("The body is no JSON.") from None


def _placed(error: msgspec.ValidationError) -> tuple[str, str]:
    """Take msgspec's sentence apart: what is wrong, and where, as a JSON pointer (RFC 6901)."""
    detail, _, path = str(error).partition(" - at `$")
    return f"{detail}.", path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")


LONGEST_KEY = 100


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadInput(
            "Send an Idempotency-Key header of 1 to {most} plain characters.", most=LONGEST_KEY
        )
    return key


def _answered(found: Operation, answer: Any) -> Response:
    if isinstance(answer, Response):
        response = answer
    elif answer is None:
        response = Response(status=found.status)
        del response.headers["Content-Type"]
    elif found.method == "GET":
        response = written(answer)
    else:
        response = Response(msgspec.json.encode(answer), found.status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def written(answer: Any) -> Response:
    """Write what was asked for; who has it already, by its ETag, gets 304."""
    body = msgspec.json.encode(answer)
    response = Response(body, content_type=JSON)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.make_conditional(request)
    return response


def mode() -> str:
    """Return whose money this request sees: live or test. Raises TokenNeeded."""
    bearer = current_bearer()
    if bearer is None:
        raise TokenNeeded("This needs a personal token: Authorization: Bearer obl_live_…")
    return bearer.mode

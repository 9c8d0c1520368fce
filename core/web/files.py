"""Files of the site over HTTP: a range at a time, and harmless to whoever opens one (RFC 9110)."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, request
from werkzeug.wsgi import FileWrapper

from core.storage import files

RANGES = re.compile(r"bytes=(.*)", re.IGNORECASE)
RANGE = re.compile(r"([0-9]*)-([0-9]*)")
FARTHEST_DIGITS = 19
CHUNK = 64 * 1024
LONGEST_NAME_BYTES = 255
"""What most file systems take."""
LONGEST_ENDING_BYTES = 16
UNSAFE = re.compile(r'[/\\:*?"<>|]')
NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+,=@-]")
SANDBOX = "sandbox; default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
"""For what a browser might run: no script, no form, an origin of its own."""
Span = tuple[int, int]


class Unsatisfiable(Exception):
    """The range begins after the end of the file."""


def send_stored(id: str, *, as_attachment: bool = False, kept: timedelta | None = None) -> Response:
    """Answer the present request with a file of the site, or the range of it that is asked for.

    The caller has decided that this reader may have it. `as_attachment` has the browser save it;
    `kept` is how long the reader's browser may keep it, else it keeps nothing. A request for
    several ranges gets the whole file, as RFC 9110, section 14.2, allows. Raises NotFound.
    """
    stored = files.find(id)
    response = Response(mimetype=stored.mimetype)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = disposition(stored.name, as_attachment=as_attachment)
    response.headers["Cache-Control"] = (
        f"private, max-age={int(kept.total_seconds())}" if kept else "private, no-store"
    )
    response.set_etag(stored.etag)
    if not _is_media(stored.mimetype):
        response.headers["Content-Security-Policy"] = SANDBOX
    if request.if_match and not request.if_match.contains(stored.etag):
        response.status_code = 412
        return response
    if request.if_none_match.contains_weak(stored.etag):
        response.status_code = 304
        return response
    return _with_body(response, stored)


def send_open(file: BinaryIO, name: str, mimetype: str) -> Response:
    """Answer with a file that was opened or made for this request; a browser saves it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    body = FileWrapper(file, CHUNK)  # the server closes it, and with it the file
    response = Response(body, mimetype=mimetype, direct_passthrough=True)
    response.content_length = size
    response.headers["Content-Disposition"] = disposition(name, as_attachment=True)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _with_body(response: Response, stored: files.StoredFile) -> Response:
    size = stored.size
    try:
        span = asked_range(request.headers.get("Range"), size) if _range_counts(stored) else None
    except Unsatisfiable:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    if span is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {span[0]}-{span[1]}/{size}"
    first, last = span or (0, size - 1)
    response.content_length = last + 1 - first
    if request.method != "HEAD":
        response.response = _Body(stored.read(first, last))
    return response


def _range_counts(stored: files.StoredFile) -> bool:
    """A range is for GET, and for the file that the reader has the beginning of.

    If-Range is compared strongly; a date never fits, as files carry none (RFC 9110, 13.1.5).
    """
    known = request.headers.get("If-Range")
    return request.method == "GET" and (known is None or known.strip() == f'"{stored.etag}"')


class _Body:
    """Pieces of a file. The first is read at once, so that damage is an error, not a cut answer."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._first: bytes | None = next(pieces, b"")

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._pieces) if first is None else first

    def close(self) -> None:
        """Close the file, also when the reader went away."""
        self._pieces.close()  # type: ignore[attr-defined]


def asked_range(header: str | None, size: int) -> Span | None:
    """Return the first and last byte that a Range header asks for; None stands for the whole file.

    What is not valid, and several ranges, ask for the whole. Raises Unsatisfiable.
    """
    found = RANGES.fullmatch(header or "")
    parts = [part.strip(" \t") for part in found[1].split(",")] if found else []
    wanted = [RANGE.fullmatch(part) for part in parts if part]
    if len(wanted) != 1 or wanted[0] is None or wanted[0][0] == "-":
        return None
    first, last = (_number(text) for text in wanted[0].groups())
    if first is None:
        assert last is not None
        if last == 0:
            raise Unsatisfiable
        return (max(0, size - last), size - 1) if size else None
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, size - 1 if last is None else min(last, size - 1)


def _number(digits: str) -> int | None:
    """Return a position; one with more digits than any file has bytes is as far as can be."""
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) < FARTHEST_DIGITS else 10**FARTHEST_DIGITS


def disposition(name: str, *, as_attachment: bool) -> str:
    """Return a Content-Disposition that carries a name safely (RFC 6266, RFC 8187)."""
    safe = safe_name(name)
    letters = (one for one in unicodedata.normalize("NFKD", safe) if not unicodedata.combining(one))
    plain = NOT_PLAIN.sub("_", "".join(letters))
    kind = "attachment" if as_attachment else "inline"
    extended = "" if plain == safe else f"; filename*=UTF-8''{quote(safe, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


def safe_name(name: str) -> str:
    """Return a file's name without what deceives or breaks: controls, marks of direction, paths."""
    composed = unicodedata.normalize("NFC", " ".join(name.split()))
    visible = "".join(one for one in composed if unicodedata.category(one)[0] != "C")
    flat = UNSAFE.sub("_", visible).strip(". ") or "file"
    stem, dot, ending = flat.rpartition(".")
    ending = dot + ending
    if not stem or len(ending.encode()) > LONGEST_ENDING_BYTES:
        stem, ending = flat, ""
    room = LONGEST_NAME_BYTES - len(ending.encode())
    return stem.encode()[:room].decode(errors="ignore") + ending


def _is_media(mimetype: str) -> bool:
    """Tell whether a browser only shows or plays it; a picture made of markup can hold scripts."""
    return mimetype.startswith(("image/", "audio/", "video/")) and not mimetype.endswith("xml")

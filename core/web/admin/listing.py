"""Lists that their address filters: a form, pages, and the same rows as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from flask import Response, request

from core.clock import now
from core.errors import BadInput, Refused
from core.people import current_reader
from core.sheets import Row, as_csv
from core.web.admin.shell import admin_page

PAGE, MOST_ROWS, LAST_PAGE = 50, 10_000, 2_000
LONGEST_WORDS = 200
FORMAT = "format"


@dataclass(frozen=True, slots=True)
class Filter:
    """One field of a list's form: its name in the address, its label, what may be chosen.

    What is `hidden` comes from a way that leads to the list, and is kept. `otherwise` is what a
    choice is called when nothing is chosen, if that is not all.
    """

    name: str
    label: str
    kind: Literal["text", "choice", "day", "hidden"] = "text"
    choices: tuple[tuple[str, str], ...] = ()
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of a list; what it leaves out is the empty string."""

    values: Mapping[str, str]
    page: int = 1
    size: int = PAGE

    def __getitem__(self, name: str) -> str:
        """Return what a filter was set to."""
        return self.values[name]

    @property
    def limit(self) -> int:
        """How many rows to find: one more than are shown, to know whether more follow."""
        return self.size + 1

    @property
    def offset(self) -> int:
        """How many rows to leave out."""
        return (self.page - 1) * self.size

    def since(self, name: str) -> datetime | None:
        """Return the beginning of the day of a filter, in UTC."""
        text = self.values[name]
        return _day(text) if text else None

    def until(self, name: str) -> datetime | None:
        """Return the end of the day of a filter, in UTC."""
        start = self.since(name)
        return None if start is None else start + timedelta(days=1)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadInput("“{text}” is no day.", text=text) from None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list as a template draws it."""

    filters: Sequence[Filter]
    asked: Asked
    rows: Sequence[Any] = ()
    more: bool = False
    can_export: bool = False
    address: str = field(default_factory=lambda: request.path)

    @property
    def is_filtered(self) -> bool:
        """Whether anything was chosen."""
        return any(self.asked.values.values())

    def query(self, **changes: object) -> dict[str, str]:
        """Return the arguments of this list's address, some of them changed."""
        kept = {name: value for name, value in self.asked.values.items() if value}
        return kept | {name: str(value) for name, value in changes.items()}


def asked_of(filters: Sequence[Filter]) -> Asked:
    """Read the address of a list. Raises BadInput for what no form of it would send."""
    values = {}
    for one in filters:
        value = request.args.get(one.name, "").strip()[:LONGEST_WORDS]
        if one.kind == "choice" and value and value not in dict(one.choices):
            raise BadInput("“{text}” cannot be chosen here.", text=value)
        if one.kind == "day" and value:
            _day(value)
        values[one.name] = value
    page = request.args.get("page", 1, type=int)
    return Asked(values, min(max(page, 1), LAST_PAGE))


def show_list(
    template: str,
    filters: Sequence[Filter],
    find: Callable[[Asked], Sequence[Any]],
    *,
    as_row: Callable[[Any], Row],
    **context: Any,
) -> Response:
    """Show what `find` finds for this address; `?format=csv` sends the same rows as a file.

    `find` returns at most `asked.limit` rows from `asked.offset` on. Raises BadInput, and Refused
    for a file that the reader may not take along.
    """
    asked = asked_of(filters)
    can_export = "orders.export" in current_reader().permissions
    if request.args.get(FORMAT) == "csv":
        if not can_export:
            raise Refused("Your role does not allow this.")
        rows = find(Asked(asked.values, size=MOST_ROWS))
        return _file([as_row(row) for row in rows[:MOST_ROWS]])
    rows = find(asked)
    shown = Listing(filters, asked, rows[: asked.size], len(rows) > asked.size, can_export)
    return admin_page(template, list=shown, **context)


def _file(rows: Sequence[Row]) -> Response:
    name = request.path.strip("/").rpartition("/")[2]
    response = Response(as_csv(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{now():%Y-%m-%d}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response

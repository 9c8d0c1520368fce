"""What a plugin keeps, in one file to take along: its tables, settings and the list of its files.

Texts that are sealed for a person are opened, so the file belongs into careful hands. What is
secret stays out: columns of the class `secret`, settings of that type, cells that nobody classed.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from core import audit, settings
from core.clock import now
from core.plugins.declarations import site_home
from core.plugins.switching import Plugin, plugin, tables_of
from core.storage import (
    Columns,
    Shredded,
    Unreadable,
    database,
    execute,
    row_name,
    transaction,
    unseal,
)

EXPORTED = "plugins.export"
FILE_ID = re.compile(r"fil_[0-9a-z]{20,40}")
GONE = "(erased)"
"""In place of what was sealed for a person who is erased."""


def export(name: str, target: BinaryIO, *, actor: str, address: str = "") -> dict[str, int]:
    """Write what a plugin keeps as a zip of JSON files; return the rows of each table.

    Raises NotFound for a name that no plugin has.
    """
    one = plugin(name)
    if one.found is not None:
        settings.declare(one.found.manifest.declared_settings)
    rows: dict[str, int] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        ids: set[str] = set()
        for table in tables_of(name):
            with archive.open(f"tables/{table}.json", "w") as file:
                rows[table] = _write(file, _rows(table, one), ids)
        archive.writestr("settings.json", _json(_settings(one)))
        archive.writestr("files.json", _json(_files(name, ids)))
        archive.writestr("about.json", _json(_about(one, rows)))
    with transaction():
        audit.record(EXPORTED, actor=actor, subject=name, address=address, rows=rows)
    return rows


def _write(file: Any, rows: Iterator[Mapping[str, Any]], ids: set[str]) -> int:
    """Write rows as they come, one a line, and gather the files that they name."""
    number = 0
    file.write(b"[")
    for number, row in enumerate(rows, 1):
        text = json.dumps(row, ensure_ascii=False)
        ids.update(FILE_ID.findall(text))
        file.write(b"\n" if number == 1 else b",\n")
        file.write(text.encode())
    file.write(b"\n]\n")
    return number


def _rows(table: str, one: Plugin) -> Iterator[Mapping[str, Any]]:
    declared = one.found.manifest.columns if one.found else {}
    known = declared.get(table, Columns())
    columns = database.get_columns(table)
    shown = [column.name for column in columns if column.name not in known.secret]
    key = [column.name for column in columns if column.primary_key]
    asked = ", ".join(f'"{column}"' for column in (*key, *shown))
    for row in execute(f'SELECT {asked} FROM "{table}"'):
        name = row_name(*row[: len(key)])
        yield {
            column: _plain(cell, table, column, name, known)
            for column, cell in zip(shown, row[len(key) :], strict=True)
        }


def _plain(cell: Any, table: str, column: str, row: str, known: Columns) -> Any:
    if isinstance(cell, memoryview):
        cell = bytes(cell)
    if not isinstance(cell, bytes):
        return cell if isinstance(cell, str | int | float | bool | None) else str(cell)
    if column in known.sealed:
        try:
            return unseal(cell, table=table, column=column, row=row)
        except (Shredded, Unreadable):
            return GONE
    return cell.hex() if column in known.public else None


def _settings(one: Plugin) -> dict[str, Any]:
    own = one.found.manifest.declared_settings if one.found else []
    return {each.name: settings.value(each.name) for each in own if not each.secret}


def _files(name: str, ids: set[str]) -> list[dict[str, Any]]:
    """List the stored files that the rows name, and what lies in the plugin's own folder."""
    kept = [
        {"id": id, "mimetype": row[0], "size": row[1]}
        for id in sorted(ids)
        if (row := execute("SELECT mimetype, size FROM files_file WHERE id = ?", [id]).fetchone())
    ]
    folder = site_home() / "data" / name
    own = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return kept + [
        {"path": f"data/{name}/{path.relative_to(folder)}", "size": path.stat().st_size}
        for path in own
    ]


def _about(one: Plugin, rows: Mapping[str, int]) -> dict[str, Any]:
    version = one.found.manifest.plugin.version if one.found else ""
    made = now().isoformat(timespec="seconds")
    return {"plugin": one.name, "version": version, "made": made, "rows": rows}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

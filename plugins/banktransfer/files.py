"""Tables that wait for somebody to say what their columns are; then they are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from peewee import BigIntegerField, TextField

from core import EncryptedText, Model, NotFound, execute, new_id, now, save_setting, value
from plugins.banktransfer.records import INSTANTS
from plugins.banktransfer.statements import COLUMNS

KEPT = timedelta(hours=1)
SETTING = "banktransfer.columns"


class File(Model):
    """A table as it was sent, sealed."""

    id = TextField(primary_key=True, default=partial(new_id, "csv"))
    content = EncryptedText(shop="banktransfer")
    created = BigIntegerField()

    class Meta:
        """Its table carries the plugin's name."""

        table_name = "banktransfer_file"


def keep(text: str) -> str:
    """Keep a table for an hour; return its id."""
    old = INSTANTS.db_value(now() - KEPT)
    execute("DELETE FROM banktransfer_file WHERE created < ?", [old])
    return str(File.create(content=text, created=INSTANTS.db_value(now())).id)


def text_of(id: str) -> str:
    """Return a table that waits. Raises NotFound."""
    found = File.get_or_none(File.id == id)
    if found is None:
        raise NotFound("This file is no longer here. Please send it again.")
    return str(found.content)


def forget(id: str) -> None:
    """Delete a table that was read."""
    execute("DELETE FROM banktransfer_file WHERE id = ?", [id])


def remembered() -> dict[str, str]:
    """Return which columns the last table had, by what they hold."""
    try:
        found = json.loads(value(SETTING) or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: str(found[name]) for name in COLUMNS if found.get(name)}


def remember(columns: Mapping[str, str], actor: str) -> None:
    """Remember the columns, for the next file of this bank."""
    text = json.dumps(dict(columns), ensure_ascii=False)
    if len(text) <= 300 and columns != remembered():
        save_setting(SETTING, text, actor)

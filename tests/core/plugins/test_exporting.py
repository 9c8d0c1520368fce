"""What a plugin keeps goes into one file: opened for its owner, and without anything secret."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from core import audit, settings
from core.errors import NotFound
from core.plugins import set_home
from core.plugins.exporting import GONE, export
from core.storage import execute, files, insert, is_postgres, row_name, seal, shred, transaction
from tests.core.plugins import shelf

MANIFEST = """
[settings.colour]
type = "text"
default = "red"
label.en = "Colour"

[settings.key]
type = "secret"
label.en = "Key"

[columns.jam_pot]
public = ["id", "label", "file", "digest"]
personal = ["note"]
secret = ["pin"]
"""


@pytest.fixture
def jam(db, tmp_path):
    """Put a plugin with a table, a file and a folder into a site."""
    home = tmp_path / "home"
    shelf.put(home, "jam", shelf.HEAD, MANIFEST)
    set_home(home, [str(home / "plugins")])
    files.set_folder(home / "files")
    binary = "BYTEA" if is_postgres() else "BLOB"
    execute("DROP TABLE IF EXISTS jam_pot")
    execute(
        f"CREATE TABLE jam_pot (id TEXT PRIMARY KEY, label TEXT, file TEXT, digest {binary}, "
        f"note {binary}, pin {binary}, odd {binary})"
    )
    kept = files.keep(b"plum", mimetype="text/plain", name="plum.txt")
    for id, holder in (("a", "usr_1"), ("b", "usr_2")):
        note = seal(
            f"for {holder}", table="jam_pot", column="note", row=row_name(id),
            subject=f"person:{holder}",
        )  # fmt: skip
        insert("jam_pot", {
            "id": id, "label": "=1+1", "file": kept.id, "digest": b"\x01\x02", "note": note,
            "pin": b"1234", "odd": b"5678",
        })  # fmt: skip
    with transaction():
        shred("person:usr_2")
    (home / "data" / "jam").mkdir(parents=True)
    (home / "data" / "jam" / "list.txt").write_text("x")
    yield kept
    execute("DROP TABLE jam_pot")
    set_home(tmp_path)


def test_tables_settings_and_files_are_in_it_and_nothing_secret(jam):
    """Cells are opened, but for who is erased; what nobody classed stays out; it is audited."""
    settings_of_it = {"jam.colour": "blue", "jam.key": "sk_live_1"}
    export("jam", io.BytesIO(), actor="usr_9")  # the settings are known from now on
    for name, text in settings_of_it.items():
        settings.save(name, text, actor="test")
    target = io.BytesIO()
    rows = export("jam", target, actor="usr_9", address="192.0.2.1")
    with zipfile.ZipFile(target) as archive:
        found = {name: json.loads(archive.read(name)) for name in archive.namelist()}

    pot = {"label": "=1+1", "file": jam.id, "digest": "0102", "odd": None}
    assert rows == {"jam_pot": 2}
    assert sorted(found["tables/jam_pot.json"], key=lambda one: one["id"]) == [
        {"id": "a", "note": "for usr_1"} | pot, {"id": "b", "note": GONE} | pot,
    ]  # fmt: skip
    assert found["settings.json"] == {"jam.colour": "blue"}
    assert found["files.json"] == [
        {"id": jam.id, "mimetype": "text/plain", "size": 4},
        {"path": "data/jam/list.txt", "size": 1},
    ]
    assert found["about.json"]["rows"] == {"jam_pot": 2}
    assert b"sk_live_1" not in target.getvalue()
    event = audit.events(action="plugins.export")[0]
    assert (event.actor, event.subject, event.data["rows"]) == ("usr_9", "jam", {"jam_pot": 2})


def test_a_plugin_that_nobody_knows_has_nothing(jam):
    """Not even an empty file."""
    with pytest.raises(NotFound):
        export("nobody", io.BytesIO(), actor="usr_9")

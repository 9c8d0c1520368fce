"""My data: all of it to take along, and gone for ever when its person wants that."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest

from core import checkout, doors, entitlements, ledger, orders
from core.doors.leaving import gathered
from core.errors import BadInput, OboloError, PluginFailed
from core.ledger import Leg, post
from core.people import Reader, contacts, passkeys, sessions, two_factor, users
from core.storage import (
    Shredded,
    cells,
    execute,
    row_name,
    shredded_subjects,
    transaction,
    unseal,
)
from core.verify import verify
from tests.people import (
    EMAIL,
    OTHER_EMAIL,
    PASSWORD,
    PLACE,
    Broken,
    Device,
    kept,
    make_user,
)
from tests.stand_in import Instant, eur, plugged, post_line

NAME = '=HYPERLINK("https://evil.example")'
NOTES = {"notes": [{"text": "+1 234", "n": -5}, {"text": 'plain, "quoted"', "more": "@x"}]}
FISCAL = (
    "SELECT * FROM orders_order", "SELECT * FROM orders_line", "SELECT * FROM ledger_entry",
    "SELECT * FROM ledger_leg", "SELECT * FROM entitlements_entitlement",
    "SELECT * FROM payments_payment",
)  # fmt: skip


@pytest.fixture
def ada(site, clock):
    """Return a user who has some of everything: two holders, a purchase, an app, a passkey."""
    user, _ = make_user(name=NAME, password=PASSWORD, app=True)
    two_factor.new_recovery_codes(user.id)
    sessions.start(user.id, strong=True, agent="Firefox/140 Linux")
    options = passkeys.options_to_make(user.id, "", PLACE)
    passkeys.make(user.id, Device().make(options), "Ada’s phone", PLACE)
    contacts.keep("gst_1", EMAIL, "en")
    with transaction():
        post("gift", [Leg("assets:cash", eur(100)), Leg("liabilities:purse:gst_1", eur(-100))],
             reason="gift")  # fmt: skip
    clock.shift(timedelta(seconds=1))  # ids of one instant have no order
    with plugged(Instant()):
        checkout.buy(Reader("gst_1", ("gst_1",)), (post_line(),), "purse", return_to="/hello")
    users.claim(user.id, "gst_1")
    return user


def reader_of(user):
    return Reader(user.id, (user.id, *users.claimed_by(user.id)), user.id)


def fiscal():
    return [sorted(map(repr, execute(sql).fetchall())) for sql in FISCAL]


def unpacked(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_all_that_is_kept_is_taken_along(ada):
    """Of the user and of the guests that they claimed, section by section."""
    found = gathered(reader_of(ada))

    assert set(found) == {
        "user", "devices", "passkeys", "events", "contacts", "orders", "lines", "payments",
        "entitlements", "balances",
    }  # fmt: skip
    (user,) = found["user"]
    assert (user["email"], user["name"], user["recovery_codes_left"]) == (EMAIL, NAME, 10)
    assert found["devices"][0]["device"] == "Firefox, Linux"
    assert found["passkeys"][0]["name"] == "Ada’s phone"
    assert found["contacts"] == [{"holder": "gst_1", "email": EMAIL}]
    assert found["orders"][0]["total"] == found["lines"][0]["amount"] == 20
    assert found["payments"][0]["state"] == "paid"
    assert found["entitlements"][0]["key"] == "post:hello"
    assert found["balances"] == [
        {"account": "liabilities:purse:gst_1", "amount": -80, "currency": "EUR"}
    ]
    assert "user.passkey_on" in {event["action"] for event in found["events"]}


def test_a_guest_takes_along_what_a_guest_has(ada):
    """Nothing of a user, and nothing of anybody else."""
    found = gathered(Reader("gst_1", ("gst_1",)))
    stranger = gathered(Reader("gst_2", ("gst_2",)))

    assert {"contacts", "orders", "entitlements"} <= set(found)
    assert not {"user", "devices", "passkeys", "events"} & set(found)
    assert stranger == {}


def test_nobody_s_data_stand_in_another_s_archive(ada):
    """Each section asks for this reader."""
    bea, _ = make_user(OTHER_EMAIL)
    text = json.dumps(gathered(reader_of(bea)))

    assert OTHER_EMAIL in text
    assert not [word for word in (EMAIL, "gst_1", "post:hello", "evil", ada.id) if word in text]


def test_no_secret_is_taken_along(ada):
    """What lets somebody in is in no file that lies in a folder."""
    text = "".join(unpacked(doors.archive(reader_of(ada))).values())
    stored = execute("SELECT password FROM people_user").fetchone()[0]
    tokens = execute("SELECT token FROM people_session").fetchone()

    assert '"password": true' in text
    assert "$argon2" not in text
    assert stored not in text
    assert not [token for token in tokens if token in text]


def test_the_archive_has_all_in_json_and_each_section_in_csv(ada):
    """Both are read by machines; the JSON says when it was made."""
    files = unpacked(doors.archive(reader_of(ada)))
    whole = json.loads(files.pop("data.json"))

    assert whole.pop("made").startswith("2026-11-22T12:00")
    assert {f"{name}.csv" for name in whole} == set(files)
    assert rows(files["orders.csv"])[0]["total"] == "20"
    assert whole["user"][0]["name"] == NAME


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(site, cell):
    """A spreadsheet shows what stands there and runs nothing (OWASP, CSV Injection)."""
    with plugged(export_reader=lambda holder: {"notes": [{"text": cell, "n": -5}]}):
        files = unpacked(doors.archive(Reader("gst_1", ("gst_1",))))

    (row,) = rows(files["test_notes.csv"])
    assert row == {"text": f"'{cell}", "n": "-5"}
    assert json.loads(files["data.json"])["test_notes"][0]["text"] == cell


def test_plugins_add_what_they_keep(ada):
    """Under their name, for each holder, whatever columns their rows have."""
    asked = []

    def export_reader(holder):
        asked.append(holder)
        return NOTES if holder == "gst_1" else None

    with plugged(export_reader=export_reader):
        files = unpacked(doors.archive(reader_of(ada)))

    assert asked == [ada.id, "gst_1"]
    assert rows(files["test_notes.csv"]) == [
        {"text": "'+1 234", "n": "-5", "more": ""},
        {"text": 'plain, "quoted"', "n": "", "more": "'@x"},
    ]


def opened():
    """Return every sealed text of the database that can be read now."""
    for column in cells.walkable():
        for batch in cells.walk(column):
            for row, cell in batch:
                try:
                    yield (
                        column.table,
                        unseal(cell, table=column.table, column=column.name, row=row_name(*row)),
                    )
                except OboloError:
                    continue


def traces():
    """Return the tables in which something of Ada's can be read; codes go after a day."""
    found = {table for table, text in opened() if EMAIL in text or "evil" in text or "Ada" in text}
    return found - {"people_code"}


def test_nothing_can_be_read_of_who_was_erased(ada, outbox):
    """Neither of the user nor of the guests that they claimed, nor messages to them."""
    doors.notify(ada, "password")
    assert traces() == {"people_user", "people_passkey", "people_contact", "mail_message"}
    doors.erase(ada.id, actor=ada.id)
    assert traces() == {"mail_message"}  # the last one, which must still go out
    execute("DELETE FROM mail_message WHERE id = ?", [outbox.last(EMAIL).id])

    assert traces() == set()
    assert users.by_email(EMAIL) is None
    assert contacts.of_email(EMAIL) == []


def test_what_comes_back_from_a_backup_opens_no_more(ada):
    """The keys are destroyed, so an old row is only noise; the list beside the keys names them."""
    cell = execute("SELECT email FROM people_user WHERE id = ?", [ada.id]).fetchone()[0]
    where = {"table": "people_user", "column": "email", "row": ada.id}
    assert unseal(bytes(cell), **where) == EMAIL
    doors.erase(ada.id, actor=ada.id)

    with pytest.raises(Shredded):
        unseal(bytes(cell), **where)
    execute("UPDATE people_user SET email = ? WHERE id = ?", [bytes(cell), ada.id])
    with pytest.raises(Shredded):
        users.find(ada.id)


def test_erasing_is_written_beside_the_keys(ada, keys_folder):
    """A restored database learns from it."""
    doors.erase(ada.id, actor=ada.id)

    assert set(shredded_subjects(keys_folder)) == {f"person:{ada.id}", "person:gst_1"}


def test_who_was_erased_is_signed_in_nowhere_and_cannot_come_back(ada):
    """Sessions, passkeys, app, recovery codes and password are gone."""
    token = sessions.start(ada.id, strong=True)
    doors.erase(ada.id, actor=ada.id)

    assert sessions.by_token(token) is None
    for table in ("people_session", "people_passkey", "people_recovery"):
        assert execute(f"SELECT * FROM {table}").fetchall() == []
    gone = users.find(ada.id)
    assert (gone.state, gone.password, gone.totp_since) == ("erased", None, None)


def test_the_books_stay_under_a_holder_that_nobody_can_name(ada):
    """They must be kept for ten years; nothing in them changes."""
    before = fiscal()
    doors.erase(ada.id, actor=ada.id)

    assert all(before)
    assert fiscal() == before
    assert verify() == []
    assert [one.id for one in orders.of_holders(("gst_1",))]
    assert entitlements.of_holders(("gst_1",))
    assert ledger.held_by("gst_1")
    assert users.claimant("gst_1") == ada.id


def test_the_last_message_goes_out_although_the_key_is_gone(ada, outbox):
    """Somebody else may have pressed the button."""
    doors.erase(ada.id, actor=ada.id)
    letter = outbox.last(EMAIL)

    assert "erased" in letter.body
    assert execute("SELECT sent, error FROM mail_message WHERE id = ?", [letter.id]).fetchone()[0]


def test_plugins_forget_and_say_what_stays(ada):
    """For each holder, in the same transaction."""
    asked = []

    def erase_reader(holder):
        asked.append(holder)
        return "invoices, for ten years" if holder == "gst_1" else None

    with plugged(erase_reader=erase_reader):
        stays = doors.erase(ada.id, actor=ada.id)

    assert asked == [ada.id, "gst_1"]
    assert stays == ["test: invoices, for ten years"]


def failing(holder):
    raise Broken


def test_a_plugin_that_fails_stops_the_erasing(ada, outbox):
    """All or nothing: half an erased person could never be erased again."""
    before = kept()
    outbox.clear()
    with plugged(erase_reader=failing), pytest.raises(PluginFailed):
        doors.erase(ada.id, actor=ada.id)

    assert kept() == before
    assert users.find(ada.id).email == EMAIL
    assert contacts.of_holder("gst_1") == (EMAIL, "en")
    assert outbox.letters == []


def test_the_last_owner_cannot_leave(site, outbox):
    """Nothing is forgotten, no key is destroyed, and nothing is told."""
    owner, _ = make_user(role="owner", app=True)
    before = kept()
    with pytest.raises(BadInput, match="only owner"):
        doors.erase(owner.id, actor=owner.id)

    assert kept() == before
    assert users.find(owner.id).email == EMAIL


def test_the_address_is_free_after_that(ada):
    """Whoever signs up with it is somebody else, without what was bought."""
    doors.erase(ada.id, actor=ada.id)
    again, _ = make_user()

    assert again.id != ada.id
    assert users.claimed_by(again.id) == []
    assert not users.claim(again.id, "gst_1")

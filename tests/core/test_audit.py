"""Who did what, and when."""

from __future__ import annotations

import pytest

from core import audit
from core.storage import execute, transaction


def recorded(action: str = "orders.refund", **data):
    with transaction():
        return audit.record(action, actor="usr_1", **data)


def test_an_event_is_read_back_newest_first(db):
    """Events are read newest first, with all that was said about them."""
    first = recorded(subject="ord_1", address="203.0.113.7", minor=20)
    second = recorded("settings.save", subject="site.name", after="Mine")

    found = audit.events()

    assert [event.id for event in found] == [second, first]
    assert found[1].actor == "usr_1"
    assert found[1].subject == "ord_1"
    assert found[1].address == "203.0.113.7"
    assert found[1].data == {"minor": 20}
    assert found[1].at <= found[0].at


def test_events_can_be_chosen(db):
    """A reader asks for one action, one subject, and so many."""
    for number in range(5):
        recorded(subject=f"ord_{number}")
    recorded("settings.save", subject="ord_1")

    assert len(audit.events(limit=3)) == 3
    assert len(audit.events(action="orders.refund")) == 5
    assert [event.action for event in audit.events(subject="ord_1")] == [
        "settings.save",
        "orders.refund",
    ]
    assert audit.events(actor="usr_2") == []


def test_an_event_belongs_to_a_transaction(db):
    """An event is true if and only if its change is, so none stands outside of a transaction."""
    with pytest.raises(AssertionError):
        audit.record("orders.refund", actor="cli")

    def roll_back():
        with transaction():
            audit.record("orders.refund", actor="cli")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        roll_back()

    assert audit.events() == []


@pytest.mark.parametrize(
    "data",
    [
        {"password": "x"},
        {"new_password": "x"},
        {"client_secret": "x"},
        {"reset_token": "x"},
        {"code": "123456"},
        {"nested": {"Token": "x"}},
        {"many": [{"recovery-codes": "x"}]},
    ],
)
def test_secrets_are_refused(db, data):
    """A name that sounds like a secret is a bug, wherever it stands."""
    with pytest.raises(ValueError, match="secret"):
        recorded(**data)

    assert audit.events() == []


def test_what_strangers_say_is_kept_short_and_on_one_line(db):
    """Text of a stranger cannot fill the disk, or fake a second line."""
    recorded(subject="a\r\nb\x1b[31m" + "x" * 9_000)

    subject = audit.events()[0].subject
    assert len(subject) == audit.LONGEST_TEXT
    assert subject.isprintable() or "�" in subject
    assert "\n" not in subject
    assert "\x1b" not in subject


def test_too_much_data_is_cut(db):
    """Data has a limit, too, and what is left says that it was cut."""
    recorded(text="x" * 20_000)

    assert list(audit.events()[0].data) == ["cut"]


def test_an_action_has_the_form_of_a_name(db):
    """Actions read `orders.refund`, so that they can be searched."""
    with pytest.raises(AssertionError):
        recorded("Refunded an order")


def test_an_event_is_never_changed(db):
    """Both databases refuse to change or delete a row of the log."""
    recorded()

    for statement in ("UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event"):
        with pytest.raises(Exception, match="append-only"):
            execute(statement)
    assert audit.events()[0].actor == "usr_1"

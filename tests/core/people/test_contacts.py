"""Contacts: where a guest's receipts go, sealed, found by who proves to read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import OboloError
from core.people import contacts
from core.storage import execute, shred
from tests.people import EMAIL, OTHER_EMAIL, at_once


def test_a_guest_s_address_is_kept_with_its_language(db):
    """Receipts are written in it."""
    contacts.keep("gst_1", EMAIL, "it")

    assert contacts.of_holder("gst_1") == (EMAIL, "it")
    assert contacts.of_holder("gst_2") is None


def test_a_later_address_replaces_the_earlier_one(db):
    """Who reads the earlier one finds nothing any more."""
    contacts.keep("gst_1", EMAIL, "it")
    contacts.keep("gst_1", OTHER_EMAIL, "en")

    assert contacts.of_holder("gst_1") == (OTHER_EMAIL, "en")
    assert contacts.of_email(EMAIL) == []
    assert contacts.of_email(OTHER_EMAIL) == ["gst_1"]


def test_all_guests_of_an_address_are_found_oldest_first(clock, db):
    """However it is written; two browsers of one person are two guests."""
    for holder, email in (("gst_b", EMAIL), ("gst_a", "ADA@example.org"), ("gst_c", OTHER_EMAIL)):
        contacts.keep(holder, email, "en")
        clock.shift(timedelta(seconds=1))

    assert contacts.of_email(" Ada@Example.org") == ["gst_b", "gst_a"]


def test_the_address_is_sealed(db):
    """Neither it nor a plain hash of it stands in the row."""
    contacts.keep("gst_1", EMAIL, "en")

    assert "example.org" not in repr(execute("SELECT * FROM people_contact").fetchone())


def test_it_is_sealed_by_the_guest_s_own_key(db):
    """Who destroys that has erased it."""
    contacts.keep("gst_1", EMAIL, "en")
    contacts.keep("gst_2", EMAIL, "en")
    shred("person:gst_1")

    with pytest.raises(OboloError):
        contacts.of_holder("gst_1")
    with pytest.raises(OboloError):
        contacts.keep("gst_1", EMAIL, "en")
    assert contacts.of_holder("gst_2") == (EMAIL, "en")


def test_what_is_forgotten_is_found_by_nobody(db):
    """Forgetting twice is no error."""
    contacts.keep("gst_1", EMAIL, "en")
    contacts.forget("gst_1")
    contacts.forget("gst_1")

    assert contacts.of_holder("gst_1") is None
    assert contacts.of_email(EMAIL) == []


def test_two_taps_at_once_keep_one_address(db):
    """Neither fails."""
    answers = at_once(lambda n: contacts.keep("gst_1", EMAIL, "en"), 4)

    assert answers == [None] * 4
    assert contacts.of_email(EMAIL) == ["gst_1"]

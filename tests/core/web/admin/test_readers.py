"""Readers in the administration: found, helped, handed their data, erased."""

from __future__ import annotations

import io
import zipfile

import pytest

from core import audit, checkout, mail
from core.people import contacts, users
from core.storage import Shredded
from tests.people import OTHER_EMAIL, signed_in
from tests.stand_in import READER, sold

GUEST = READER.holder
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def reader(client):
    """Return a user who claimed the guest that buys."""
    user = users.create(email=OTHER_EMAIL, name="Bea", language="en")
    users.claim(user.id, GUEST)
    return user


def test_somebody_is_found_by_their_address(client, provider, reader):
    """Task: a reader writes a mail; their page is two taps and one field away.

    The address is not in the address of the page, where logs would keep it.
    """
    staff = signed_in(client, "bookkeeper")
    payment = sold(provider)
    contacts.keep("gst_other", OTHER_EMAIL.upper(), "it")
    several = staff.post("/admin/readers/", q=f" {OTHER_EMAIL} ")
    contacts.forget("gst_other")
    one = staff.post("/admin/readers/", q=OTHER_EMAIL)
    page = client.get(one.location)

    assert f"/admin/readers/{reader.id}" in several.text
    assert "/admin/readers/gst_other" in several.text
    assert one.location == f"/admin/readers/{reader.id}"
    for words in ("Bea", OTHER_EMAIL, f"/admin/orders/{payment.order}", "post:hello", "1 browser"):
        assert words in page.text
    assert client.get(f"/admin/readers/{GUEST}").location == one.location


@on_sqlite
def test_a_guest_is_found_by_number_and_the_list_names_nobody(client, provider):
    """Task: look at who bought last, in one tap."""
    staff = signed_in(client, "bookkeeper")
    sold(provider)
    contacts.keep(GUEST, OTHER_EMAIL, "it")
    listed = client.get("/admin/readers/")

    assert f"/admin/readers/{GUEST}" in listed.text
    assert OTHER_EMAIL not in listed.text
    assert GUEST in client.get("/admin/readers/?format=csv").text
    assert staff.post("/admin/readers/", q=GUEST).location == f"/admin/readers/{GUEST}"
    assert OTHER_EMAIL in client.get(f"/admin/readers/{GUEST}").text


@on_sqlite
@pytest.mark.parametrize("words", ["nobody@example.org", "gst_none", "usr_none", "", "@", "%"])
def test_nobody_is_found_by_what_nobody_has(client, words):
    """The page says so and keeps what was typed."""
    staff = signed_in(client, "owner")
    answer = staff.post("/admin/readers/", q=words)

    assert answer.status_code == 422
    assert "Nobody here has this address or number." in answer.text
    assert client.get(f"/admin/readers/{words or 'x'}").status_code == 404


@on_sqlite
def test_what_was_sent_to_somebody_is_listed(client, reader):
    """Their own messages only."""
    signed_in(client, "owner")
    mail.send(OTHER_EMAIL, "Your receipt", "Body", "en", holder=reader.id)
    mail.send("eve@example.org", "Another matter", "Body", "en")
    page = client.get(f"/admin/readers/{reader.id}").text

    assert "Your receipt" in page
    assert "Another matter" not in page


@on_sqlite
def test_data_are_handed_over_in_one_file(client, provider, reader):
    """Task: answer a request for access (GDPR, article 15), in two taps; the log says who did."""
    boss = signed_in(client, "owner")
    payment = sold(provider)
    answer = boss.post(f"/admin/readers/{reader.id}/export")
    file = zipfile.ZipFile(io.BytesIO(answer.data))

    assert OTHER_EMAIL in file.read("user.csv").decode()
    assert payment.order in file.read("orders.csv").decode()
    assert answer.headers["Cache-Control"] == "private, no-store"
    (event,) = audit.events(action="reader.export")
    assert (event.actor, event.subject) == (boss.user.id, reader.id)


@pytest.mark.parametrize("kind", ["user", "guest"])
def test_somebody_is_erased_with_a_typed_word(client, provider, kind):
    """Task: answer a request for erasure (GDPR, article 17), in three taps and one word.

    The page says what stays; the orders do, and open to nobody by name.
    """
    boss = signed_in(client, "owner")
    payment = sold(provider)
    contacts.keep(GUEST, OTHER_EMAIL, "it")
    holder = GUEST
    if kind == "user":
        holder = users.create(email=OTHER_EMAIL).id
        users.claim(holder, GUEST)
    slip = boss.post(f"/admin/readers/{holder}/erase", word="eras")
    assert slip.status_code == 422
    assert contacts.of_holder(GUEST)
    done = boss.post(f"/admin/readers/{holder}/erase", word=" Erase ")

    assert "ten years" in done.text
    assert contacts.of_holder(GUEST) is None
    assert users.by_email(OTHER_EMAIL) is None
    with pytest.raises(Shredded):
        mail.send(OTHER_EMAIL, "Hello", "You", "en", holder=GUEST)
    assert client.get(f"/admin/orders/{payment.order}").status_code == 200
    assert client.get(f"/admin/readers/{holder}").status_code == 200
    assert audit.events(action=f"{kind}.erase", actor=boss.user.id)


@on_sqlite
def test_nobody_erases_themselves_here_nor_the_last_owner(client):
    """Their own page asks in another way; a site has an owner."""
    boss = signed_in(client, "owner")
    answer = boss.post(f"/admin/readers/{boss.user.id}/erase", word="erase")

    assert answer.status_code == 422
    assert users.find(boss.user.id).active


@on_sqlite
def test_a_balance_is_shown_as_what_the_site_owes(client, provider):
    """A refund that is kept for a reader stands on their page."""
    signed_in(client, "owner")
    payment = sold(provider)
    checkout.refund(payment.order, {1: 20}, actor="cli", reason="kept", to="purse")
    page = client.get(f"/admin/readers/{GUEST}").text

    assert "liabilities:purse" in page
    assert page.count("€0.20") == 2

"""Receipts by mail: to a user, or to the address that a guest gave; once for each order."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core import checkout, mail, orders
from core.checkout import receipts
from core.orders import Line
from core.payments import records
from core.people import Reader, contacts, users
from core.plugins import catalogue
from core.storage import execute, shred, transaction
from tests.people import EMAIL, Broken, make_user
from tests.stand_in import Instant, StandIn, charge, eur, paid, post_line, taxed

GUEST = Reader("gst_1", ("gst_1",))


@pytest.fixture
def card():
    return StandIn("card", mode="live")


@pytest.fixture
def site(make_site, card, outbox):
    app = make_site()
    catalogue.providers["card"] = card
    with app.app_context():
        yield app


def bought(card, reader=GUEST, *lines, **rest):
    """Let a reader buy, and return the order."""
    order = checkout.start_order(reader, lines or (post_line(),))
    checkout.pay(order.id, "card", reader, "")
    payment = records.of_order(order.id)[0]
    checkout.settle(card, payment.id, paid(payment, charge("ch", payment.amount.minor), **rest))
    return orders.find(order.id)


def reader_of(user):
    return Reader(user.id, (user.id,), user.id)


def test_a_receipt_names_lines_total_and_order(site, card, outbox):
    """What the confirmation on a durable medium must hold."""
    contacts.keep("gst_1", EMAIL, "en")
    order = bought(card, GUEST, post_line(20), Line("A tip", eur(150), "income:tips"))
    letter = outbox.last(EMAIL)

    assert letter.subject == "Receipt from Obolo: €1.70"
    for words in ("Read this post: €0.20", "A tip: €1.50", "taxes included: €1.70", order.id):
        assert words in letter.body
    assert "sign in there with this e-mail address" in letter.body
    assert re.search(r"20\d\d", letter.body)
    assert letter.holder == "gst_1"


def test_it_is_written_in_the_language_in_which_the_guest_asked(site, card, outbox):
    """With its way of writing money and days."""
    contacts.keep("gst_1", EMAIL, "it")
    bought(card)
    letter = outbox.last(EMAIL)

    assert letter.language == "it"
    assert letter.subject == "Ricevuta di Obolo: 0,20\xa0€"
    assert "0,20\xa0€" in letter.body
    assert "taxes included" not in letter.body


def test_a_user_reads_it_at_their_own_address(site, card, outbox):
    """In their language, whatever a guest's contact says."""
    user, _ = make_user(language="it")
    contacts.keep(user.id, "else@example.org", "en")
    bought(card, reader_of(user))

    assert [letter.recipient for letter in outbox.letters] == [EMAIL]
    assert outbox.letters[0].language == "it"
    assert outbox.letters[0].holder == user.id


def test_a_user_may_want_none(site, card, outbox):
    """The library shows it all the same."""
    user, _ = make_user()
    users.set_messages(user, "en", receipts=False)
    bought(card, reader_of(user))

    assert outbox.letters == []
    assert receipts.recipient(user.id) is None


@pytest.mark.parametrize("reader", [GUEST, None])
def test_without_an_address_nothing_is_sent_and_the_sale_stands(site, card, outbox, reader):
    """Of a guest, or of a user who came by a passkey."""
    reader = reader or reader_of(make_user("")[0])

    assert bought(card, reader).state == "paid"
    assert outbox.letters == []


def test_one_order_has_one_receipt(site, card, outbox):
    """However often its payment is reported."""
    contacts.keep("gst_1", EMAIL, "en")
    order = bought(card)
    payment = records.of_order(order.id)[0]
    checkout.settle(card, payment.id, paid(payment, charge("ch", 20)))
    checkout.settle(card, payment.id, paid(payment, charge("ch", 20), charge("again", 20)))

    assert len(outbox.letters) == 1


def test_what_was_not_paid_has_no_receipt(site, card, outbox):
    """Nor what was paid with the wrong amount."""
    contacts.keep("gst_1", EMAIL, "en")
    order = checkout.start_order(GUEST, (post_line(),))
    checkout.pay(order.id, "card", GUEST, "")
    payment = records.of_order(order.id)[0]
    checkout.settle(card, payment.id, paid(payment, charge("ch", 19)))

    assert orders.find(order.id).state == "open"
    assert outbox.letters == []


def test_a_receipt_is_part_of_the_sale(site, card, outbox, monkeypatch):
    """What cannot be put into the outbox is settled anew later, with its receipt."""
    contacts.keep("gst_1", EMAIL, "en")

    def fail(*_words, **_more):
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(mail, "send", fail)
        with pytest.raises(Broken):
            bought(card)
    payment = records.find(execute("SELECT id FROM payments_payment").fetchone()[0])
    assert orders.find(payment.order).state == "open"
    checkout.settle(card, payment.id, paid(payment, charge("ch", 20)))

    assert orders.find(payment.order).state == "paid"
    assert len(outbox.to(EMAIL)) == 1


def test_a_receipt_that_cannot_be_written_stops_no_sale(site, card, outbox, caplog):
    """A guest's address came back with a backup, and its key is destroyed."""
    contacts.keep("gst_1", EMAIL, "en")
    shred("person:gst_1")

    assert bought(card).state == "paid"
    assert outbox.letters == []
    assert "has no receipt" in caplog.text
    assert EMAIL not in caplog.text


def test_play_money_says_so(site, outbox):
    """Nobody shall take it for a real one."""
    contacts.keep("gst_1", EMAIL, "en")
    till = catalogue.providers["purse"] = Instant(mode="test")
    checkout.buy(GUEST, (post_line(),), till.name, return_to="/")

    assert "play money" in outbox.last(EMAIL).body


def test_real_money_says_nothing_of_play(site, card, outbox):
    """The sentence is for test sales only."""
    contacts.keep("gst_1", EMAIL, "en")
    bought(card)

    assert "play money" not in outbox.last(EMAIL).body


def test_a_line_that_moves_a_tax_is_a_line_of_its_own(site, card, outbox):
    """The total is what was paid."""
    contacts.keep("gst_1", EMAIL, "en")
    bought(card, GUEST, *taxed())

    assert "€1.22" in outbox.last(EMAIL).subject
    assert outbox.last(EMAIL).body.count("VAT") == 2


def test_the_way_back_is_an_address_while_a_page_is_asked_for(site, card, outbox):
    """A task knows no address, and says it in words only."""
    contacts.keep("gst_1", EMAIL, "en")
    order = bought(card)
    assert "http" not in outbox.last(EMAIL).body
    with site.test_request_context("/", base_url="http://localhost"), transaction():
        receipts.send(order)

    assert "http://localhost/sign-in" in outbox.last(EMAIL).body


def test_a_receipt_goes_to_nobody_who_was_erased(site, card, outbox):
    """A sale that settles late is a sale; nobody is there to be written to."""
    user, _ = make_user()
    order = checkout.start_order(reader_of(user), (post_line(),))
    users.erase(user, actor="test")

    with transaction():
        receipts.send(replace(order, state="paid"))
    assert outbox.letters == []

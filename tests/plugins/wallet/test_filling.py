"""A low balance is told of, or filled up: only where its reader asked, and once for a low point."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core import checkout, crashpoints, mail, notices
from core import settings as site_settings
from core.clock import now
from core.doors import leaving
from core.ledger import balance
from core.orders import Line
from core.payments import ChargeSaved, Facts, ProviderUnknown, State, methods, records
from core.people import Reader
from core.plugins import catalogue
from core.storage import execute, new_id
from core.testing.mailbox import EMAIL
from core.testing.people import signed_in
from core.verify import verify
from plugins.wallet import filling, wishes
from plugins.wallet.statement import FAMILY
from tests.proofs.test_races import together
from tests.stand_in import StandIn, charge, eur, paid, post_line

BACK = "http://localhost/checkout/"
WISH = {"then": "add", "below": "1.00", "adds": "5.00"}


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Died(BaseException):
    """The process ends here."""


@pytest.fixture
def app(make_site):
    yield make_site("wallet")
    assert verify() == []


@pytest.fixture
def bank(app):
    """A provider that keeps methods and charges what it is told to."""
    provider = StandIn(can=frozenset({"save", "refund"}), fee=20)
    catalogue.providers["standin"] = provider
    with app.test_request_context():
        yield provider


def pay_in(bank, person, minor):
    """Pay in, and let the way be kept by which it was paid."""
    holder = person.user.id
    reader = Reader(holder, (holder,), holder)
    line = Line("Paid in", eur(minor), FAMILY + holder, data={"save": True})
    order = checkout.start_order(reader, (line,))
    checkout.pay(order.id, "standin", reader, BACK + order.id, save=True)
    (payment,) = records.of_order(order.id)
    taken = charge(f"ch_{order.id}", minor)
    bank.facts[payment.id] = paid(payment, taken, saved="pm_1", saved_label="Visa 4242")
    checkout.refresh(payment.id)


@pytest.fixture
def ada(client, bank):
    """A user who paid in 2.00, and keeps the way by which they did."""
    person = signed_in(client)
    pay_in(bank, person, 200)
    return person


@pytest.fixture
def filled(ada):
    """The same user, who lets 5.00 be added when less than 1.00 is left."""
    answer = ada.post("/x/wallet/low", **WISH, method=kept(ada).id)
    assert answer.status_code == 303, answer.text
    return ada


@pytest.fixture
def letters(mailbox, monkeypatch):
    """What is sent, also by the plugin itself."""
    monkeypatch.setattr(filling, "send_mail", mail.send)
    return mailbox


def kept(person):
    return methods.of_holders((person.user.id,))[0]


def spend(person, minor):
    holder, line = person.user.id, post_line(minor, f"post:{new_id('x')}")
    return checkout.buy(Reader(holder, (holder,), holder), (line,), "wallet")


def held(person):
    return -balance(FAMILY + person.user.id, "EUR").minor


def charges(bank):
    return [key for _, about, key in bank.asked if isinstance(about, ChargeSaved)]


def subjects(letters):
    return [letter.subject for letter in letters.to(EMAIL)]


def test_little_is_filled_up_once_and_a_receipt_says_so(filled, bank, letters):
    """Not before less is left; then by one order, however often the task looks."""
    looked = [filling.look_at_low()]
    spend(filled, 130)
    letters.clear()
    looked += [filling.look_at_low() for _ in range(3)]

    assert looked == [0, 1, 0, 0]
    assert held(filled) == 200 - 130 + 500
    assert len(charges(bank)) == 1
    assert subjects(letters) == ["Receipt from Obolo: €5.00"]
    page = filled.client.get("/x/wallet/").text
    assert "less than €1.00 are left, €5.00 are added by Visa 4242" in page


@on_sqlite
def test_it_is_off_until_asked_for_and_ends_by_one_button(ada, bank, letters):
    """Who asked for a word gets one for each low point; who stops it hears nothing more."""
    letters.clear()
    spend(ada, 130)
    filling.look_at_low()
    ada.post("/x/wallet/low", then="tell", below="1.00")
    told = [filling.look_at_low() for _ in range(2)]
    letter = letters.last()
    pay_in(bank, ada, 300)
    filling.look_at_low()
    spend(ada, 300)
    told += [filling.look_at_low() for _ in range(2)]
    ada.post("/x/wallet/low", then="none")

    assert told == [1, 0, 1, 0]
    assert letter.subject.startswith("€0.70 are left of your balance")
    assert "http://localhost/x/wallet/" in letter.body
    assert (filling.look_at_low(), charges(bank), wishes.find(ada.user.id)) == (0, [], None)
    assert "Nothing happens by itself" in ada.client.get("/x/wallet/").text


@on_sqlite
def test_what_cannot_be_kept_is_said_and_the_form_stays(ada):
    """Nothing is kept; what was typed stands there again."""
    for typed, words in (
        ({"adds": "0.50"}, "Please add between €3.00 and €50.00"),
        ({"adds": "50.01"}, "Please add between €3.00 and €50.00"),
        ({"below": "0"}, "between zero and €150.00"), ({"below": "x"}, "“x” is not an amount."),
        ({"method": "met_none"}, "no longer kept"),
    ):  # fmt: skip
        form = {**WISH, "method": kept(ada).id, **typed}
        answer = ada.post("/x/wallet/low", **form)

        assert (answer.status_code, words in answer.text) == (422, True), typed
        assert f'value="{form["below"]}"' in answer.text
    assert wishes.find(ada.user.id) is None


@on_sqlite
def test_the_cap_of_a_day_holds(filled, bank):
    """12.00 a day: 2.00 and two top-ups of 5.00; the third waits for tomorrow."""
    site_settings.save("wallet.daily_cap", 1200, actor="test")
    site_settings.reload()
    for _ in range(3):
        spend(filled, held(filled))
        filling.look_at_low()

    assert (len(charges(bank)), held(filled)) == (2, 0)
    assert wishes.find(filled.user.id).order == ""


@on_sqlite
@pytest.mark.parametrize(("charged", "words"), [
    (Facts("", State.FAILED, failure="insufficient_funds"), "was declined"),
    (Facts("", State.CUSTOMER, failure="authentication_required"), "confirm €5.00"),
])  # fmt: skip
def test_a_bank_that_says_no_switches_it_off_and_the_reader_is_told(
    filled, bank, letters, charged, words
):
    """Once, with a link; nothing is charged again by itself."""
    bank.charged = charged
    spend(filled, 150)
    letters.clear()
    for _ in range(2):
        filling.look_at_low()
        notices.tell_due(now())

    off = [one for one in letters.to(EMAIL) if "adds nothing" in one.subject]
    assert len(off) == len(charges(bank)) == 1
    assert words in off[0].body
    assert "http://localhost/x/wallet/" in off[0].body
    assert wishes.find(filled.user.id) is None
    assert held(filled) == 50


@pytest.mark.parametrize("declined", [False, True])
def test_an_answer_that_nobody_heard_is_looked_for_and_charged_by_the_same_key(
    filled, bank, letters, clock, declined
):
    """While it is unknown no second order is made, also when the reader stops and starts anew."""
    spend(filled, 150)
    bank.error = ProviderUnknown("time-out")
    method = kept(filled).id
    for _ in range(3):
        filling.look_at_low()
        filled.post("/x/wallet/low", then="none")
        filled.post("/x/wallet/low", **WISH, method=method)
    bank.error = None
    bank.charged = Facts("", State.FAILED, failure="declined") if declined else None
    clock.shift(timedelta(minutes=2))
    (payment,) = records.of_order(execute("SELECT order_id FROM wallet_low").fetchone()[0])
    checkout.refresh(payment.id)
    notices.tell_due(now())
    filling.look_at_low()

    assert set(charges(bank)) == {payment.id}
    assert held(filled) == (50 if declined else 550)
    assert (wishes.find(filled.user.id) is None) == declined


def test_a_process_that_dies_anywhere_charges_once(filled, bank, clock, monkeypatch):
    """The order stands before the charge, which is asked for again by its key."""
    for number, point in enumerate(("charge-stored", "provider-acted", "settle-booked"), 1):
        spend(filled, held(filled))

        def die(name, point=point):
            if name == point:
                raise Died

        with monkeypatch.context() as patch:
            patch.setattr(crashpoints, "arrive", die)
            with pytest.raises(Died):
                filling.look_at_low()
        for minutes in (1, 11, 11):
            clock.shift(timedelta(minutes=minutes))
            filling.look_at_low()

        assert (len(set(charges(bank))), held(filled)) == (number, 500), point
        assert wishes.find(filled.user.id).order == ""


@pytest.fixture
def all_look(app, monkeypatch):
    """Let four workers find the same to do before any of them does it."""
    due, met = wishes.due, threading.Barrier(4)

    def found_together():
        found = due()
        met.wait(30)
        return found

    def look():
        with app.app_context():
            return filling.look_at_low()

    def looks():
        with monkeypatch.context() as patch:
            patch.setattr(wishes, "due", found_together)
            return together(*[look] * 4)

    return looks


def test_many_workers_and_spenders_make_one_top_up(app, filled, bank, all_look):
    """Two spends at once leave too little; all workers see it, and one fills up."""
    spend(filled, 60)

    def buy(minor):
        with app.app_context():
            return spend(filled, minor)

    together(lambda: buy(30), lambda: buy(40))

    assert sorted(all_look()) == [0, 0, 0, 1]
    assert len(charges(bank)) == 1
    assert held(filled) == 200 - 130 + 500


def test_many_workers_ask_once_again_and_try_no_second_time(
    filled, bank, clock, all_look, letters
):  # fmt: skip
    """After an answer that nobody heard one of them asks; a decline is the end for all."""
    spend(filled, 150)
    bank.error = ProviderUnknown("time-out")
    filling.look_at_low()
    bank.error, bank.charged = None, Facts("", State.FAILED, failure="declined")
    assert all_look() == [0] * 4
    clock.shift(timedelta(minutes=11))
    failed = [one for one in all_look() if isinstance(one, Exception)]

    assert failed == []
    assert wishes.find(filled.user.id) is None
    assert len(charges(bank)) == 2
    assert len(set(charges(bank))) == 1
    assert len([one for one in subjects(letters) if "adds nothing" in one]) == 1


@on_sqlite
def test_taken_away_in_the_library_it_charges_nothing(filled, bank):
    """The page says so at once; the next low point ends it."""
    spend(filled, 150)
    filled.post(f"/library/methods/{kept(filled).id}/remove")
    page = filled.client.get("/x/wallet/").text
    filling.look_at_low()

    assert "was taken away" in page
    assert charges(bank) == []
    assert (wishes.find(filled.user.id), held(filled)) == (None, 50)


@on_sqlite
def test_who_is_erased_wants_nothing_and_who_asks_is_given_what_is_kept(filled):
    """The wish is in the person's data, and goes with them."""
    data = leaving.gathered(Reader(filled.user.id, (filled.user.id,), filled.user.id))
    leaving.erase(filled.user.id, actor="test")

    (row,) = data["wallet_low"]
    assert (row["below"], row["adds"]) == (100, 500)
    assert wishes.due() == []


@on_sqlite
def test_a_guest_is_offered_none_of_it_and_is_refused(client, bank):
    """What is charged while a reader is away can be stopped from each of their devices."""
    page = client.get("/x/wallet/").text

    assert "When little is left" not in page
    assert client.post("/x/wallet/low", data=WISH).status_code in (302, 303, 401)
    assert execute("SELECT COUNT(*) FROM wallet_low").fetchone()[0] == 0

"""What is never settled is written off, counted, and not lent again for a year."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import checkout, entitlements, settings
from core.ledger import balance
from core.orders import Line
from core.payments import records
from core.people import Reader, users
from core.storage import execute, new_id
from core.verify import verify
from plugins.playmoney.chosen import local_bank
from plugins.tab import debts, losses
from tests.stand_in import eur, post_line


@pytest.fixture
def app(make_site):
    site = make_site("tab", "playmoney", settings={"checkout.allow_loss": True})
    with site.test_request_context():
        yield site
    assert verify() == []


@pytest.fixture
def borrow(clock):
    """Return what lets somebody put these prices on their tab, one after the other."""

    def act(*prices, holder=None):
        holder = holder or new_id("gst")
        reader = Reader(holder, (holder,))
        for price in prices:
            clock.shift(timedelta(seconds=1))
            checkout.buy(reader, (post_line(price, f"post:{new_id('x')}"),), "tab")
        return reader

    return act


@pytest.fixture
def settle(clock):
    """Return what pays all that somebody owes."""

    def act(reader):
        clock.shift(timedelta(seconds=1))
        line = Line("Your tab", debts.owed_by(reader), debts.FAMILY + reader.holder)
        order = checkout.start_order(reader, (line,))
        checkout.pay(order.id, "playmoney", reader, "http://localhost/")
        (payment,) = records.of_order(order.id)
        local_bank().pay(str(payment.ref), "pay")
        checkout.refresh(payment.id)
        clock.shift(timedelta(seconds=1))

    return act


def states(reader):
    return [one.state for one in entitlements.of_holders(reader.holders)]


def test_it_is_written_off_after_90_days_without_a_movement(app, clock, borrow):
    """By an order of nothing, to an account of its own; what was opened stays open."""
    reader = borrow(20)
    clock.shift(timedelta(days=60))
    borrow(30, holder=reader.holder)
    clock.shift(timedelta(days=89))
    early = losses.write_off_due()
    clock.shift(timedelta(days=1))

    assert (early, losses.write_off_due(), losses.write_off_due()) == (0, 1, 0)
    assert debts.owed_by(reader) == eur(0)
    assert balance("expenses:tabs", "EUR", "test") == eur(50)
    assert balance("income:posts", "EUR", "test") == eur(-50)
    assert states(reader) == ["active", "active"]


def test_who_was_written_off_waits_a_year_and_others_do_not(app, clock, borrow, settle):
    """Also as a user who was that guest; what is known of a place is forgotten when all is paid."""
    reader, other = borrow(20), borrow(20)
    clock.shift(timedelta(days=91))
    settle(other)
    losses.write_off_due()
    user = users.create(email="ada@example.org", name="Ada", actor="test")
    users.claim(user.id, reader.holder)
    same = Reader(user.id, (user.id, reader.holder), user.id)

    assert debts.room(reader, "EUR") == debts.room(same, "EUR") == eur(0)
    assert debts.room(other, "EUR") == eur(200)
    rows = execute("SELECT holder, network, minor FROM tab_tab").fetchall()
    assert rows == [(reader.holder, "", 20)]
    clock.shift(timedelta(days=366))
    losses.write_off_due()
    assert debts.room(same, "EUR") == eur(200)
    assert execute("SELECT COUNT(*) FROM tab_tab").fetchone()[0] == 0


def test_a_sale_that_was_not_paid_is_undone_where_the_owner_wants_it(app, clock, borrow, settle):
    """What nobody paid closes and was no income; what was paid in part is a loss, and stays."""
    settings.save("tab.take", value=True, actor="test")
    settings.reload()
    reader = borrow(20)
    settle(reader)
    borrow(30, 40, holder=reader.holder)
    order = execute("SELECT id FROM orders_order ORDER BY id").fetchall()[2][0]
    checkout.refund(order, {1: 10}, actor="test", reason="a part")
    clock.shift(timedelta(days=91))

    assert losses.write_off_due() == 1
    assert sorted(states(reader)) == ["active", "active", "revoked"]
    assert balance("expenses:tabs", "EUR", "test") == eur(20)
    assert balance("income:posts", "EUR", "test") == eur(-40)
    assert losses.share_lost() == (eur(60), eur(60)), "the settled 20 are older than 90 days"


def test_a_guests_debt_is_written_off_where_it_moved_to(app, clock, borrow):
    """The user's tab, with the guest's days."""
    reader = borrow(20)
    user = users.create(email="ada@example.org", name="Ada", actor="test")
    users.claim(user.id, reader.holder)
    clock.shift(timedelta(days=50))
    checkout.merge(reader.holder, user.id)
    clock.shift(timedelta(days=41))

    assert losses.write_off_due() == 1
    assert debts.is_barred(Reader(user.id, (user.id,), user.id))


def test_leaving_takes_along_what_is_kept_and_forgets_the_place(app, clock, borrow):
    """The debt stays in the books, and whoever leaves is told so; a paid tab leaves nothing."""
    reader = borrow(20)
    (row,) = debts.export(reader.holder)["tab"]

    assert (row["written_off"], row["minor"]) == (None, 0)
    assert "stays in the books" in debts.erase(reader.holder)
    assert debts.export(reader.holder) is None
    assert debts.erase("gst_nobody") is None
    assert debts.owed_by(reader) == eur(20)


def test_a_tab_that_is_being_settled_is_left_alone(app, clock, borrow):
    """A transfer may take days; an order that is open for it is no loss."""
    reader = borrow(20)
    clock.shift(timedelta(days=91))
    line = Line("Your tab", eur(20), debts.FAMILY + reader.holder)
    checkout.start_order(reader, (line,))

    assert losses.write_off_due() == 0


def test_the_owner_is_told_what_tabs_cost(app, clock, borrow, settle):
    """Not the fee of nothing that readers see: the share that was never paid, and what is out."""
    lost, paying = borrow(140), borrow(160)
    clock.shift(timedelta(days=91))
    settle(paying)
    losses.write_off_due()
    borrow(30)
    (told,) = losses.health()

    assert (told.ok, told.values["percent"]) == (True, 46), "one tab is no pattern"
    assert (told.values["owed"], told.values["lost"]) == ("€0.30", "€1.40")
    clock.shift(timedelta(days=89))
    borrow(190)
    clock.shift(timedelta(days=91))
    losses.write_off_due()
    (told,) = losses.health()
    assert (told.ok, told.values["percent"]) == (False, 100)
    assert debts.is_barred(lost)

"""Each invariant sees the fault that is planted for it, and a clean site has none."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import checkout, entitlements, ledger, storage
from core import verify as module
from core.ledger import Bound, BoundExceeded, Leg, balance, declare_bounds, post
from core.money import Money
from core.orders import Grant, Line
from core.payments import Hint, Kind, Movement, Status, inbox, records
from core.storage import execute, is_postgres, new_id, transaction
from core.verify import ENTRIES, seal, verify
from tests.stand_in import READER, Instant, StandIn, changed, charge, eur, paid, plugged, post_line

PURSE = f"liabilities:purse:{READER.holder}"
postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
TRIGGERED = ("ledger_entry", "ledger_leg", "ledger_seal")


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in, Instant(), on_order_paid=lambda order: None):
        yield stand_in
    ledger._bounds.clear()


@pytest.fixture
def tampering(provider):
    """Let a test do what triggers and foreign keys refuse; on SQLite they are dropped for good."""
    if is_postgres():
        execute("SET session_replication_role = replica")
        yield
        execute("SET session_replication_role = DEFAULT")
        return
    for table in TRIGGERED:
        for event in ("update", "delete"):
            execute(f"DROP TRIGGER {table}_no_{event}")
    execute("PRAGMA foreign_keys = 0")
    yield


def bought(provider, *lines, key="post:hello"):
    """Sell something by card; return its payment."""
    order = checkout.start_order(READER, lines or (post_line(key=key),))
    checkout.pay(order.id, "standin", READER, "")
    payment = records.of_order(order.id)[0]
    movement = charge(f"ch_{payment.id}", order.total.minor, fee=1)
    return checkout.settle(provider, payment.id, paid(payment, movement))


def busy(provider):
    """Let a site live: sales, tax, a purse, refunds, disputes, claims, test money, leftovers."""
    tax = (Line("VAT", eur(-4), "income:posts", part_of=1),
           Line("VAT", eur(4), "liabilities:vat:IT", part_of=1))  # fmt: skip
    bought(provider, post_line(24, "post:taxed"), *tax)
    refunded = bought(provider, key="post:refunded")
    checkout.refund(refunded.order, {1: 5}, actor="cli", reason="asked")
    kept = bought(provider, key="post:kept")
    checkout.refund(kept.order, {1: 20}, actor="cli", reason="asked", to="purse")
    top_up = bought(provider, Line("Top-up", eur(500), PURSE))
    checkout.buy(READER, (post_line(120, "post:purse"),), "purse")
    for status, key in [(Status.PENDING, "a"), (Status.DONE, "b"), (Status.FAILED, "c")]:
        disputed = bought(provider, key=f"post:disputed:{key}")
        movement = Movement(Kind.DISPUTE, f"dp_{key}", 20, "EUR", status, fee=1500)
        checkout.settle(provider, disputed.id, paid(disputed, movement))
    gone = bought(provider, key="post:gone")
    failed = charge(f"ch_{gone.id}", 20, status=Status.FAILED, fee=1)
    checkout.settle(provider, gone.id, paid(gone, failed))
    lost = Movement(Kind.DISPUTE, "dp_top_up", 500, "EUR", Status.DONE, fee=0)
    checkout.settle(provider, top_up.id, paid(top_up, lost))
    for how in ({"mode": "test"}, {"payee": "somebody"}, {"reference": "pay_x"}):
        order = checkout.start_order(READER, (post_line(key=f"post:wrong:{how}"),))
        checkout.pay(order.id, "standin", READER, "")
        payment = records.of_order(order.id)[0]
        checkout.settle(provider, payment.id, paid(payment, charge(f"ch_{payment.id}", 20), **how))
    expired = checkout.start_order(READER, (post_line(key="post:expired"),))
    checkout.pay(expired.id, "standin", READER, "")
    checkout.expire(expired.id)
    checkout.start_order(READER, (post_line(0, "post:gift"),))
    inbox.keep("standin", Hint("evt_1"))
    inbox.done("standin", "evt_1")
    checkout.merge(READER.holder, "usr_ada")


def found():
    return {fault.invariant for fault in verify()}


def test_an_empty_site_has_no_fault(db):
    """Nothing is wrong where nothing is."""
    assert verify() == []


def test_a_busy_site_has_no_fault(provider):
    """Whatever happens on the ways that core offers keeps every invariant."""
    busy(provider)
    seal(datetime.now(UTC) + timedelta(minutes=1))

    assert verify() == []


def test_every_check_has_a_planted_fault():
    """A check that is added later and proved by nothing fails here."""
    names = {check.__name__ for check in module.CHECKS}

    assert names == {
        "entries_balance", "seals_hold", "money_of_tests_is_apart", "balances_are_sums",
        "bounds_are_kept", "payments_are_booked", "orders_are_settled", "line_accounts_earned",
        "causes_committed", "payouts_are_booked", "days_are_summed",
    }  # fmt: skip


FIRST = "(SELECT MIN(id) FROM ledger_entry)"
ENTRY = "INSERT INTO ledger_entry VALUES ('ent_x', 'k', 0, 'live', 'x', NULL)"
ORPHAN = "INSERT INTO entitlements_entitlement VALUES ('ord_x', 1, 'k', 'me', 'active', 0, NULL)"
DELIVERY = "INSERT INTO payments_delivery VALUES ('standin', 'e', '{}', 0, 1, 0, 1, NULL)"
SUM = "INSERT INTO figures_money VALUES (20000, 'live', 'x', 'charge', 'income:me', 'EUR', 5)"
FAULTS = [
    ("balanced", "UPDATE ledger_leg SET minor = minor + 1 WHERE number = 1"),
    ("balanced", "DELETE FROM ledger_leg WHERE account = 'income:posts'"),
    ("balanced", f"INSERT INTO ledger_leg VALUES ({FIRST}, 9, 'income:me', 'EUR', -5)"),
    ("balanced", f"INSERT INTO ledger_leg VALUES ({FIRST}, 9, 'income:me', 'USD', -5)"),
    ("balanced", ENTRY),
    ("balanced", ENTRY, "INSERT INTO ledger_leg VALUES ('ent_x', 1, 'income:me', 'EUR', -5)"),
    ("mode", "UPDATE ledger_entry SET mode = 'test'"),
    ("mode", "UPDATE ledger_leg SET account = 'test:x' WHERE account = 'income:posts'"),
    ("balance", "UPDATE ledger_balance SET minor = minor - 1"),
    ("balance", f"UPDATE ledger_leg SET account = '{PURSE}' WHERE account = 'assets:standin'"),
    (
        "bound",
        f"UPDATE ledger_leg SET minor = -minor WHERE account = '{PURSE}'",
        "UPDATE ledger_balance SET minor = -minor",
    ),
    ("booked", "DELETE FROM ledger_leg", "DELETE FROM ledger_entry"),
    ("booked", "DELETE FROM payments_movement"),
    ("granted", "DELETE FROM entitlements_entitlement"),
    ("granted", "UPDATE entitlements_entitlement SET key = 'everything'"),
    ("granted", "UPDATE entitlements_entitlement SET line = 7"),
    ("granted", "UPDATE entitlements_entitlement SET state = 'revoked'"),
    ("granted", ORPHAN),
    ("granted", "UPDATE orders_order SET state = 'open'"),
    ("granted", "UPDATE orders_order SET state = 'closed'"),
    ("settled", "UPDATE orders_order SET payment = NULL"),
    ("settled", "UPDATE orders_line SET minor = minor + 1"),
    ("settled", "UPDATE orders_order SET payment = (SELECT MIN(payment) FROM orders_order)"),
    ("earned", "UPDATE ledger_leg SET account = 'income:me' WHERE account = 'income:posts'"),
    (
        "earned",
        "UPDATE ledger_leg SET account = 'income:me' WHERE account = 'income:posts' AND minor > 0",
    ),
    ("earned", "UPDATE orders_line SET account = 'income:me'"),
    (
        "booked",
        "INSERT INTO payments_line VALUES ('standin', 'payout', 'po', 1, 'EUR', -5, 0, NULL, '')",
    ),
    ("outbox", """UPDATE notices_notice SET data = '{"order":"ord_x"}'"""),
    ("inbox", DELIVERY),
    ("summed", "INSERT INTO figures_day VALUES (20000)", SUM),
]


class _TakenBack(Exception):
    """Rolls a planted fault back."""


def test_a_planted_fault_is_found(provider, tampering, subtests):
    """With raw SQL, past triggers and code, after two sales, a refund and a top-up."""
    bought(provider)
    other = bought(provider, key="post:other")
    checkout.refund(other.order, {1: 5}, actor="cli", reason="asked")
    bought(provider, Line("Top-up", eur(500), PURSE))
    assert verify() == []

    for invariant, *statements in FAULTS:
        with subtests.test("; ".join(statements)), suppress(_TakenBack), transaction():
            for statement in statements:
                execute(statement)
            assert invariant in found()
            raise _TakenBack
    assert verify() == []


def test_more_back_than_came_in_is_found(provider):
    """A provider that reports it is believed, booked, and told of to the owner."""
    payment = bought(provider)
    back = Movement(Kind.REFUND, "re", 21, "EUR", fee=0)
    checkout.settle(provider, payment.id, paid(payment, back))

    assert found() == {"refunds"}


def test_a_fault_says_where_it_is(provider, tampering):
    """The invariant, its subject, and what is wrong there."""
    payment = bought(provider)
    execute("UPDATE entitlements_entitlement SET state = 'suspended'")
    (fault,) = verify()

    assert (fault.invariant, fault.subject) == ("granted", payment.order)
    assert fault.detail == "line 1 post:hello is suspended, facts say active"


def test_a_figure_that_grew_does_not_break_the_checking(provider):
    """Every order is judged, though a charge is not of its amount any more."""
    payment = bought(provider)
    changed(provider, payment, charge(f"ch_{payment.id}", 25, fee=1))
    checkout.settle(provider, payment.id, provider.facts[payment.id])

    assert found() <= {"refunds"}


def test_a_paid_order_without_a_charge_of_its_amount_does_not_hide_other_faults(
    provider, tampering
):
    """What is wrong with one order does not stop the checking of the others."""
    payment, other = bought(provider), bought(provider, key="post:other")
    execute(
        "UPDATE payments_payment SET facts = replace(facts, ?, ?) WHERE id = ?",
        ['"minor":20', '"minor":30', payment.id],
    )
    execute("DELETE FROM payments_movement WHERE payment_id = ?", [other.id])
    execute("UPDATE notices_notice SET data = ?", ['{"order":"ord_x"}'])

    assert {"booked", "outbox"} <= found()


def test_a_lowered_cap_is_no_fault(provider):
    """Only the least is absolute: a cap may be lowered under what is owed already."""
    declare_bounds({"assets:tab:": Bound(least=0, most=100)})
    with transaction():
        post("t", [Leg("assets:tab:a", eur(90)), Leg("income:posts", eur(-90))], reason="test")
    declare_bounds({"assets:tab:": Bound(least=0, most=50)})

    assert verify() == []


def test_an_account_that_came_back_to_its_bound_is_still_a_fault(provider, tampering):
    """The bound holds at every prefix of the log, not only at its end."""
    for number, minor in enumerate((5, -5)):
        with transaction():
            legs = [Leg(PURSE, eur(minor)), Leg("assets:till", eur(-minor))]
            post(str(number), legs, reason="test", keep_bounds=False)

    assert found() == {"bound"}


@postgres_only
def test_a_writer_that_waited_for_another_is_no_fault(provider, monkeypatch):
    """On PostgreSQL an entry that was begun first may be stored last: the bound held all along."""
    begun, goes_on, refused = threading.Event(), threading.Event(), []
    make = ledger.new_id

    def waiting(prefix):
        made = make(prefix)
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            goes_on.wait(5)
        return made

    def spend():
        try:
            with transaction():
                legs = [Leg(PURSE, eur(5)), Leg("income:posts", eur(-5))]
                post("spend", legs, reason="test")
        except BoundExceeded as error:
            refused.append(error)
        storage.close()

    monkeypatch.setattr(ledger, "new_id", waiting)
    thread = threading.Thread(target=spend)
    thread.start()
    begun.wait(0.5)
    with transaction():
        post("fill", [Leg(PURSE, eur(-5)), Leg("assets:till", eur(5))], reason="test")
    goes_on.set()
    thread.join(10)

    assert balance(PURSE, "EUR") == eur(-5 if refused else 0)
    assert verify() == []


@pytest.fixture
def books(provider):
    """Three entries a day apart, the first two of them sealed one by one."""
    start = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    for day in range(3):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            with transaction():
                legs = [Leg("assets:till", eur(20 + day)), Leg("income:posts", eur(-20 - day))]
                post(f"sale:{day}", legs, reason="test")
            if day:
                assert ENTRIES.add(start + timedelta(days=day, minutes=-5)) == 1
    return start


def test_sealing_takes_what_is_old_enough_once(books):
    """What is younger than the instant waits; nothing new makes no seal."""
    rows = execute("SELECT number, entries FROM ledger_seal ORDER BY number").fetchall()

    assert [tuple(row) for row in rows] == [(1, 1), (2, 1)]
    assert ENTRIES.add(books + timedelta(days=2, minutes=-5)) == 0
    assert ENTRIES.broken() == []
    assert verify() == []


TAMPERING = (
    "UPDATE ledger_leg SET minor = minor * 2 WHERE entry_id",
    "UPDATE ledger_leg SET account = 'income:me' WHERE minor < 0 AND entry_id",
    "UPDATE ledger_leg SET currency = 'USD' WHERE entry_id",
    "UPDATE ledger_entry SET reason = 'gift' WHERE id",
    "UPDATE ledger_entry SET at = at + 1 WHERE id",
    "UPDATE ledger_entry SET key = 'other' WHERE id",
    "UPDATE ledger_entry SET order_id = 'ord_1' WHERE id",
    "DELETE FROM ledger_leg WHERE entry_id",
)


def test_a_changed_entry_breaks_its_seal(books, tampering, subtests):
    """Though legs still balance; every other seal stands on its own entries."""
    for statement in TAMPERING:
        with subtests.test(statement), suppress(_TakenBack), transaction():
            execute(f"{statement} = {FIRST}")
            assert ENTRIES.broken() == [1]
            assert "sealed" in found()
            raise _TakenBack
    assert ENTRIES.broken() == []


def test_a_removed_entry_breaks_its_seal(books, tampering):
    """With its legs and all."""
    first = execute("SELECT MIN(id) FROM ledger_entry").fetchone()[0]
    execute("DELETE FROM ledger_leg WHERE entry_id = ?", [first])
    execute("DELETE FROM ledger_entry WHERE id = ?", [first])

    assert ENTRIES.broken() == [1]


def test_an_entry_slipped_in_afterwards_breaks_the_seal(books, tampering):
    """Balanced, with a new key, and dated back."""
    with time_machine.travel(books + timedelta(days=1, hours=-1), tick=False), transaction():
        post("late", [Leg("assets:a", eur(1)), Leg("income:b", eur(-1))], reason="test")

    assert ENTRIES.broken() == [2]


def test_a_forged_seal_breaks_the_next_one(books, tampering):
    """The chain: whoever seals a change anew must forge every later seal as well."""
    execute(f"UPDATE ledger_leg SET minor = minor * 2 WHERE entry_id = {FIRST}")
    last = execute("SELECT last_id FROM ledger_seal WHERE number = 1").fetchone()[0]
    _, digest, _ = ENTRIES._digest("", last, "")
    execute("UPDATE ledger_seal SET digest = ? WHERE number = 1", [digest])

    assert ENTRIES.broken() == [2]


def test_a_seal_taken_out_of_the_chain_is_found(books, tampering):
    """The next one does not follow from the one before it."""
    execute("DELETE FROM ledger_seal WHERE number = 1")

    assert ENTRIES.broken() == [2]


def test_what_is_not_sealed_yet_may_still_grow(books):
    """New entries break nothing, whatever they are."""
    with transaction():
        post("new", [Leg("assets:a", Money(1, "JPY")), Leg("income:b", Money(-1, "JPY"))],
             reason="test")  # fmt: skip

    assert ENTRIES.broken() == []
    assert ENTRIES.add(datetime(2099, 1, 1, tzinfo=UTC)) == 2
    assert verify() == []


def test_nothing_to_seal_makes_no_seal(db):
    """An empty book has none."""
    assert ENTRIES.add(datetime.now(UTC)) == 0
    assert ENTRIES.broken() == []
    assert new_id("ent") > f"ent_{0:032x}"


def test_an_unused_grant_is_no_fault(provider):
    """A key that ended by its time is kept, and expected."""
    line = Line("Pass", eur(20), "income:posts", (Grant("pass", timedelta(seconds=1)),))
    bought(provider, line)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        assert not entitlements.holds_any(READER.holders, ["pass"])
        assert verify() == []

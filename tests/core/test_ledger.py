"""Double entry: balanced, written once, never changed, and kept within bounds."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import DatabaseError, IntegrityError

from core import ledger, storage
from core.ledger import (
    UNASSIGNED,
    Bound,
    BoundExceeded,
    Leg,
    balance,
    declare_bounds,
    legs_of,
    post,
)
from core.money import Money
from core.storage import database, execute, is_postgres, transaction
from core.verify import verify
from tests.stand_in import eur

PURSE, TAB, CLAIM = "liabilities:purse:ada", "assets:tab:ada", "assets:claims:ada"
BOUNDS = {"liabilities:purse:": Bound(least=0), "assets:tab:": Bound(least=0, most=100)}

pytestmark = pytest.mark.usefixtures("bounds")
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def bounds(db):
    ledger._bounds.clear()
    declare_bounds(BOUNDS)
    yield
    ledger._bounds.clear()


def move(key, account, minor, other="assets:till", **rest):
    """Post one entry of two legs in a transaction of its own."""
    with transaction():
        return post(key, [Leg(account, eur(minor)), Leg(other, eur(-minor))], reason="test", **rest)


def row(account, currency="EUR"):
    """Return an account's balance row; None when it keeps none."""
    found = execute(
        "SELECT minor FROM ledger_balance WHERE account = ? AND currency = ?", [account, currency]
    ).fetchone()
    return found and found[0]


def entries():
    return execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_leg", "ledger_seal", "audit_event"])
def test_what_is_written_is_never_changed(table):
    """Triggers refuse UPDATE and DELETE on both databases, and TRUNCATE where there is one."""
    move("k", "income:posts", -20)
    execute("INSERT INTO ledger_seal VALUES (1, '', 0, '', 0)")
    execute("INSERT INTO audit_event VALUES ('a', 0, '', 'a.b', '', '', '{}')")
    column = "minor" if table == "ledger_leg" else "at"
    changes = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    if is_postgres():
        changes += [f"TRUNCATE {table} CASCADE", f"UPDATE ONLY {table} SET {column} = 1"]
    for change in changes:
        with pytest.raises(DatabaseError, match="append-only"):
            execute(change)

    assert execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] > 0


@sqlite_only
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE"])
def test_replacing_a_row_does_not_pass_the_triggers(verb):
    """SQLite deletes what it replaces, and with recursive triggers that is refused too."""
    move("k", "income:posts", -20)
    leg = execute("SELECT entry_id, number FROM ledger_leg").fetchone()

    with pytest.raises(IntegrityError, match="append-only"):
        execute(f"{verb} INTO ledger_leg VALUES (?, ?, 'income:mine', 'EUR', 20)", leg)
    with pytest.raises(IntegrityError, match="append-only"):
        execute(f"{verb} INTO ledger_entry VALUES ('ent_x', 'k', 0, 'live', '', NULL)")


def test_an_update_on_conflict_does_not_pass_the_triggers():
    """An INSERT that turns into an UPDATE is one."""
    move("k", "income:posts", -20)

    with pytest.raises(DatabaseError, match="append-only"):
        execute(
            "INSERT INTO ledger_entry VALUES ('x', 'k', 0, 'live', '', NULL) "
            "ON CONFLICT (key) DO UPDATE SET at = 1"
        )


def test_a_leg_of_nothing_cannot_be_stored():
    """The database itself refuses a leg of zero."""
    move("k", "income:posts", -20)
    entry = execute("SELECT id FROM ledger_entry").fetchone()[0]

    with pytest.raises(IntegrityError):
        execute("INSERT INTO ledger_leg VALUES (?, 9, 'income:x', 'EUR', 0)", [entry])


def test_a_key_is_posted_once():
    """The second entry of one key writes nothing and moves no balance."""
    first = move("k", PURSE, -20)
    second = move("k", PURSE, -20)

    assert first is not None
    assert second is None
    assert entries() == 1
    assert row(PURSE) == balance(PURSE, "EUR").minor == -20


def test_two_threads_post_one_key_once():
    """The unique key decides between writers that start together."""
    start, made = threading.Barrier(2), []

    def write():
        start.wait(5)
        made.append(move("k", PURSE, -20))
        storage.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(entry is None for entry in made) == [False, True]
    assert row(PURSE) == balance(PURSE, "EUR").minor == -20


def test_legs_of_nothing_are_dropped_and_an_entry_of_nothing_is_not_written():
    """A line of zero posts no leg; legs of one account are added up before."""
    with transaction():
        nothing = post("a", [Leg("income:a", eur(0)), Leg("income:a", eur(0))], reason="test")
        cancelled = post("b", [Leg("income:a", eur(5)), Leg("income:a", eur(-5))], reason="test")
        written = post(
            "c",
            [Leg("assets:till", eur(5)), Leg("income:a", eur(-3)), Leg("income:a", eur(-2)),
             Leg("income:b", eur(0))],
            reason="test",
        )  # fmt: skip

    assert (nothing, cancelled) == (None, None)
    assert entries() == 1
    assert written
    assert legs_of("c") == [Leg("assets:till", eur(5)), Leg("income:a", eur(-5))]


@sqlite_only
@pytest.mark.parametrize(
    "legs",
    [
        [("assets:a", 1, "EUR"), ("income:b", -2, "EUR")],
        [("assets:a", 1, "EUR")],
        [("assets:a", 1, "EUR"), ("income:b", -1, "USD")],
        [("assets:a", 1, "EUR"), ("income:b", -1, "EUR"), ("assets:a", 1, "USD")],
    ],
)
def test_an_entry_that_does_not_balance_in_each_currency_is_a_bug(legs):
    """Legs sum to zero per currency, or nothing is written."""
    with transaction(), pytest.raises(ValueError, match="does not balance"):
        post("k", [Leg(account, Money(minor, currency)) for account, minor, currency in legs],
             reason="test")  # fmt: skip

    assert entries() == 0


def test_an_entry_may_carry_several_currencies():
    """Each balances by itself, and each has a balance of its own."""
    legs = [
        Leg("assets:till", Money(-100, "EUR")), Leg("exchange:EUR:USD", Money(100, "EUR")),
        Leg("exchange:EUR:USD", Money(-110, "USD")), Leg(PURSE, Money(-50, "USD")),
        Leg("assets:till", Money(160, "USD")),
    ]  # fmt: skip
    with transaction():
        post("k", legs, reason="exchange")

    assert legs_of("k") == legs
    assert balance("assets:till", "USD") == Money(160, "USD")
    assert balance("assets:till", "EUR") == eur(-100)
    assert (row(PURSE, "USD"), row(PURSE, "EUR")) == (-50, None)


def test_an_entry_belongs_to_a_transaction():
    """Posting outside of one is a bug: the fact and its entry are stored together."""
    with pytest.raises(AssertionError):
        post("k", [Leg("assets:a", eur(1)), Leg("income:b", eur(-1))], reason="test")


def test_an_entry_is_rolled_back_with_its_cause():
    """What did not happen is not in the books, and its key is free again."""
    with suppress(RuntimeError), transaction():
        post("k", [Leg(PURSE, eur(-5)), Leg("assets:till", eur(5))], reason="test")
        raise RuntimeError

    assert entries() == 0
    assert row(PURSE) is None
    assert move("k", PURSE, -5)


def test_only_bounded_accounts_keep_a_balance_row():
    """All other balances are sums, so income accounts are never a hot row."""
    move("k", PURSE, -20)

    assert execute("SELECT account FROM ledger_balance").fetchall() == [(PURSE,)]
    assert balance("assets:till", "EUR") == eur(20)


def test_a_liability_is_not_drawn_below_its_least():
    """What a site owes a holder is spent down to nothing, and not a cent further."""
    move("in", PURSE, -20)
    move("out", PURSE, 20)
    with pytest.raises(BoundExceeded) as caught:
        move("more", PURSE, 1)

    assert caught.value.account == PURSE
    assert caught.value.status == 403
    assert entries() == 2
    assert row(PURSE) == 0


def test_an_asset_is_not_raised_above_its_most():
    """What a holder owes grows up to the cap, and not a cent further; nor does it turn round."""
    move("a", TAB, 100)
    with pytest.raises(BoundExceeded):
        move("b", TAB, 1)
    move("c", TAB, -100)
    with pytest.raises(BoundExceeded):
        move("d", TAB, -1)

    assert row(TAB) == balance(TAB, "EUR").minor == 0


@pytest.mark.parametrize(
    ("account", "up"), [("income:pool:x", -1), ("liabilities:pool:x", -1), ("assets:pool:x", 1),
                        ("expenses:pool:x", 1)]
)  # fmt: skip
def test_a_bound_is_meant_on_the_natural_side(account, up):
    """Credits are what grows a liability or an income, debits an asset or an expense."""
    declare_bounds({account.removesuffix("x"): Bound(least=-5, most=10)})
    move("most", account, up * 10)
    with pytest.raises(BoundExceeded):
        move("over", account, up)
    move("least", account, up * -15)
    with pytest.raises(BoundExceeded):
        move("under", account, -up)

    assert row(account) == up * -5


def test_the_first_touch_of_an_account_counts_its_earlier_legs():
    """A family that is declared later starts from what its legs sum to."""
    move("in", "liabilities:gift:ada", -30)
    declare_bounds({"liabilities:gift:": Bound(least=0)})
    move("out", "liabilities:gift:ada", 20)
    with pytest.raises(BoundExceeded):
        move("more", "liabilities:gift:ada", 11)

    assert row("liabilities:gift:ada") == balance("liabilities:gift:ada", "EUR").minor == -10
    assert verify() == []


def test_a_bound_that_is_broken_already_lets_only_better_movements_pass():
    """A lowered cap, or a family declared late, never locks an account up."""
    move("a", TAB, 90)
    declare_bounds({"assets:tab:": Bound(least=0, most=50)})
    with pytest.raises(BoundExceeded):
        move("worse", TAB, 1)
    move("better", TAB, -10)
    with pytest.raises(BoundExceeded):
        move("still worse", TAB, 1)
    move("enough", TAB, -40)
    move("up to the cap", TAB, 10)

    assert row(TAB) == 50


def test_a_family_stays_bounded_when_its_plugin_is_off():
    """What was declared is kept in the database and comes back in every process."""
    ledger._bounds.clear()
    declare_bounds({})

    assert ledger.bound_of(PURSE) == Bound(least=0)
    assert ledger.bound_of(f"test:{TAB}") == Bound(0, 100)
    assert ledger.bound_of(CLAIM) == Bound(least=0)
    assert ledger.bound_of("income:posts") is None


def test_the_closest_family_bounds_an_account():
    """Of two families that hold an account the more exact one counts, whichever came first."""
    wide, narrow = {"liabilities:a:": Bound(least=0)}, {"liabilities:a:b:": Bound(least=-5)}
    declare_bounds(wide)
    declare_bounds(narrow)
    first = ledger.bound_of("liabilities:a:b:ada")
    execute("DELETE FROM ledger_bound WHERE prefix LIKE 'liabilities:a%'")
    declare_bounds(narrow)
    declare_bounds(wide)

    assert first == ledger.bound_of("liabilities:a:b:ada") == Bound(least=-5)


def test_a_move_of_money_that_is_there_already_may_pass_bounds():
    """With `keep_bounds` off the row follows and nothing is refused."""
    move("a", PURSE, 20, keep_bounds=False)
    move("b", TAB, 500, keep_bounds=False, spill=CLAIM)

    assert row(PURSE) == 20
    assert row(TAB) == 500
    assert row(CLAIM) is None


def test_a_fact_spills_what_a_bounded_account_cannot_give():
    """The account goes to its bound and the rest to the named account."""
    move("in", PURSE, -30)
    move("fact", PURSE, 50, spill=CLAIM)

    assert legs_of("fact") == [
        Leg(PURSE, eur(30)),
        Leg(CLAIM, eur(20)),
        Leg("assets:till", eur(-50)),
    ]
    assert (row(PURSE), row(CLAIM)) == (0, 20)
    assert ledger.claims(["ada"])
    assert verify() == []


def test_nothing_spills_where_there_is_room():
    """A spill is named and not needed."""
    move("in", PURSE, -50)
    move("fact", PURSE, 50, spill=CLAIM)

    assert legs_of("fact") == [Leg(PURSE, eur(50)), Leg("assets:till", eur(-50))]
    assert not ledger.claims(["ada"])


def test_an_account_past_its_bound_gives_nothing_and_all_of_it_spills():
    """What is below its least already is not drawn further."""
    move("merged", PURSE, 5, keep_bounds=False)
    move("fact", PURSE, 10, spill=CLAIM)

    assert (row(PURSE), row(CLAIM)) == (5, 10)


def test_what_a_claim_cannot_give_back_is_unassigned():
    """A claim that was smaller than what comes back does not turn round."""
    move("claim", CLAIM, 20)
    move("back", CLAIM, -50, spill=CLAIM)

    assert row(CLAIM) == 0
    assert balance(UNASSIGNED, "EUR") == eur(-30)


def test_a_credit_that_spills_past_the_claim_is_unassigned():
    """What a capped account cannot take, and no claim stands against, belongs to nobody yet."""
    declare_bounds({"liabilities:pool:": Bound(most=100)})
    move("fact", "liabilities:pool:x", -150, spill=CLAIM)

    assert balance("liabilities:pool:x", "EUR") == eur(-100)
    assert balance(CLAIM, "EUR") == eur(0)
    assert balance(UNASSIGNED, "EUR") == eur(-50)


def test_a_fact_of_which_nothing_is_left_writes_no_empty_entry():
    """When what spills meets its opposite on the claim, the entry has no legs and there is none."""
    move("claim", CLAIM, 10)
    move("cap", TAB, 100)
    with transaction():
        post("fact", [Leg(TAB, eur(10)), Leg(CLAIM, eur(-10))], reason="test", spill=CLAIM)

    assert verify() == []


def test_test_money_stays_under_its_own_accounts():
    """Legs, bounds, spills and balances of test money never touch the live ones."""
    move("live", PURSE, -30)
    move("in", PURSE, -5, mode="test")
    move("out", PURSE, 10, mode="test", spill=CLAIM)
    with pytest.raises(BoundExceeded):
        move("more", PURSE, 1, mode="test")

    assert balance(PURSE, "EUR") == eur(-30)
    assert balance(PURSE, "EUR", "test") == eur(0)
    assert balance(CLAIM, "EUR", "test") == eur(5)
    assert legs_of("in") == [Leg(PURSE, eur(-5)), Leg("assets:till", eur(5))]
    assert verify() == []


def test_what_a_claim_holder_gets_repays_the_claim_first():
    """A credit with a spill goes to the claim, and only the rest to the account."""
    move("in", PURSE, -30)
    move("out", PURSE, 50, spill=CLAIM)
    assert (row(PURSE), row(CLAIM)) == (0, 20)
    move("some", PURSE, -15, spill=CLAIM)
    assert (row(PURSE), row(CLAIM)) == (0, 5)
    move("more", PURSE, -15, spill=CLAIM)

    assert (row(PURSE), row(CLAIM)) == (-10, 0)
    assert not ledger.claims(["ada"])


def test_a_key_that_is_there_already_moves_no_bounded_balance():
    """Not for a moment that another could see, and not past a bound either."""
    move("in", PURSE, -30)
    move("out", PURSE, 30)
    move("other", "income:posts", -30)

    assert move("out", PURSE, 30) is None
    assert move("other", PURSE, -30) is None
    assert row(PURSE) == balance(PURSE, "EUR").minor == 0


def test_what_a_holder_has_is_listed_by_account_and_currency():
    """Bounded accounts only, test money's too, and nothing that came to nothing."""
    move("a", PURSE, -20)
    move("b", TAB, 7)
    move("c", PURSE, -3, mode="test")
    move("d", CLAIM, 5)
    move("e", CLAIM, -5)
    move("f", "liabilities:purse:adam", -9)
    move("g", "income:tips:ada", -9)
    with transaction():
        held = ledger.held_by("ada")

    assert held == [(TAB, eur(7)), (PURSE, eur(-20)), (f"test:{PURSE}", eur(-3))]


@pytest.mark.parametrize(
    "orders",
    [
        ([(PURSE, 5), (TAB, 5)], [(TAB, 5), (PURSE, 5)]),
        ([(PURSE, 5)], [(CLAIM, -5), (PURSE, 5)]),
    ],
)
def test_two_facts_that_spill_do_not_lock_each_other_up(monkeypatch, orders):
    """Balances are locked in one order, the claim's too, however the legs are written."""
    for account in (PURSE, TAB, CLAIM):
        move(account, account, -50 if account == PURSE else 50)
    met, failures = threading.Barrier(2), []
    room = ledger.room

    def meet(*leg):
        found = room(*leg)
        with suppress(threading.BrokenBarrierError):
            met.wait(0.3)
        return found

    monkeypatch.setattr(ledger, "room", meet)

    def write(key, some):
        written = [Leg(account, eur(minor)) for account, minor in some]
        written.append(Leg("assets:till", eur(-sum(minor for _, minor in some))))
        try:
            with transaction():
                post(key, written, reason="test", spill=CLAIM)
        except DatabaseError as error:
            failures.append(error)
        storage.close()

    threads = [
        threading.Thread(target=write, args=(f"k{n}", some)) for n, some in enumerate(orders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []


def test_claims_are_asked_of_all_holders():
    """Whoever the site has a claim against, under any of its holders, is a debtor."""
    move("claim", CLAIM, 20)

    assert ledger.claims(["gst_x", "ada"])
    assert not ledger.claims(["gst_x"])
    assert not ledger.claims([])
    move("paid", CLAIM, -20)
    assert not ledger.claims(["ada"])


def test_two_threads_do_not_spend_one_balance_twice():
    """One conditional UPDATE decides, so that only so much is spent as there is."""
    move("in", PURSE, -50)
    start, refused = threading.Barrier(2), []

    def spend(name):
        start.wait(5)
        for n in range(10):
            try:
                move(f"{name}:{n}", PURSE, 5)
            except BoundExceeded:
                refused.append(n)
        storage.close()

    threads = [threading.Thread(target=spend, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(refused) == 10
    assert row(PURSE) == balance(PURSE, "EUR").minor == 0
    assert verify() == []


ACCOUNTS = (PURSE, TAB, CLAIM, "income:posts", "assets:till", UNASSIGNED)
legs = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.integers(-150, 150), st.sampled_from(["EUR", "USD"])),
    min_size=1,
    max_size=4,
)
posts = st.lists(
    st.tuples(st.integers(0, 7), legs, st.booleans(), st.sampled_from(["live", "test"])),
    min_size=1,
    max_size=8,
)


class _EndOfExample(Exception):
    """Rolls an example back."""


def run(sequence):
    """Post each in a savepoint of its own, balanced by the till; return the keys written."""
    written = set()
    for key, some, spills, mode in sequence:
        given_legs = [Leg(account, Money(minor, currency)) for account, minor, currency in some]
        for currency in ("EUR", "USD"):
            rest = -sum(leg.amount.minor for leg in given_legs if leg.amount.currency == currency)
            given_legs.append(Leg("assets:till", Money(rest, currency)))
        with suppress(*([] if spills else [BoundExceeded])), database.savepoint():
            made = post(str(key), given_legs, reason="test", mode=mode, spill=CLAIM * spills)
            assert not (made and str(key) in written)
            written |= {str(key)} if made else set()
    return written


@settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sequence=posts)
def test_whatever_is_posted_the_books_stay_true(sequence):
    """Sums are zero, balances equal legs, bounds hold, keys are unique, facts never fail."""
    with suppress(_EndOfExample), transaction():
        written = run(sequence)
        sums = execute(
            "SELECT entry_id FROM ledger_leg GROUP BY entry_id, currency HAVING SUM(minor) <> 0"
        ).fetchall()
        keys = {key for (key,) in execute("SELECT key FROM ledger_entry").fetchall()}
        rows = execute("SELECT account, currency, minor FROM ledger_balance").fetchall()

        assert sums == []
        assert keys == written
        for account, currency, minor in rows:
            plain = account.removeprefix("test:")
            mode = "test" if plain != account else "live"
            bound = ledger.bound_of(account)
            natural = -minor if plain.startswith("liabilities:") else minor
            assert minor == balance(plain, currency, mode).minor
            assert bound.least <= natural <= (natural if bound.most is None else bound.most)
        assert verify() == []
        raise _EndOfExample

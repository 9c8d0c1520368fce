"""How often somebody may knock at a door."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import pytest

from core import limits, storage
from core.errors import Unavailable
from core.limits import DOORS, Door, Limit, TooMany
from core.storage import execute, transaction

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(limits, "now", clock)
    return clock


@pytest.fixture(autouse=True)
def site_key(monkeypatch):
    monkeypatch.setattr(limits, "_site", limits._Site())
    limits.set_key(b"k" * 32)


def door(monkeypatch, **sides):
    sides = {"holder": (), "address": (), "network": (), "site": ()} | sides
    monkeypatch.setitem(DOORS, "test", Door(**sides))


def tries(count, **who):
    """How many of so many tries were let in."""
    let_in = 0
    for _ in range(count):
        try:
            limits.allow("test", **who)
            let_in += 1
        except TooMany:
            pass
    return let_in


def together(count, work):
    """Let so many threads work at the same time, each with its number."""
    threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def counted():
    """How often the site's door was counted, whatever became of it."""
    return execute("SELECT COALESCE(max(n), 0) FROM limits_hit").fetchone()[0]


@pytest.mark.parametrize(
    ("address", "single", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        (" 203.0.113.7 ", "203.0.113.7/32", "203.0.113.0/24"),
        ("203.0.113.7:443", "unknown", "unknown"),
        ("203.0.113.007", "unknown", "unknown"),
        ("unix:", "unknown", "unknown"),
    ],
)
def test_addresses_are_normalised(address, single, network):
    """One person's address is an IPv4 address or an IPv6 /64; the neighbourhood is /24 or /48."""
    assert limits.single(address) == single
    assert limits.network(address) == network


def test_a_neighbourhood_is_told_apart_and_not_named(db):
    """The same network is the same word, another one another, and no word holds an address."""
    limits.set_key(b"k" * 32)
    one, same, other = map(limits.neighbourhood, ("192.0.2.1", "192.0.2.99", "198.51.100.1"))

    assert one == same != other
    limits.set_key(b"x" * 32)
    assert limits.neighbourhood("192.0.2.1") != one


def refused_for():
    """In how many seconds a holder who is refused may come again."""
    with pytest.raises(TooMany) as caught:
        limits.allow("test", holder="gst_a")
    return caught.value.retry_after


def test_a_window_lets_in_exactly_so_many(db, clock, monkeypatch):
    """At n it is open, at n + 1 shut, and open again when a new window starts."""
    door(monkeypatch, holder=(Limit(3, 60),))

    assert tries(3, holder="gst_a") == 3
    assert refused_for() == 60
    clock.at += timedelta(seconds=59)
    assert refused_for() == 1
    clock.at += timedelta(seconds=1)
    assert tries(1, holder="gst_a") == 1
    assert tries(1, holder="gst_b") == 1


def test_windows_of_two_lengths_are_counted_apart(db, clock, monkeypatch):
    """The same holder under two limits is two counters."""
    door(monkeypatch, holder=(Limit(9, 60), Limit(9, 3_600)))

    assert tries(2, holder="gst_a") == 2
    assert execute("SELECT n FROM limits_hit").fetchall() == [(2,), (2,)]


def test_visits_of_many_threads_are_all_counted(db, clock, monkeypatch):
    """Count and check are one statement, so a race cannot let one more in."""
    door(monkeypatch, site=(Limit(10, 60),))
    barrier, let_in = threading.Barrier(8), []

    def knock(_number):
        barrier.wait()
        let_in.append(tries(5))
        storage.close()

    together(8, knock)

    assert sum(let_in) == 10
    assert counted() == 40


def test_many_at_one_door_neither_deadlock_nor_get_lost(db, clock, monkeypatch):
    """All lock rows in the same order, and exactly the limit is let in, refusals or not."""
    narrow, wide = (Limit(10, 60),), (Limit(35, 60),)
    door(monkeypatch, holder=narrow, address=wide, network=wide, site=wide)
    barrier, let_in = threading.Barrier(6), []

    def knock(number):
        barrier.wait()
        for turn in range(12):
            holder, address = f"gst_{(number + turn) % 4}", f"203.0.113.{turn % 2}"
            let_in.append(tries(1, holder=holder, address=address))
        storage.close()

    together(6, knock)

    assert len(let_in) == 72
    assert sum(let_in) == 35


def test_counting_leaves_money_durable(db, clock):
    """Only counters are written in haste; the same connection waits for the disk again after it."""
    limits.allow("pay", address="203.0.113.7")

    setting = "SHOW synchronous_commit" if storage.is_postgres() else "PRAGMA synchronous"
    assert execute(setting).fetchone()[0] in {"on", 2}
    limits.set_key(b"k" * 32)
    for _ in range(31):
        with contextlib.suppress(TooMany):
            limits.allow("pay", address="203.0.113.7")
    assert execute(setting).fetchone()[0] in {"on", 2}


def test_each_side_of_a_door_is_counted(db, clock, monkeypatch):
    """Holder, address, network and the whole site each have a limit of their own."""
    door(monkeypatch, holder=(Limit(2, 60),))
    assert tries(3, holder="gst_1") == 2
    assert tries(3, holder="gst_2") == 2
    assert tries(3, address="203.0.113.7") == 3

    clock.at += timedelta(minutes=1)
    door(monkeypatch, address=(Limit(2, 60),))
    assert tries(3, address="203.0.113.7", holder="gst_1") == 2
    assert tries(3, address="203.0.113.8") == 2

    clock.at += timedelta(minutes=1)
    door(monkeypatch, network=(Limit(2, 60),))
    assert [tries(1, address=f"203.0.113.{n}") for n in range(3)] == [1, 1, 0]
    assert [tries(1, address=f"2001:db8:1:{n}::1") for n in range(3)] == [1, 1, 0]

    clock.at += timedelta(minutes=1)
    door(monkeypatch, site=(Limit(2, 60),))
    assert [tries(1, address=f"198.51.{n}.1") for n in range(3)] == [1, 1, 0]
    assert tries(3, site_wide=False) == 3


def test_a_flooder_does_not_shut_the_door_for_others(db, clock, monkeypatch):
    """What is refused at the address is not counted for the network or the site."""
    door(monkeypatch, address=(Limit(2, 60),), network=(Limit(5, 60),), site=(Limit(5, 60),))

    assert tries(100, address="203.0.113.7") == 2
    assert tries(2, address="203.0.113.8") == 2
    assert tries(2, address="198.51.100.1") == 1


def test_the_longest_of_several_limits_holds(db, clock, monkeypatch):
    """A door may have a limit for minutes and one for the day."""
    door(monkeypatch, holder=(Limit(2, 60), Limit(3, 86_400)))

    assert tries(3, holder="gst_1") == 2
    clock.at += timedelta(minutes=1)
    assert tries(3, holder="gst_1") == 1


def test_too_many_says_when_to_come_back(db, clock, monkeypatch):
    """The refusal is a 429 with seconds for machines and words for a person."""
    door(monkeypatch, site=(Limit(1, 600),))
    limits.allow("test")
    clock.at += timedelta(seconds=100)

    with pytest.raises(TooMany) as caught:
        limits.allow("test")

    assert caught.value.status == 429
    assert caught.value.retry_after == 500
    assert "9 min" in str(caught.value)


def test_a_refused_try_stays_counted(db, clock, monkeypatch):
    """Counting is its own transaction: inside another one a refusal would undo it."""
    with transaction(), pytest.raises(AssertionError):
        limits.allow("search", address="203.0.113.7")

    door(monkeypatch, site=(Limit(1, 60),))
    assert tries(3) == 1
    assert execute("SELECT max(n) FROM limits_hit").fetchone()[0] == 3


@pytest.mark.parametrize("inside", [True, False])
def test_a_visit_is_counted_once(db, clock, monkeypatch, inside):
    """With what it lets in, or at the end by itself."""
    door(monkeypatch, site=(Limit(9, 60),))
    with limits.visiting("test", address="", holder="") as visit:
        if inside:
            with transaction():
                visit.count()
            visit.count()

    assert counted() == 1


def test_what_fails_is_counted_too(db, clock, monkeypatch):
    """What rolls a sale back takes its count along, so it is counted again by itself."""
    door(monkeypatch, site=(Limit(9, 60),))

    def sell():
        with limits.visiting("test", address="", holder="") as visit, transaction():
            visit.count()
            raise KeyError("there is not enough left")

    for turn in range(1, 4):
        with pytest.raises(KeyError):
            sell()
        assert counted() == turn


def test_a_race_through_a_visit_lets_in_exactly_so_many(db, clock, monkeypatch):
    """Count and sale are one transaction: no two of them read the same count."""
    door(monkeypatch, site=(Limit(10, 60),))
    barrier, let_in = threading.Barrier(8), []

    def sell(number):
        barrier.wait()
        for turn in range(5):
            with (
                contextlib.suppress(TooMany),
                limits.visiting("test", address="", holder="") as visit,
            ):
                with transaction():
                    visit.count()
                    execute(
                        "INSERT INTO site_generation (name, number) VALUES (?, 1)",
                        [f"sale {number} {turn}"],
                    )
                let_in.append(number)
        storage.close()

    together(8, sell)

    sold = "SELECT count(*) FROM site_generation WHERE name LIKE 'sale %'"
    assert execute(sold).fetchone()[0] == len(let_in) == 10
    assert counted() == 40


def test_no_address_and_no_holder_is_stored(db, clock):
    """The table tells nothing without the site's key, and another key gives other rows."""
    limits.allow("checkout", address="203.0.113.7", holder="gst_secret")
    keys = {row[0] for row in execute("SELECT key FROM limits_hit").fetchall()}

    assert len(keys) == 6
    assert all(len(bytes.fromhex(key)) == 16 for key in keys)
    limits.set_key(b"other" * 8)
    limits.allow("checkout", address="203.0.113.7", holder="gst_secret")
    assert execute("SELECT count(*) FROM limits_hit").fetchone()[0] == 12


@pytest.mark.parametrize("broken", ["checkout", "pay", "tip"])
def test_money_doors_shut_when_the_store_fails(db, clock, broken):
    """Without counters nobody may pay: card testing would be free."""
    execute("ALTER TABLE limits_hit RENAME TO limits_gone")
    try:
        with pytest.raises(Unavailable) as caught:
            limits.allow(broken, address="203.0.113.7")
    finally:
        execute("ALTER TABLE limits_gone RENAME TO limits_hit")

    assert caught.value.status == 503
    limits.allow(broken, address="203.0.113.7")


@pytest.mark.parametrize("broken", ["search", "webhook"])
def test_other_doors_stay_open_when_the_store_fails(db, clock, broken, caplog):
    """Search and webhooks go on, and the log says so."""
    execute("ALTER TABLE limits_hit RENAME TO limits_gone")
    try:
        limits.allow(broken, address="203.0.113.7")
    finally:
        execute("ALTER TABLE limits_gone RENAME TO limits_hit")

    assert "stays open" in caplog.text


def test_without_a_key_nothing_is_counted(db, clock, monkeypatch):
    """A site that forgot its key fails at the first visit instead of storing guessable hashes."""
    monkeypatch.setattr(limits, "_site", limits._Site())

    with pytest.raises(AssertionError, match="set_key"):
        limits.allow("search")


def test_a_factor_widens_every_door(db, clock, monkeypatch):
    """Proofs and benchmarks send more than people; the door still counts."""
    door(monkeypatch, site=(Limit(2, 60),))
    limits.set_key(b"k" * 32, factor=3)

    assert tries(10) == 6


def test_old_windows_are_forgotten(db, clock, monkeypatch):
    """Cleaning deletes windows that ended, and no others."""
    door(monkeypatch, site=(Limit(9, 60), Limit(9, 86_400)))
    tries(1)
    clock.at += timedelta(seconds=61)

    assert limits.forget(clock.at) == 1
    assert limits.forget(clock.at) == 0
    assert counted() == 1


def test_every_door_is_narrower_for_one_than_for_all():
    """A single address may never use up a network's or the whole site's share."""
    for name, wanted in DOORS.items():
        rates = [
            max(limit.most / limit.per_seconds for limit in side)
            for side in (wanted.address, wanted.network, wanted.site)
        ]
        assert rates == sorted(rates), name
        assert rates[0] < rates[2], name

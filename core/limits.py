"""How often somebody may knock at a door: fixed windows, counted in the database.

Nobody's address or holder is stored: a row's key is a BLAKE2b hash under the site's own key.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from peewee import DatabaseError, InterfaceError

from core.clock import now
from core.errors import Refused, Unavailable
from core.storage import after_commit, execute, in_transaction, is_postgres, micros, transaction

log = logging.getLogger("obolo.limits")

MINUTE, HOUR, DAY = 60, 3_600, 86_400
KEY_BYTES = 16
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many within so many seconds."""

    most: int
    per_seconds: int


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """The limits of one way in: for one holder, user, address, network, and for the whole site.

    `account` counts tries at one user or e-mail address, whoever makes them. A door that
    `fails_closed` stays shut while the counters cannot be reached; others stay open.
    """

    holder: tuple[Limit, ...] = ()
    account: tuple[Limit, ...] = ()
    address: tuple[Limit, ...] = ()
    network: tuple[Limit, ...] = ()
    site: tuple[Limit, ...] = ()
    fails_closed: bool = False


@dataclass(frozen=True, slots=True)
class _Counter:
    key: str
    ends: int
    most: int


class TooMany(Refused):
    """Too many tries; `retry_after` says in how many seconds it is worth trying again."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        """Say it in whole minutes."""
        minutes = -(-retry_after // MINUTE)
        super().__init__("That was too often. Please try again in {minutes} min.", minutes=minutes)
        self.retry_after = retry_after


# One person opening posts pays every few seconds at most; a network is a school or an office.
DOORS: Mapping[str, Door] = {
    "checkout": Door(
        holder=(Limit(60, 5 * MINUTE), Limit(600, DAY)),
        address=(Limit(60, 5 * MINUTE), Limit(1_500, DAY)),
        network=(Limit(400, 5 * MINUTE),),
        site=(Limit(3_000, 5 * MINUTE),),
        fails_closed=True,
    ),
    "pay": Door(
        holder=(Limit(30, 5 * MINUTE), Limit(300, DAY)),
        address=(Limit(30, 5 * MINUTE), Limit(750, DAY)),
        network=(Limit(200, 5 * MINUTE),),
        site=(Limit(2_000, 5 * MINUTE),),
        fails_closed=True,
    ),
    "tip": Door(
        holder=(Limit(20, 5 * MINUTE), Limit(100, DAY)),
        address=(Limit(20, 5 * MINUTE), Limit(250, DAY)),
        network=(Limit(100, 5 * MINUTE),),
        site=(Limit(1_000, 5 * MINUTE),),
        fails_closed=True,
    ),
    # Texts that cost nothing: each new private window is a new reader, an address is not.
    "free": Door(
        address=(Limit(20, DAY),),
        network=(Limit(200, DAY),),
        site=(Limit(10_000, DAY),),
        fails_closed=True,
    ),
    "search": Door(
        holder=(Limit(60, MINUTE),),
        address=(Limit(60, MINUTE),),
        network=(Limit(300, MINUTE),),
        site=(Limit(1_200, MINUTE),),
    ),
    # All of a provider's deliveries come from few addresses, and after an outage in a burst.
    "webhook": Door(
        address=(Limit(1_200, MINUTE),),
        network=(Limit(2_400, MINUTE),),
        site=(Limit(6_000, MINUTE),),
    ),
    # Warehouse's figures (pypi.org), where it has some: 10 in 5 minutes for a user or an address.
    "sign_in": Door(
        account=(Limit(10, 5 * MINUTE), Limit(50, DAY)),
        address=(Limit(10, 5 * MINUTE), Limit(100, DAY)),
        network=(Limit(100, 5 * MINUTE),),
        site=(Limit(1_000, 5 * MINUTE),),
        fails_closed=True,
    ),
    # With these and a million codes somebody who guesses all day finds one in 6,600 days.
    "second_factor": Door(
        account=(Limit(5, 5 * MINUTE), Limit(20, HOUR), Limit(50, DAY)),
        address=(Limit(10, 5 * MINUTE), Limit(50, HOUR)),
        network=(Limit(100, 5 * MINUTE),),
        site=(Limit(1_000, 5 * MINUTE),),
        fails_closed=True,
    ),
    # Each sends a message to an address that may belong to somebody else.
    "code": Door(
        account=(Limit(3, 10 * MINUTE), Limit(10, DAY)),
        address=(Limit(10, 10 * MINUTE), Limit(40, DAY)),
        network=(Limit(60, 10 * MINUTE),),
        site=(Limit(600, 10 * MINUTE),),
        fails_closed=True,
    ),
    # A machine that copies the books asks a few times a second; a token nobody has is a guess.
    "api": Door(
        holder=(Limit(300, MINUTE),),
        address=(Limit(600, MINUTE),),
        network=(Limit(1_200, MINUTE),),
        site=(Limit(6_000, MINUTE),),
        fails_closed=True,
    ),
    "api_refused": Door(
        address=(Limit(20, 5 * MINUTE), Limit(200, DAY)),
        network=(Limit(200, 5 * MINUTE),),
        site=(Limit(1_000, 5 * MINUTE),),
        fails_closed=True,
    ),
    "export": Door(
        account=(Limit(5, HOUR), Limit(10, DAY)),
        address=(Limit(20, HOUR),),
        network=(Limit(100, HOUR),),
        site=(Limit(200, HOUR),),
    ),
}
"""The doors of core; the figures are our own choice where no source stands beside them."""


class _Site:
    """What the site told this process."""

    key = b""
    factor = 1


_site = _Site()


def set_key(key: bytes, *, factor: int = 1) -> None:
    """Take the site's own key for counters.

    `factor` widens every door: a benchmark sends more in a second than a person in a day.
    """
    assert KEY_BYTES <= len(key) <= hashlib.blake2b.MAX_KEY_SIZE
    assert factor >= 1
    _site.key, _site.factor = key, factor


def allow(
    door: str, *, address: str = "", holder: str = "", account: str = "", site_wide: bool = True
) -> None:
    """Count one more at a door. Raises TooMany, and Unavailable when a door fails closed.

    Counted are holder, address, network, account and site, in this order, and none after one that
    refuses: so a single flooder shuts the door for itself and not for everybody.
    """
    assert not in_transaction(), "a refusal would roll its own count back"
    counters = _counters(door, holder, address, account, site_wide=site_wide)
    try:
        with _hasty():
            refusing = _count_until_refused(counters, hasty=True)
    except (DatabaseError, InterfaceError) as error:
        if DOORS[door].fails_closed:
            raise Unavailable("This is not possible right now. Nothing was taken.") from error
        log.exception("the door “%s” stays open: its visits cannot be counted", door)
        return
    _refuse(door, refusing)


class Visit:
    """One more at a door, counted once: by itself, or in the transaction of what it lets in."""

    def __init__(self, door: str, *, address: str, holder: str) -> None:
        self._door, self._address, self._holder = door, address, holder
        self._is_counted = False

    def count(self) -> None:
        """Count it, unless that is done. Raises what `allow` does.

        Within a transaction it counts once that is committed; what rolls it back takes the count
        along, so that `visiting` counts again.
        """
        if self._is_counted:
            return
        if not in_transaction():
            self._is_counted = True
            allow(self._door, address=self._address, holder=self._holder)
            return
        counters = _counters(self._door, self._holder, self._address, "", site_wide=True)
        _refuse(self._door, _count_until_refused(counters))
        after_commit(self._note)

    def _note(self) -> None:
        self._is_counted = True


@contextmanager
def visiting(door: str, *, address: str, holder: str) -> Iterator[Visit]:
    """Yield a visit at a door, and count it at the end if nothing did: no refusal is free.

    On SQLite, where one writes at a time, it may be counted within the transaction of a sale. On
    PostgreSQL the site's own counter would let one sale wait for another, so it counts at once.
    Raises what `allow` does.
    """
    visit = Visit(door, address=address, holder=holder)
    if is_postgres():
        visit.count()
    try:
        yield visit
    finally:
        visit.count()


def _refuse(door: str, refusing: _Counter | None) -> None:
    if refusing is not None:
        wait = refusing.ends - _present()
        log.warning("the door “%s” is shut for %s seconds", door, wait)
        raise TooMany(wait)


def forget(ended_before: datetime) -> int:
    """Delete the counts of windows that ended before an instant; return how many."""
    sql = 'DELETE FROM limits_hit WHERE "window" < ?'
    return int(execute(sql, [micros(ended_before)]).rowcount)


def single(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or an IPv6 network of 64 bits.

    An IPv4 address that is written as IPv6 is the IPv4 one; what is no address is `unknown`.
    """
    return _shortened(address, 32, 64)


def network(address: str) -> str:
    """Return the network that counts as one neighbourhood: /24 of IPv4, /48 of IPv6."""
    return _shortened(address, 24, 48)


def neighbourhood(address: str) -> str:
    """Return what stands for the network of an address, where nobody shall read which it is."""
    return _hidden(_site.key, f"neighbourhood|{network(address)}")


@lru_cache(maxsize=4096)
def _shortened(address: str, bits_4: int, bits_6: int) -> str:
    try:
        found = ipaddress.ip_address(address.strip().partition("%")[0])
    except ValueError:
        return "unknown"
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    bits = bits_4 if found.version == 4 else bits_6
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


def _present() -> int:
    return micros(now()) // MICROSECONDS


def _counters(
    door: str, holder: str, address: str, account: str, *, site_wide: bool
) -> list[_Counter]:
    """Return what a visit at a door counts in, the closest first."""
    present = _present()
    hidden = _hidden_sides(_site.key, door, DOORS[door], holder, address, account, site_wide)
    return [_Counter(key, _end(present, limit), limit.most) for key, limit in hidden]


@lru_cache(maxsize=4096)
def _hidden_sides(
    site_key: bytes,
    name: str,
    door: Door,
    holder: str,
    address: str,
    account: str,
    site_wide: bool,  # noqa: FBT001 - a key of the cache
) -> list[tuple[str, Limit]]:
    sides: list[tuple[str, tuple[Limit, ...]]] = []
    if holder:
        sides.append((f"holder|{holder}", door.holder))
    if address:
        sides.append((f"address|{single(address)}", door.address))
        sides.append((f"network|{network(address)}", door.network))
    if account:
        sides.append((f"account|{account}", door.account))
    if site_wide:
        sides.append(("site", door.site))
    return [
        (_key(site_key, f"{name}|{side}", limit), limit) for side, limits in sides
        for limit in limits
    ]  # fmt: skip


def _key(site_key: bytes, key: str, limit: Limit) -> str:
    assert site_key, "limits.set_key was not called"
    return _hidden(site_key, f"{key}|{limit.per_seconds}")


def _end(present: int, limit: Limit) -> int:
    return (present // limit.per_seconds + 1) * limit.per_seconds


def _hidden(site_key: bytes, text: str) -> str:
    return hashlib.blake2b(text.encode(), key=site_key, digest_size=KEY_BYTES).hexdigest()


def _count_until_refused(counters: Sequence[_Counter], *, hasty: bool = False) -> _Counter | None:
    """Count all at once, and take back what stands after the first that refuses."""
    counts = _count(counters, hasty=hasty)
    for place, (counter, n) in enumerate(zip(counters, counts, strict=True)):
        if n > counter.most * _site.factor:
            for wider in counters[place + 1 :]:
                execute(
                    'UPDATE limits_hit SET n = n - 1 WHERE key = ? AND "window" = ?',
                    [wider.key, wider.ends * MICROSECONDS],
                )
            return counter
    return None


def _count(counters: Sequence[_Counter], *, hasty: bool = False) -> list[int]:
    """Count one more everywhere, in a transaction, so that no two processes read the same count."""
    if not counters:
        return []
    values = [value for one in counters for value in (one.key, one.ends * MICROSECONDS)]
    counting, asking = _count_sql(len(counters), is_postgres(), hasty)
    answer = execute(counting, values)
    counts = dict((execute(asking, values) if asking else answer).fetchall())
    return [counts[one.key] for one in counters]


@lru_cache(maxsize=32)
def _count_sql(counters: int, postgres: bool, hasty: bool) -> tuple[str, str]:  # noqa: FBT001
    """Return what counts, and what asks for the counts; SQLite makes a table for a RETURNING."""
    into = 'INSERT INTO limits_hit (key, "window", n)'
    again = 'ON CONFLICT (key, "window") DO UPDATE SET n = limits_hit.n + 1'
    if not postgres:
        one = 'SELECT key, n FROM limits_hit WHERE key = ? AND "window" = ?'
        rows = ", ".join(["(?, ?, 1)"] * counters)
        return f"{into} VALUES {rows} {again}", " UNION ALL ".join([one] * counters)
    rows = ", ".join(["(CAST(? AS TEXT), CAST(? AS BIGINT), 1)"] * counters)
    says = ", (SELECT set_config('synchronous_commit', 'off', true)) hasty" if hasty else ""
    wanted = f"SELECT wanted.* FROM (VALUES {rows}) wanted{says}"
    return f"{into} {wanted} WHERE true {again} RETURNING key, n", ""


@contextmanager
def _hasty() -> Iterator[None]:
    """Write without waiting for the disk: a power cut may forget a count, and nothing else."""
    says_itself = is_postgres()  # there the statement does
    if not says_itself:
        execute("PRAGMA synchronous = NORMAL")
    try:
        with transaction():
            yield
    finally:
        if not says_itself:
            execute("PRAGMA synchronous = FULL")

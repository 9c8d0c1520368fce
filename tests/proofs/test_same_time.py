"""Nobody learns from the time of an answer who has a user here: sign-in, reset and sign-up.

Known and unknown addresses come in a random order; their times are compared by the rank test of
Mann and Whitney. `OBOLO_PROOF_FACTOR=17` asks 1,000 times for each, on both databases, and allows
no difference that is significant; the small run has a loose bound. The clock stops when the answer
is there whole, as for whoever waits for it.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import time

import pytest
from werkzeug.test import EnvironBuilder

from core import doors, limits
from core.people import passwords, users
from core.storage import keys
from tests import postgres
from tests.conftest import sqlite_url

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
EACH = min(60 * FACTOR, 1_000)
IS_LARGE = EACH == 1_000
LEAST_P = 0.01 / 3 if IS_LARGE else 0.0001
"""Three doors are asked, so each may be wrong a third as often (Bonferroni)."""
WEAK_EACH = 40
PASSWORD = "seven violet umbrellas sing"
DOORS = {
    "/sign-in/password": ({"password": "another seven umbrellas"}, 422),
    "/reset": ({}, 303),
    "/sign-up": ({"password": PASSWORD, "name": "Ada"}, 303),
}
ORIGIN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}

DATABASES = ["sqlite", "postgres"] if IS_LARGE else ["sqlite"]

pytestmark = pytest.mark.proof


@pytest.fixture(params=DATABASES)
def database_url(request, template, tmp_path):
    """Take both databases in the large run."""
    return sqlite_url(template, tmp_path) if request.param == "sqlite" else postgres.emptied()


@pytest.fixture
def site(make_site):
    app = make_site()
    limits.set_key(bytes(32), factor=1_000_000)
    return app


def asked(app, door, email):
    """Send one form; return the status, the headers and the seconds until the answer was there.

    What the process remembers of keys is dropped before: it would know some users better.
    """
    form, _ = DOORS[door]
    environ = EnvironBuilder(
        door, "http://localhost", method="POST", data={**form, "email": email}, headers=ORIGIN
    ).get_environ()
    keys._forget()
    told = []
    start = time.perf_counter()
    answer = app.wsgi_app(environ, lambda *head: told.append(head))
    body = b"".join(answer)
    seconds = time.perf_counter() - start
    getattr(answer, "close", int)()
    return told[0][0], body.replace(email.encode(), b""), seconds


def times(app, door, each):
    """Return the seconds for known and for unknown addresses."""
    hashed = passwords.hashed(PASSWORD)
    known = [users.create(email=f"known{n}@example.org", password=hashed) for n in range(each)]
    wanted = [(True, user.email) for user in known]
    wanted += [(False, f"other{n}@example.org") for n in range(each)]
    random.Random(door).shuffle(wanted)
    taken = {True: [], False: []}
    asked(app, door, "warm@example.org")
    for is_known, email in wanted:
        status, _, seconds = asked(app, door, email)
        assert status.startswith(str(DOORS[door][1]))
        taken[is_known].append(seconds)
    return taken[True], taken[False]


def likelihood(one, other):
    """Return how likely two samples of one kind differ at least so much (Mann and Whitney, 1947).

    The normal approximation, which is good from 20 values each; times do not repeat.
    """
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def told(door, known, unknown, p):
    """Return a line for whoever runs the proof."""
    medians = [f"{statistics.median(one) * 1000:.2f} ms" for one in (known, unknown)]
    return f"{door}: known {medians[0]}, unknown {medians[1]}, {len(known)} each, p = {p:.4f}"


@pytest.mark.parametrize("door", DOORS)
def test_the_time_of_an_answer_does_not_tell_who_has_a_user(site, door):
    """Known or not: the same distribution, as far as so many requests can show."""
    known, unknown = times(site, door, EACH)
    p = likelihood(known, unknown)
    print(told(door, known, unknown, p))

    assert p > LEAST_P, told(door, known, unknown, p)


@pytest.mark.parametrize("door", DOORS)
def test_the_answer_itself_does_not_tell_either(site, door):
    """The same status and the same page, but for what was typed and the id of the code."""
    users.create(email="known@example.org", password=passwords.hashed(PASSWORD))
    first, second = (asked(site, door, f"{who}@example.org") for who in ("known", "other"))

    assert first[0] == second[0]
    assert len(first[1]) == len(second[1])
    assert (first[1] == second[1]) or DOORS[door][1] == 303


def test_weak_twin_that_hashes_for_known_addresses_only_is_caught(site, monkeypatch):
    """Without the hash for nobody's password the same test is sure of a difference."""
    verify = passwords.verify
    weak = lambda stored, password: stored is not None and verify(stored, password)  # noqa: E731
    monkeypatch.setattr(passwords, "verify", weak)
    known, unknown = times(site, "/sign-in/password", WEAK_EACH)

    assert likelihood(known, unknown) < 1e-9
    assert statistics.median(known) > 2 * statistics.median(unknown)


def test_weak_twin_that_hashes_for_new_addresses_only_is_caught(site, monkeypatch):
    """So is a sign-up that does not trouble to hash where there is a user already."""
    ask = doors.ask

    def weak(email, *arguments, password="", **rest):
        return ask(email, *arguments, password="" if users.by_email(email) else password, **rest)

    monkeypatch.setattr(doors, "ask", weak)
    known, unknown = times(site, "/sign-up", WEAK_EACH)

    assert likelihood(known, unknown) < 1e-9
    assert statistics.median(known) < statistics.median(unknown) / 2


def test_the_rank_test_is_right_about_chance():
    """Of 200 pairs of one kind about a twentieth looks unlike; what is slower is found."""
    chance = random.Random(1)

    def sample(mean, size):
        return [chance.gauss(mean, 1) for _ in range(size)]

    unlike = [likelihood(sample(10, 50), sample(10, 50)) < 0.05 for _ in range(200)]

    assert 2 <= sum(unlike) <= 22
    assert likelihood(sample(10, 500), sample(10.3, 500)) < 0.001

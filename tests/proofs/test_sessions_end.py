"""A session that ended is over everywhere, and a token that somebody else knows opens nothing.

Two real processes serve one site here; each judge is also shown a weak twin that must fail.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from core import config as configuration
from core import limits
from core.people import sessions
from core.storage import execute, transaction
from tests.conftest import browser_of
from tests.people import EMAIL, PASSWORD, SESSION_COOKIE, code_of, make_user, signed_in

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60
ROUNDS = 5 * int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
SLEEPY = """
import functools
from core.people import sessions
sessions.by_token = functools.lru_cache(sessions.by_token)
from core.cli import main
main()
"""
"""Weak twin: a worker that asks the database once and then remembers who is signed in."""

pytestmark = pytest.mark.proof


@contextmanager
def worker(home, database, code="from core.cli import main; main()"):
    """Serve the site in a process of its own; yields its port."""
    log = (home.parent / f"worker-{time.monotonic_ns()}.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "--no-tasks"], cwd=ROOT, stdout=log, stderr=log,
        env={**os.environ, "OBOLO_HOME": str(home), "OBOLO_DATABASE": database, "PORT": "0"},
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not (found := re.search(r"http://localhost:(\d+)/", Path(log.name).read_text())):
            assert process.poll() is None, Path(log.name).read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield int(found[1])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        log.close()


def asked(port, path, token, form=None):
    """Send one request with a session's token; return the status and the page."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    origin = {"Origin": f"http://localhost:{port}", "Sec-Fetch-Site": "same-origin"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    headers = {"Cookie": f"{SESSION_COOKIE}={token}", **origin, **kind}
    connection.request("POST" if form else "GET", path, form, headers)
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    return answer.status, page


def is_in(port, token):
    """Tell whether somebody is signed in by this token at this worker."""
    status, _ = asked(port, "/account/", token)
    assert status in (200, 303)
    return status == 200


@pytest.fixture
def home(db, tmp_path):
    folder = tmp_path / "home"
    configuration.initialise(folder)
    return folder


def revoked_rounds(user, one, other, rounds):
    """Sign in, be seen by both, sign out at the one; return how often the other still lets in."""
    kept = 0
    for _ in range(rounds):
        token = sessions.start(user.id, strong=False)
        assert is_in(one, token)
        assert is_in(other, token)
        csrf = re.findall(r'name="csrf" value="(\w+)"', asked(one, "/account/", token)[1])[0]
        assert asked(one, "/sign-out", token, f"csrf={csrf}")[0] == 303
        kept += is_in(other, token)
    return kept


def test_who_signs_out_at_one_process_is_refused_by_the_next_request_to_another(db, home):
    """Nothing is remembered between requests: the row is gone, and so is the session."""
    user, _ = make_user()
    with worker(home, db) as one, worker(home, db) as other:
        assert revoked_rounds(user, one, other, ROUNDS) == 0
        assert revoked_rounds(user, other, one, ROUNDS) == 0


def test_who_is_shut_out_is_refused_by_the_next_request_to_any_process(db, home):
    """A user who is disabled is out of every device, whichever worker they come to."""
    user, _ = make_user()
    token = sessions.start(user.id, strong=False)
    with worker(home, db) as one, worker(home, db) as other:
        assert is_in(one, token)
        assert is_in(other, token)
        with transaction():
            execute("UPDATE people_user SET state = 'disabled' WHERE id = ?", [user.id])

        assert not is_in(one, token)
        assert not is_in(other, token)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_weak_twin_that_remembers_sessions_is_caught(db, home):
    """The same rounds find a worker that does not ask again."""
    user, _ = make_user()
    with worker(home, db) as one, worker(home, db, SLEEPY) as other:
        assert revoked_rounds(user, one, other, 2) == 2


@pytest.fixture
def site(make_site):
    app = make_site()
    limits.set_key(bytes(32), factor=1000)
    return app


def enters(app, planted):
    """Sign in with a password in a browser into which a token was planted; return the new one."""
    client = browser_of(app)
    client.set_cookie(SESSION_COOKIE, planted)
    form = {"email": EMAIL, "password": PASSWORD}
    assert client.post("/sign-in/password", data=form).status_code == 303
    assert client.get("/account/").status_code == 200
    return client.get_cookie(SESSION_COOKIE).value


def opens(app, token):
    """Tell whether a stranger with this token sees somebody's pages."""
    client = browser_of(app)
    client.set_cookie(SESSION_COOKIE, token)
    return client.get("/account/").status_code == 200


def planted_ones():
    """Return tokens that somebody else knows: made up, and of a session of their own."""
    intruder, _ = make_user("mallory@example.org")
    return ["a" * 43, sessions.start(intruder.id, strong=False)]


def test_a_token_planted_before_the_sign_in_is_dead_after_it(site):
    """Whoever planted it is neither the user nor signed in at all."""
    make_user(password=PASSWORD)
    for planted in planted_ones():
        new = enters(site, planted)

        assert new != planted
        assert opens(site, new)
        assert not opens(site, planted)


def test_weak_twin_that_keeps_the_browsers_token_is_caught(site, monkeypatch):
    """A sign-in that takes over the token it was sent gives the intruder the user's session."""
    make_user(password=PASSWORD)
    planted = "a" * 43
    monkeypatch.setattr(sessions.secrets, "token_urlsafe", lambda _: planted)
    enters(site, planted)

    assert opens(site, planted)


def confirmed(app):
    """Confirm once more who sits there; return the token of before and the one of after."""
    person = signed_in(browser_of(app), "owner", proved=False)
    before = person.token
    assert person.post("/account/confirm", secret=code_of(person.seed)).status_code == 303
    return before, person.token


def test_a_token_from_before_a_step_up_is_dead_after_it(site):
    """Who saw the old one gains nothing by what the user has just proved."""
    before, after = confirmed(site)

    assert opens(site, after)
    assert not opens(site, before)


def test_weak_twin_that_steps_up_under_the_same_token_is_caught(site, monkeypatch):
    """The same look finds a step-up that changes the row and not the token."""

    def confirm(session, *, strong, address=""):
        with transaction():
            sql = "UPDATE people_session SET strong = 1, confirmed = 1 WHERE id = ?"
            execute(sql, [session.id])
        return kept[0]

    kept, start = [], sessions.start

    def noted(*arguments, **named):
        kept.append(start(*arguments, **named))
        return kept[-1]

    monkeypatch.setattr(sessions, "confirm", confirm)
    monkeypatch.setattr(sessions, "start", noted)
    before, _ = confirmed(site)

    assert opens(site, before)

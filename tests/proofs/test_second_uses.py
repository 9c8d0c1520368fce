"""What counts once counts once: sent by 64 at the same moment, each proof lets one of them in.

`OBOLO_PROOF_FACTOR=50` runs 200 rounds of each race. Beside each stands a weak twin that looks
first and writes then, which the same race must find guilty.
"""

from __future__ import annotations

import os
import time

import pytest

from core import doors, limits
from core.clock import now
from core.people import codes, passkeys, sessions, two_factor
from core.people.two_factor import _hashed, _matching_step
from core.storage import execute, micros, transaction, vault
from tests.people import PLACE, Device, at_once, code_of, guest, make_user

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
ROUNDS = 4
RACERS = 64
WEAK_ROUNDS = 10
"""A weak twin must be caught within so many rounds."""

pytestmark = [
    pytest.mark.proof,
    pytest.mark.xdist_group("races"),  # two such races at once would want too many connections
]


@pytest.fixture
def site(make_site):
    app = make_site()
    limits.set_key(bytes(32), factor=100_000)
    return app


def accepted(act, argument):
    """Let 64 do the same at the same moment; return how many were let in."""

    def one(_number):
        execute("SELECT 1")  # connects before it acts
        return act(argument)

    results = at_once(one, RACERS)
    assert not [one for one in results if isinstance(one, Exception)], results
    return sum(map(bool, results))


class App:
    """The code of an app, for a user of its own each round."""

    def __init__(self):
        self.user, self.seed = make_user(app=True)

    def fresh(self):
        """Return a code that was not used yet, whatever the round before has used."""
        with transaction():
            execute("UPDATE people_user SET totp_step = 0 WHERE id = ?", [self.user.id])
        return code_of(self.seed)

    def use(self, code):
        """Show it as the door does."""
        return two_factor.accept(self.user.id, code)

    def use_weakly(self, code):
        """Weak twin: look at the last step that was used, then write the new one."""
        sql = "SELECT totp, totp_step FROM people_user WHERE id = ?"
        cell, used = execute(sql, [self.user.id]).fetchone()
        seed = vault.unseal(cell, table="people_user", column="totp", row=self.user.id)
        step = _matching_step(seed, code)
        if step is None or step <= used:
            return False
        time.sleep(0.001)
        with transaction():
            execute("UPDATE people_user SET totp_step = ? WHERE id = ?", [step, self.user.id])
        return True


class Recovery:
    """A recovery code of a user."""

    def __init__(self):
        self.user, _ = make_user(app=True)

    def fresh(self):
        """Return one of ten new ones."""
        return two_factor.new_recovery_codes(self.user.id)[0]

    def use(self, code):
        """Burn it as the door does."""
        return two_factor.burn(self.user.id, code)

    def use_weakly(self, code):
        """Weak twin: look whether it was used, then note that it is."""
        key = [self.user.id, _hashed(self.user.id, code)]
        sql = "SELECT used FROM people_recovery WHERE user_id = ? AND code = ?"
        row = execute(sql, key).fetchone()
        if row is None or row[0] is not None:
            return False
        time.sleep(0.001)
        with transaction():
            sql = "UPDATE people_recovery SET used = ? WHERE user_id = ? AND code = ?"
            execute(sql, [micros(now()), *key])
        return True


class Digits:
    """The six digits of a message."""

    def fresh(self):
        """Return them with the id of their form."""
        with transaction():
            issued = codes.issue("enter", {})
        return issued.id, issued.digits

    def use(self, sent):
        """Type them."""
        return codes.by_digits(sent[0], "enter", sent[1]) is not None

    def use_weakly(self, sent):
        """Weak twin: look whether they were used, then note that they are."""
        row = execute("SELECT code, used FROM people_code WHERE id = ?", [sent[0]]).fetchone()
        if row[1] is not None or row[0] != codes._hashed(*sent):
            return False
        time.sleep(0.001)
        with transaction():
            execute("UPDATE people_code SET used = ? WHERE id = ?", [micros(now()), sent[0]])
        return True


class Link:
    """The link of a message."""

    def fresh(self):
        """Return its token."""
        with transaction():
            return codes.issue("enter", {}).token

    def use(self, token):
        """Press the button."""
        return codes.by_token(token, "enter") is not None

    def use_weakly(self, token):
        """Weak twin: look whether it waits, then note that it is used."""
        if codes.waits(token, "enter") is None:
            return False
        time.sleep(0.001)
        with transaction():
            sql = "UPDATE people_code SET used = ? WHERE link = ?"
            execute(sql, [micros(now()), codes._hashed("link", token)])
        return True


PROOFS = (App, Recovery, Digits, Link)


@pytest.mark.parametrize("_turn", range(FACTOR))
@pytest.mark.parametrize("proof", PROOFS)
def test_what_64_show_at_the_same_moment_lets_one_in(site, proof, _turn):
    """An app's code, a recovery code, six digits and a link count once, on both databases."""
    shown = proof()

    assert [accepted(shown.use, shown.fresh()) for _ in range(ROUNDS)] == [1] * ROUNDS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("proof", PROOFS)
def test_weak_twin_that_looks_first_lets_several_in(site, proof):
    """The same race finds what is checked in one step and written in another."""
    shown = proof()

    assert any(accepted(shown.use_weakly, shown.fresh()) > 1 for _ in range(WEAK_ROUNDS))


def test_a_code_that_64_browsers_show_signs_one_of_them_in(site):
    """At the door each browser awaits the factor on its own; the code is one."""
    user, seed = make_user(app=True)
    with transaction():
        waiting = [
            codes.issue("second", {"user": user.id, "to": "/", "claims": [], "news": ""}).token
            for _ in range(RACERS)
        ]
    code = code_of(seed)
    results = at_once(lambda n: doors.pass_second(waiting[n], code, guest()), RACERS)

    assert sum(isinstance(one, doors.Admission) and bool(one.token) for one in results) == 1
    assert len(sessions.of_user(user.id)) == 1


def test_a_recovery_code_that_64_browsers_show_signs_one_of_them_in(site):
    """The same with the code that is on paper; it is told by a message, once."""
    user, _ = make_user(app=True)
    code = two_factor.new_recovery_codes(user.id)[0]
    with transaction():
        waiting = [
            codes.issue("second", {"user": user.id, "to": "/", "claims": [], "news": ""}).token
            for _ in range(RACERS)
        ]

    def show(number):
        with site.app_context():
            return doors.pass_second(waiting[number], code, guest())

    results = at_once(show, RACERS)

    assert sum(isinstance(one, doors.Admission) and bool(one.token) for one in results) == 1
    assert execute("SELECT COUNT(*) FROM mail_message").fetchone()[0] == 1


def test_what_a_passkey_signed_signs_in_once(site):
    """Its challenge counts once, and so does what its counter says."""
    user, _ = make_user()
    device = Device()
    passkeys.make(user.id, device.make(passkeys.options_to_make(user.id, "", PLACE)), "", PLACE)
    shown = device.show(passkeys.options_to_show(PLACE))
    results = at_once(lambda _: passkeys.show(shown, PLACE), RACERS)

    assert [one for one in results if not isinstance(one, Exception)] == [user.id]


def test_the_step_that_was_used_is_kept(site):
    """A code of before is void once a later one was used, whoever typed it."""
    user, seed = make_user(app=True)
    earlier, later = code_of(seed), code_of(seed, steps=1)

    assert two_factor.accept(user.id, later)
    assert not two_factor.accept(user.id, earlier)
    assert not two_factor.accept(user.id, later)

"""Personal tokens: random, shown once, no more than their user may, over at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from core import audit
from core.clock import now
from core.errors import BadInput
from core.people import tokens, users
from core.people.tokens import OWN
from core.storage import execute
from tests.people import EMAIL, OTHER_EMAIL, assert_one_with_its_event, make_user, undone


def made(user, *scopes, **more):
    return tokens.make(user, "Books", scopes or (OWN,), **{"days": 30, "actor": user.id, **more})


def test_a_token_is_shown_once_and_kept_as_a_hash(db):
    """Text, name and checksum: the database holds neither text nor name in the clear."""
    user, _ = make_user(role="bookkeeper", app=True)
    token, text = made(user, OWN, "orders.view")
    rows = str(execute("SELECT * FROM people_token").fetchall())

    assert tokens.FORM.fullmatch(text)
    assert text not in rows
    assert "Books" not in rows
    (kept,) = tokens.of_user(user.id)
    assert kept == token
    assert (kept.name, kept.scopes, kept.used, kept.over) == (
        "Books", {OWN, "orders.view"}, None, False,
    )  # fmt: skip


def test_a_text_says_by_itself_that_it_is_a_token(db):
    """256 random bits each; one changed character is noticed without the database."""
    user, _ = make_user()
    texts = {made(user, mode=mode)[1] for mode in ("live", "test") for _ in range(5)}

    assert len(texts) == 10
    assert all(map(tokens.is_token, texts))
    for text in texts:
        last = "A" if text[20] != "A" else "B"
        assert not tokens.is_token(text[:20] + last + text[21:])
        assert not tokens.is_token(text + "\n")
    assert not tokens.is_token("obl_live_")


def test_it_speaks_for_its_user_with_what_they_claimed(db):
    """And for the money of its mode."""
    user, _ = make_user()
    users.claim(user.id, "gst_a")
    _, text = made(user, mode="test")
    bearer = tokens.by_text(text)

    assert (bearer.user, bearer.holders, bearer.mode) == (user.id, (user.id, "gst_a"), "test")
    assert bearer.scopes == {OWN}
    assert tokens.by_text(made(user, tokens.SPEND)[1]).scopes == {tokens.SPEND}
    assert tokens.by_text(text[:-1] + ("0" if text[-1] != "0" else "1")) is None
    assert tokens.by_text("") is None


def test_rights_follow_the_user_with_each_request(db):
    """Demoted, shut out, or without a second factor: the token falls with its user."""
    user, _ = make_user(role="owner", app=True)
    make_user(OTHER_EMAIL, role="owner")
    _, text = made(user, OWN, "orders.view", "settings.change")

    assert tokens.by_text(text).scopes == {OWN, "orders.view", "settings.change"}
    users.set_role(user, "bookkeeper", actor="test")
    assert tokens.by_text(text).scopes == {OWN, "orders.view"}
    execute("UPDATE people_user SET totp_since = NULL WHERE id = ?", [user.id])
    assert tokens.by_text(text).scopes == {OWN}
    users.set_state(users.find(user.id), "disabled", actor="test")
    assert tokens.by_text(text) is None


def test_it_ends_at_its_time(db):
    """To the second, and its row goes later."""
    user, _ = make_user()
    token, text = made(user, days=1)
    with time_machine.travel(token.expires - timedelta(seconds=1)):
        assert tokens.by_text(text)
    with time_machine.travel(token.expires):
        assert tokens.by_text(text) is None
        assert tokens.of_user(user.id)[0].over
    assert tokens.forget(token.expires) == 0
    assert tokens.forget(token.expires + timedelta(seconds=1)) == 1


def test_its_last_use_is_written_once_a_minute(db):
    """So that a machine that asks all day does not write all day."""
    user, _ = make_user()
    _, text = made(user)
    with time_machine.travel(now(), tick=False) as clock:
        tokens.by_text(text)
        first = tokens.of_user(user.id)[0].used
        clock.shift(59)
        tokens.by_text(text)
        assert tokens.of_user(user.id)[0].used == first
        clock.shift(1)
        tokens.by_text(text)

    assert tokens.of_user(user.id)[0].used == first + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("scopes", "changed"),
    [
        ((), {}), (("orders.view",), {}), (("made.up",), {}), ((OWN,), {"days": 0}),
        ((OWN,), {"days": 366}), ((OWN,), {"mode": "play"}),
    ],
)  # fmt: skip
def test_what_it_cannot_be_is_refused(db, scopes, changed):
    """No scope, a scope that the user lacks, no end, an end too far away."""
    user, _ = make_user()
    with pytest.raises(BadInput):
        tokens.make(user, "A", scopes, **{"days": 30, "actor": user.id, **changed})

    assert tokens.of_user(user.id) == []


def test_it_needs_a_name_and_there_are_not_many(db, monkeypatch):
    """A list that nobody can read is none."""
    user, _ = make_user()
    with pytest.raises(BadInput, match="a name"):
        tokens.make(user, "  ", [OWN], days=1, actor=user.id)
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    made(user)
    with pytest.raises(BadInput, match="already"):
        made(user)


def test_making_and_revoking_leave_an_event_each(db, monkeypatch):
    """In the transaction of the change; nothing secret is in it."""
    user, _ = make_user()
    token, text = assert_one_with_its_event(monkeypatch, "tokens.create", lambda: made(user))
    assert text not in str(audit.events())
    undone(lambda: tokens.revoke(token.id, user.id, actor=user.id))
    assert tokens.by_text(text)
    assert assert_one_with_its_event(
        monkeypatch, "tokens.revoke", lambda: tokens.revoke(token.id, user.id, actor=user.id)
    )
    assert tokens.by_text(text) is None


def test_nobody_takes_somebody_elses_away(db):
    """And a second time there is nothing to take."""
    user, other = make_user(EMAIL)[0], make_user(OTHER_EMAIL)[0]
    token, text = made(user)

    assert not tokens.revoke(token.id, other.id, actor=other.id)
    assert tokens.by_text(text)
    assert tokens.revoke(token.id, user.id, actor=user.id)
    assert not tokens.revoke(token.id, user.id, actor=user.id)


def test_a_restored_site_has_no_tokens(db):
    """What was revoked after the backup must not come alive."""
    user, _ = make_user()
    texts = [made(user)[1] for _ in range(2)]

    assert tokens.revoke_everywhere(actor="cli") == 2
    assert [tokens.by_text(text) for text in texts] == [None, None]

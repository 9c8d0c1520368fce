"""Sessions: found by a token, over when idle or old, ended by their user, gone with the user."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import audit
from core.clock import now
from core.people import sessions, two_factor, users
from core.people.sessions import CONFIRMED_FOR, SEEN_EVERY, device_of
from core.storage import execute
from tests.people import (
    OTHER_EMAIL,
    PHONE,
    assert_one_with_its_event,
    at_once,
    code_of,
    make_user,
    undone,
)

TICK = timedelta(microseconds=1)
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def ada(db):
    return make_user()[0]


@pytest.fixture
def bea(db):
    return make_user(OTHER_EMAIL)[0]


@pytest.fixture
def owner(db):
    return make_user("own@example.org", role="owner", app=True)[0]


def begun(user, **more):
    return sessions.start(user.id, **{"strong": False, "agent": PHONE, **more})


def test_a_token_finds_its_session(ada):
    """With the user, the device and what was proved."""
    token = begun(ada, strong=True)
    session = sessions.by_token(token)

    assert (session.user, session.device, session.strong) == (ada.id, "Firefox, Android", True)
    assert session.holders == (ada.id,)
    assert session.is_confirmed(now())


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "a" * 100_000])
def test_another_token_finds_none(ada, token):
    """Whatever a browser sends, nothing crashes."""
    begun(ada)

    assert sessions.by_token(token) is None


def test_only_the_token_s_hash_is_stored(ada):
    """Who reads the database is not signed in by it."""
    token = begun(ada)
    row = execute("SELECT * FROM people_session").fetchone()

    assert token not in repr(row)
    assert sessions.by_token(row[1]) is None
    assert PHONE not in repr(row)


def test_no_two_tokens_are_alike(ada):
    """256 random bits."""
    tokens = {begun(ada) for _ in range(20)}

    assert len(tokens) == 20
    assert min(map(len, tokens)) == 43


def over(clock, token, idle, longest):
    """Check that a session ends after `idle` without a visit, and after `longest` at all."""
    began = now()
    assert sessions.by_token(token) is not None
    while now() + idle - TICK < began + longest:
        clock.shift(idle - TICK)
        assert sessions.by_token(token) is not None
    clock.move_to(began + longest - TICK)
    assert sessions.by_token(token) is not None
    clock.shift(TICK)
    return sessions.by_token(token) is None


def test_a_reader_s_session_ends_after_60_days_without_a_visit(clock, ada):
    """One microsecond before it is open."""
    kept, lost = begun(ada), begun(ada)
    clock.shift(timedelta(days=60) - TICK)
    assert sessions.by_token(kept) is not None
    clock.shift(TICK)

    assert sessions.by_token(lost) is None
    assert sessions.by_token(kept) is not None
    assert [one.id for one in sessions.of_user(ada.id)] == [sessions.by_token(kept).id]


def test_a_reader_s_session_ends_after_400_days(clock, ada):
    """However often somebody visits."""
    assert over(clock, begun(ada), timedelta(days=60), timedelta(days=400))


def test_staff_are_signed_out_after_12_idle_hours(clock, owner):
    """Who may do more is signed out earlier."""
    token = begun(owner)
    clock.shift(timedelta(hours=12) - TICK)
    assert sessions.by_token(token) is not None
    clock.shift(timedelta(hours=12))

    assert sessions.by_token(token) is None


def test_staff_are_signed_out_after_7_days(clock, owner):
    """However often they visit."""
    assert over(clock, begun(owner), timedelta(hours=12), timedelta(days=7))


def test_who_becomes_staff_has_their_limits_at_once(clock, ada):
    """The limits are those of the role that the user has now."""
    token = begun(ada)
    clock.shift(timedelta(hours=13))
    users.set_role(ada, "author", actor="test")

    assert sessions.by_token(token) is None


def test_a_visit_is_noted_every_five_minutes(clock, ada):
    """Not with every page, for each note is a write."""
    token, began = begun(ada), now()
    clock.shift(SEEN_EVERY - TICK)
    assert sessions.by_token(token).seen == began
    clock.shift(TICK)

    assert sessions.by_token(token).seen == now()
    assert sessions.of_user(ada.id)[0].seen == now()


def test_a_step_up_counts_for_ten_minutes(clock, ada):
    """To the microsecond."""
    token = begun(ada)
    clock.shift(CONFIRMED_FOR - TICK)
    assert sessions.by_token(token).is_confirmed(now())
    clock.shift(TICK)

    assert timedelta(minutes=10) == CONFIRMED_FOR
    assert not sessions.by_token(token).is_confirmed(now())


def test_a_session_that_nobody_proved_is_not_confirmed(ada):
    """One that was brought by a picture, for example."""
    assert not sessions.by_token(begun(ada, proved=False)).is_confirmed(now())


def test_a_step_up_without_the_factor_that_the_user_has_does_not_count(ada):
    """A device that signed in before the app was added shows the app's code, too."""
    before = begun(ada)
    assert two_factor.enrol(ada, SEED, code_of(SEED))

    assert not sessions.by_token(before).is_confirmed(now())
    assert sessions.by_token(begun(ada, strong=True)).is_confirmed(now())


def test_a_step_up_gives_a_new_token_and_kills_the_old_one(clock, ada):
    """Whoever saw the old one has nothing of what was just proved."""
    old = begun(ada, proved=False)
    session = sessions.by_token(old)
    new = sessions.confirm(session, strong=True)

    assert sessions.by_token(old) is None
    assert sessions.by_token(new).id == session.id
    assert sessions.by_token(new).is_confirmed(now())
    assert sessions.by_token(new).strong


def test_a_step_up_takes_no_strength_away(ada):
    """Who showed a second factor has shown it."""
    session = sessions.by_token(begun(ada, strong=True))

    assert sessions.by_token(sessions.confirm(session, strong=False)).strong


def test_a_session_that_was_ended_is_not_brought_back_by_a_step_up(ada):
    """Another device ended it while this one typed."""
    session = sessions.by_token(begun(ada))
    sessions.end(session.id, ada.id, actor=ada.id)

    assert sessions.by_token(sessions.confirm(session, strong=True)) is None


def test_a_step_up_that_fails_leaves_the_old_token(ada):
    """Token and proof change together."""
    token = begun(ada)
    undone(lambda: sessions.confirm(sessions.by_token(token), strong=True))

    assert not sessions.by_token(token).strong


def test_a_session_ends_once(ada):
    """The next request finds nobody, whichever process it comes to."""
    token = begun(ada)
    id = sessions.by_token(token).id

    assert sessions.end(id, ada.id, actor=ada.id)
    assert sessions.by_token(token) is None
    assert not sessions.end(id, ada.id, actor=ada.id)


def test_nobody_ends_another_s_session(ada, bea):
    """The user is part of the question."""
    token = begun(ada)

    assert not sessions.end(sessions.by_token(token).id, bea.id, actor=bea.id)
    assert sessions.by_token(token) is not None


def test_after_a_restore_every_session_ends(ada, bea):
    """The restored rows may have been ended since."""
    tokens = [begun(ada), begun(ada), begun(bea)]

    assert sessions.end_everywhere(actor="cli") == 3
    assert [sessions.by_token(token) for token in tokens] == [None] * 3


def test_all_others_end_but_the_one_somebody_sits_at(ada, bea):
    """And nobody else's."""
    here, *others = (begun(ada) for _ in range(4))
    hers = begun(bea)
    ended = sessions.end_all(ada.id, actor=ada.id, but=sessions.by_token(here).id)

    assert ended == 3
    assert [sessions.by_token(token) for token in others] == [None] * 3
    assert sessions.by_token(here) is not None
    assert sessions.by_token(hers) is not None


def test_all_end_with_a_count_in_the_log(ada):
    """A second time there is nothing to end, and nothing to tell."""
    for _ in range(3):
        begun(ada)

    assert sessions.end_all(ada.id, actor="cli") == 3
    assert sessions.end_all(ada.id, actor="cli") == 0
    (event,) = audit.events(action="session.end_all")
    assert (event.actor, event.data) == ("cli", {"sessions": 3})


@pytest.mark.parametrize("act", [
    lambda user: users.set_state(user, "disabled", actor="test"),
    lambda user: users.erase(user, actor="test"),
])  # fmt: skip
def test_who_is_shut_out_or_erased_is_signed_in_nowhere(ada, act):
    """The user's state is looked at with each request."""
    token = begun(ada)
    act(ada)

    assert sessions.by_token(token) is None


def test_a_claim_shows_up_at_once(ada):
    """The user's own holder comes first, then the claimed ones, oldest first."""
    token = begun(ada)
    for holder in ("gst_b", "gst_a"):
        users.claim(ada.id, holder)

    assert sessions.by_token(token).holders == (ada.id, "gst_b", "gst_a")


def test_rights_need_a_second_factor_in_this_session(owner):
    """A password alone opens nothing of staff's."""
    weak, strong = begun(owner), begun(owner, strong=True)

    assert sessions.by_token(weak).permissions == frozenset()
    assert "people.manage" in sessions.by_token(strong).permissions


def test_a_session_knows_whether_its_user_is_protected(ada, owner):
    """By an app, or by a passkey (see test_passkeys)."""
    assert not sessions.by_token(begun(ada)).protected
    assert sessions.by_token(begun(owner)).protected


def test_devices_are_listed_by_their_last_visit(clock, ada):
    """What is over is not listed."""
    begun(ada, agent="")
    clock.shift(timedelta(days=59))
    first, second = begun(ada), begun(ada)
    clock.shift(timedelta(days=2))
    sessions.by_token(first)

    listed = [one.id for one in sessions.of_user(ada.id)]
    assert listed == [sessions.by_token(first).id, sessions.by_token(second).id]


def test_rows_of_sessions_that_are_over_go(clock, ada):
    """Those that may still come back stay."""
    begun(ada)
    clock.shift(timedelta(days=61))
    token = begun(ada)

    assert sessions.forget(now()) == 1
    assert sessions.by_token(token) is not None


@pytest.mark.parametrize(("action", "act"), [
    ("session.start", lambda user, token: begun(user)),
    ("session.confirm", lambda user, token:
        sessions.confirm(sessions.by_token(token), strong=True)),
    ("session.end", lambda user, token:
        sessions.end(sessions.by_token(token).id, user.id, actor=user.id)),
    ("session.end_all", lambda user, token: sessions.end_all(user.id, actor=user.id)),
])  # fmt: skip
def test_a_change_is_stored_with_its_event_or_not_at_all(monkeypatch, ada, action, act):
    """One transaction holds both."""
    token = begun(ada)

    assert_one_with_its_event(monkeypatch, action, lambda: act(ada, token))


def test_the_log_names_address_and_session_but_no_token(ada):
    """Who reads the log is not signed in by it."""
    token = begun(ada, address="203.0.113.9")
    (event,) = audit.events(action="session.start")

    assert (event.actor, event.address) == (ada.id, "203.0.113.9")
    assert event.subject == sessions.by_token(token).id
    assert token not in repr(event)


def test_of_step_ups_at_once_one_token_is_left(ada):
    """Two answers cannot both count."""
    session = sessions.by_token(begun(ada))
    tokens = at_once(lambda n: sessions.confirm(session, strong=True), 4)

    assert [sessions.by_token(token) is not None for token in tokens].count(True) == 1


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (PHONE, "Firefox, Android"),
        (f"(iPhone; CPU iPhone OS 18_0 like Mac OS X) {WEBKIT} Safari/604.1", "Safari, iPhone"),
        (f"(iPhone; CPU iPhone OS 18_0 like Mac OS X) {WEBKIT} CriOS/140 Safari/604.1",
         "Chrome, iPhone"),
        (f"(Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140 Safari/537.36 Edg/140",
         "Edge, Windows"),
        (f"(Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/140 Safari/537.36", "Chrome, Mac"),
        ("(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("curl/8.5.0", ""),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_device_is_named_by_a_few_words(agent, words):
    """They are ours: nothing of the User-Agent itself is kept."""
    assert device_of(agent) == words

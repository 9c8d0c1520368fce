"""Passkeys: made and shown by an authenticator in memory, believed for this site only."""

from __future__ import annotations

import copy
import json
from datetime import timedelta

import pytest

from core.clock import now
from core.errors import BadInput, Refused
from core.people import passkeys, sessions
from core.people.codes import LASTS
from core.people.passkeys import LONGEST_NAME, MOST, Place
from core.storage import execute
from tests.people import (
    HOST,
    OTHER_EMAIL,
    PLACE,
    UP,
    VERIFIED,
    Device,
    assert_one_with_its_event,
    at_once,
    decoded,
    encoded,
    make_user,
)


@pytest.fixture
def ada(db):
    return make_user()[0]


@pytest.fixture
def device():
    return Device()


def made(user, device, name="Phone"):
    """Let a device make a passkey for a user."""
    options = passkeys.options_to_make(user.id, user.email, PLACE)
    return passkeys.make(user.id, device.make(options), name, PLACE)


def shown(device, user_id="", place=PLACE):
    """Let a device show what it has."""
    options = passkeys.options_to_show(PLACE, user_id)
    return passkeys.show(device.show(options), place, user_id=user_id)


def test_a_passkey_that_was_made_signs_its_user_in(clock, ada, device):
    """Nothing else is asked for; the list says when it was used."""
    key = made(ada, device)
    clock.shift(timedelta(days=1))

    assert shown(device) == ada.id
    (listed,) = passkeys.of_user(ada.id)
    assert (listed.id, listed.name, listed.user) == (key.id, "Phone", ada.id)
    assert listed.used == now()
    assert listed.created == key.created < listed.used


def test_a_passkey_makes_its_user_protected(ada, device):
    """It is a second factor by itself."""
    token = sessions.start(ada.id, strong=False)
    made(ada, device)

    assert sessions.by_token(token).protected


def test_the_device_is_asked_to_unlock_and_to_keep(ada):
    """So that it is two factors in one, and needs no name typed."""
    options = passkeys.options_to_make(ada.id, "ada@example.org", PLACE)

    assert options["rp"] == {"id": HOST, "name": "Obolo"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["user"]["name"] == "ada@example.org"
    assert decoded(options["user"]["id"]) == ada.id.encode()
    assert passkeys.options_to_show(PLACE)["userVerification"] == "required"


def test_a_device_is_not_asked_for_a_second_one(ada, device):
    """What it has already is named."""
    key = made(ada, device)
    options = passkeys.options_to_make(ada.id, ada.email, PLACE)

    assert [one["id"] for one in options["excludeCredentials"]] == [key.id]


def test_only_a_user_s_own_are_asked_for_as_a_second_factor(ada, device):
    """Without a user the device offers all that it has, and nothing tells who has one."""
    key = made(ada, device)

    allowed = passkeys.options_to_show(PLACE, ada.id)["allowCredentials"]
    assert [one["id"] for one in allowed] == [key.id]
    assert not passkeys.options_to_show(PLACE).get("allowCredentials")


LIES = {
    "another origin": {"origin": "http://evil.example"},
    "https for http": {"origin": f"https://{HOST}"},
    "another port": {"origin": f"http://{HOST}:8000"},
    "another host": {"host": "evil.example"},
    "nobody unlocked it": {"flags": UP},
    "nobody was there": {"flags": VERIFIED},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_a_device_makes_for_another_place_is_refused(ada, lie):
    """Origin, host, presence and unlocking are all looked at."""
    with pytest.raises(Refused):
        made(ada, Device(**lie))

    assert passkeys.of_user(ada.id) == []


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_a_device_shows_for_another_place_is_refused(ada, device, lie):
    """A page that looks like ours gets nothing that counts here."""
    made(ada, device)
    for name, value in lie.items():
        setattr(device, name, value)

    with pytest.raises(Refused):
        shown(device)


def test_a_passkey_of_another_site_s_name_is_refused(ada, device):
    """Wherever this site thinks that it is, the answer must be for there."""
    made(ada, device)

    with pytest.raises(Refused):
        shown(device, place=Place("other.example", "https://other.example", "Other"))


def test_an_answer_counts_once(ada, device):
    """Whoever recorded it comes too late."""
    device.synced = True
    made(ada, device)
    answer = device.show(passkeys.options_to_show(PLACE))

    assert passkeys.show(answer, PLACE) == ada.id
    with pytest.raises(Refused):
        passkeys.show(answer, PLACE)


def test_an_answer_that_is_sent_at_once_counts_once(ada, device):
    """The challenge is used up by one conditional UPDATE."""
    device.synced = True
    made(ada, device)
    answer = device.show(passkeys.options_to_show(PLACE))
    answers = at_once(lambda n: passkeys.show(copy.deepcopy(answer), PLACE), 6)

    assert answers.count(ada.id) == 1
    assert sum(isinstance(one, Refused) for one in answers) == 5


def test_a_making_counts_once(ada, device):
    """The same answer makes no second one."""
    answer = device.make(passkeys.options_to_make(ada.id, "", PLACE))
    passkeys.make(ada.id, answer, "", PLACE)

    with pytest.raises(Refused):
        passkeys.make(ada.id, answer, "", PLACE)
    assert len(passkeys.of_user(ada.id)) == 1


def test_a_challenge_counts_for_fifteen_minutes(clock, ada, device):
    """For making and for showing."""
    made(ada, device)
    show, make = passkeys.options_to_show(PLACE), passkeys.options_to_make(ada.id, "", PLACE)
    clock.shift(LASTS)

    with pytest.raises(Refused):
        passkeys.show(device.show(show), PLACE)
    with pytest.raises(Refused):
        passkeys.make(ada.id, Device().make(make), "", PLACE)
    with pytest.raises(Refused):
        passkeys.user_asked(Device().make(make))


def test_a_challenge_that_nobody_asked_is_refused(ada, device):
    """Neither a made-up one nor one for something else."""
    made(ada, device)
    options = passkeys.options_to_show(PLACE)
    make = passkeys.options_to_make(ada.id, "", PLACE)

    for challenge in (encoded(b"made up"), make["challenge"]):
        with pytest.raises(Refused):
            passkeys.show(device.show(options | {"challenge": challenge}), PLACE)
    with pytest.raises(Refused):
        passkeys.make(ada.id, Device().make(make | {"challenge": options["challenge"]}), "", PLACE)


def test_a_counter_that_does_not_grow_tells_of_a_copy(ada, device):
    """The copy is refused; the real one, which has counted on, still works."""
    made(ada, device)
    twin = copy.deepcopy(device)
    shown(device)
    shown(device)

    with pytest.raises(Refused):
        shown(twin)
    assert shown(device) == ada.id


def test_a_key_that_counts_nothing_may_be_used_often(ada):
    """What is synchronised between devices stays at zero (WebAuthn level 3, 6.1.1)."""
    device = Device(synced=True)
    made(ada, device)

    assert [shown(device) for _ in range(3)] == [ada.id] * 3


def test_a_signature_of_another_key_is_refused(ada, device):
    """The id alone says nothing."""
    made(ada, device)
    forger = Device()
    forger.make(passkeys.options_to_make(ada.id, "", PLACE))
    (true_id,), (false_key,) = device.keys, forger.keys.values()
    forger.keys = {true_id: false_key}

    with pytest.raises(Refused):
        shown(forger)


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_an_answer_that_was_changed_is_refused(ada, device, part):
    """Every part is signed, or is the signature."""
    made(ada, device)
    answer = device.show(passkeys.options_to_show(PLACE))
    changed = bytearray(decoded(answer["response"][part]))
    changed[-2] ^= 1
    answer["response"][part] = encoded(bytes(changed))

    with pytest.raises((Refused, BadInput)):
        passkeys.show(answer, PLACE)


def test_nobody_makes_one_for_another_user(ada, device):
    """Who was asked must be who keeps it."""
    bea, _ = make_user(OTHER_EMAIL)
    answer = device.make(passkeys.options_to_make(ada.id, "", PLACE))

    assert passkeys.user_asked(answer) == ada.id
    with pytest.raises(Refused):
        passkeys.make(bea.id, answer, "", PLACE)
    assert passkeys.of_user(bea.id) == []


def test_another_user_s_passkey_is_no_second_factor(ada, device):
    """Neither with a challenge for oneself nor with one for the other."""
    bea, _ = make_user(OTHER_EMAIL)
    made(ada, device)
    hers = Device()
    made(bea, hers)

    with pytest.raises(Refused):
        passkeys.show(device.show(passkeys.options_to_show(PLACE)), PLACE, user_id=bea.id)
    (id,) = device.keys
    answer = device.show_key(id, passkeys.options_to_show(PLACE, bea.id))
    with pytest.raises(Refused):
        passkeys.show(answer, PLACE, user_id=bea.id)
    assert shown(hers, bea.id) == bea.id


def test_a_challenge_for_a_second_factor_signs_nobody_in(ada, device):
    """It was asked of one user, after their password."""
    made(ada, device)
    answer = device.show(passkeys.options_to_show(PLACE, ada.id))

    with pytest.raises(Refused):
        passkeys.show(answer, PLACE)


def test_a_passkey_belongs_to_one_user(ada, device):
    """A device that makes the same id again is refused."""
    bea, _ = make_user(OTHER_EMAIL)
    key = made(ada, device)
    execute("UPDATE people_passkey SET user_id = ?", [bea.id])
    again = device.make(passkeys.options_to_make(ada.id, "", PLACE))
    execute("UPDATE people_passkey SET id = ?", [again["id"]])

    assert key.id != again["id"]
    with pytest.raises(Refused, match="known already"):
        passkeys.make(ada.id, again, "", PLACE)


def test_twenty_passkeys_are_the_most(monkeypatch, ada, device):
    """A list that nobody reads protects nobody."""
    assert MOST == 20
    monkeypatch.setattr(passkeys, "MOST", 2)
    made(ada, device)
    made(ada, device)

    with pytest.raises(Refused):
        made(ada, device)
    assert len(passkeys.of_user(ada.id)) == 2


@pytest.mark.parametrize(("given", "name"), [
    (" Ada's \n phone ", "Ada's phone"), ("", "Passkey"), ("x" * 100, "x" * LONGEST_NAME),
])  # fmt: skip
def test_its_name_in_the_list_is_its_user_s(ada, device, given, name):
    """Sealed, on one line, not too long."""
    key = made(ada, device, given)

    assert key.name == passkeys.of_user(ada.id)[0].name == name
    assert name.encode() not in bytes(execute("SELECT name FROM people_passkey").fetchone()[0])


def test_one_s_own_passkey_can_be_removed(ada, device):
    """Nobody else's; it signs nobody in after that."""
    bea, _ = make_user(OTHER_EMAIL)
    key = made(ada, device)

    assert not passkeys.remove(bea, key.id, actor=bea.id)
    assert shown(device) == ada.id
    assert passkeys.remove(ada, key.id, actor=ada.id)
    assert not passkeys.remove(ada, key.id, actor=ada.id)
    with pytest.raises(Refused):
        shown(device)


@pytest.mark.parametrize(("action", "act"), [
    ("user.passkey_on", lambda user, key, answer: passkeys.make(user.id, answer(), "", PLACE)),
    ("user.passkey_off", lambda user, key, answer: passkeys.remove(user, key.id, actor=user.id)),
])  # fmt: skip
def test_a_change_is_stored_with_its_event_or_not_at_all(monkeypatch, ada, device, action, act):
    """One transaction holds both; a challenge that was answered is used up all the same."""
    key = made(ada, device)
    options = [passkeys.options_to_make(ada.id, "", PLACE) for _ in range(2)]
    answers = iter([Device().make(one) for one in options])
    monkeypatch.setattr("tests.people.TABLES", ("user", "passkey"))

    assert_one_with_its_event(monkeypatch, action, lambda: act(ada, key, lambda: next(answers)))


def broken(answer):
    """Return what a browser of ours never sends."""
    response = answer["response"]
    data = json.loads(decoded(response["clientDataJSON"]))

    def asked(value):
        return answer | {"response": response | {"clientDataJSON": encoded(value)}}

    yield from ({}, {"response": None}, {"response": []}, {"response": "x"})
    for wrong in (None, 7, [], {}, "é", "%%%", ""):
        yield answer | {"response": response | {"clientDataJSON": wrong}}
    yield from (asked(b""), asked(b"\xff"), asked(b"[]"), asked(b"null"), asked(b"{}"))
    for wrong in (None, 7, [], "é", encoded(b"\xff\xfe")):
        yield asked(json.dumps(data | {"challenge": wrong}).encode())
    for name in response:
        if name not in ("clientDataJSON", "transports", "userHandle"):
            for wrong in (None, 7, [], "é", "%%%", "", encoded(b"\xff" * 7), encoded(bytes(40))):
                yield answer | {"response": response | {name: wrong}}
    for name in ("id", "rawId", "type"):
        for wrong in (None, 7, [], "", "é", "x" * 5000):
            yield answer | {name: wrong}


def crashes(use, answer):
    """Return what broke instead of being refused; the challenge is open again each time."""
    found = []
    for wrong in broken(answer):
        execute("UPDATE people_code SET used = NULL")
        try:
            use(copy.deepcopy(wrong))
        except (Refused, BadInput):
            continue
        except Exception as error:  # noqa: BLE001 - that is the finding
            found.append((type(error).__name__, str(error), str(wrong)[:200]))
        else:
            found.append(("taken", "", str(wrong)[:200]))
    return found


def test_whatever_a_browser_shows_is_refused_and_nothing_crashes(ada, device):
    """Strangers can send anything to a door."""
    made(ada, device)
    answer = device.show(passkeys.options_to_show(PLACE))

    assert crashes(lambda wrong: passkeys.show(wrong, PLACE), answer) == []
    execute("UPDATE people_code SET used = NULL")
    assert passkeys.show(answer, PLACE) == ada.id


def test_whatever_a_browser_makes_is_refused_and_nothing_crashes(ada, device):
    """Nothing of it is kept."""
    answer = device.make(passkeys.options_to_make(ada.id, "", PLACE))

    assert crashes(lambda wrong: passkeys.make(ada.id, wrong, "", PLACE), answer) == []
    assert passkeys.of_user(ada.id) == []
    execute("UPDATE people_code SET used = NULL")
    assert passkeys.make(ada.id, answer, "", PLACE).user == ada.id

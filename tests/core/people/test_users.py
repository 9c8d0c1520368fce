"""Users: one for an address, sealed, with a role; claims for ever; always an owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from peewee import IntegrityError

from core import audit
from core.errors import BadInput, NotFound
from core.people import users
from core.people.users import LONGEST_NAME, clean_email, clean_name
from core.storage import Unreadable, execute, shred
from tests.people import (
    EMAIL,
    OTHER_EMAIL,
    assert_one_with_its_event,
    at_once,
    kept,
    make_user,
    slowed,
    undone,
)


@pytest.fixture
def ada(db):
    return make_user(name="Ada Lovelace", password="seven violet umbrellas")[0]


@pytest.fixture
def owner(db):
    return make_user("own@example.org", role="owner")[0]


def test_a_user_is_found_again(ada):
    """With everything that was said of them."""
    assert users.find(ada.id) == ada
    assert (ada.email, ada.name, ada.role, ada.language) == (EMAIL, "Ada Lovelace", "reader", "en")
    assert ada.active
    assert ada.receipts
    assert not ada.staff
    assert ada.id.startswith("usr_")


def test_whom_nobody_made_is_not_found(db):
    """Neither by id nor by address."""
    with pytest.raises(NotFound):
        users.find("usr_nobody")
    assert users.by_email(EMAIL) is None


def test_staff_are_called_by_their_name_or_else_their_address(ada):
    """Who has neither, or is nobody, is called nothing."""
    plain = users.create(email="plain@example.org")

    assert users.name_of(ada.id) == ada.name
    assert users.name_of(plain.id) == "plain@example.org"
    assert users.name_of("usr_nobody") == users.name_of("") == ""


@pytest.mark.parametrize(
    "written", [EMAIL, "ADA@Example.ORG", " ada@example.org ", "\uff41da@example.org"]
)
def test_an_address_is_the_same_however_it_is_written(ada, written):
    """Case, blanks and wide letters make no second user."""
    assert users.by_email(written).id == ada.id
    with pytest.raises(IntegrityError):
        users.create(email=written)


def test_an_address_belongs_to_one_user_also_when_two_come_at_once(db):
    """The unique index decides."""
    made = at_once(lambda n: users.create(email=EMAIL).id, 6)

    assert len([one for one in made if isinstance(one, str)]) == 1
    assert len([one for one in made if isinstance(one, IntegrityError)]) == 5
    assert len(audit.events(action="user.create")) == 1


def test_a_password_is_found_without_opening_anything(ada, monkeypatch):
    """So that the time tells nobody who has a user here."""
    bea, _ = make_user(OTHER_EMAIL)
    monkeypatch.setattr(users.vault, "unseal", lambda *_words, **_more: 1 / 0)

    assert users.password_of("ADA@example.org") == (ada.id, ada.password)
    assert users.password_of(OTHER_EMAIL) == (bea.id, None)
    assert users.password_of("nobody@example.org") is None


def test_any_number_of_users_have_no_address(db):
    """A passkey needs none."""
    first, second = users.create(), users.create()

    assert first.id != second.id
    assert (first.email, first.name, first.password) == ("", "", None)


def test_name_and_address_are_sealed(ada):
    """Nothing of a person can be read in the row."""
    row = repr(execute("SELECT * FROM people_user").fetchone())

    assert "example.org" not in row
    assert "Lovelace" not in row


def test_a_cell_opens_only_where_it_was_sealed(ada):
    """An address that is copied into another user's row is unreadable there."""
    other, _ = make_user(OTHER_EMAIL)
    cell = execute("SELECT email FROM people_user WHERE id = ?", [ada.id]).fetchone()[0]
    execute("UPDATE people_user SET email = ? WHERE id = ?", [cell, other.id])

    with pytest.raises(Unreadable):
        users.find(other.id)


@pytest.mark.parametrize(("typed", "kept_as"), [
    (" ada@example.org\n", "ada@example.org"),
    ("Ada.Lovelace+news@Example.ORG", "Ada.Lovelace+news@example.org"),
    ("ada@b\u00fccher.example.com", "ada@b\u00fccher.example.com"),
])  # fmt: skip
def test_an_address_is_kept_as_it_is_written_to(typed, kept_as):
    """The host is folded, the part before it is its owner's."""
    assert clean_email(typed) == kept_as


@pytest.mark.parametrize("typed", [
    "", "ada", "ada@", "@example.org", "ada@example", "ada@@example.org", "a b@example.org",
    "ada@example.org,bea@example.org", "ada@example.org\nBcc: bea@example.org", "ada@[127.0.0.1]",
    "x" * 250 + "@example.org", "Ada <ada@example.org>",
])  # fmt: skip
def test_what_is_no_address_is_refused(typed):
    """Nothing that could reach somebody else, and nobody's network is asked."""
    with pytest.raises(BadInput):
        clean_email(typed)


def test_a_name_stands_on_one_line():
    """Blanks are joined."""
    assert clean_name("  Ada \n Lovelace ") == "Ada Lovelace"
    assert len(clean_name("x" * LONGEST_NAME)) == LONGEST_NAME


@pytest.mark.parametrize("name", ["x" * (LONGEST_NAME + 1), "Ada\x00", "Ada\u202egnp.exe"])
def test_a_name_that_cannot_be_shown_is_refused(name):
    """Nor one that turns the text around it."""
    with pytest.raises(BadInput):
        clean_name(name)


def test_a_changed_address_is_the_only_one(ada):
    """The old one is free for somebody else."""
    users.set_email(ada, "ada@new.example.org", actor=ada.id)

    assert users.by_email(EMAIL) is None
    assert users.by_email("ada@new.example.org").email == "ada@new.example.org"
    users.create(email=EMAIL)


def test_an_address_of_another_user_cannot_be_taken(ada):
    """Nothing is changed then."""
    make_user(OTHER_EMAIL)
    with pytest.raises(IntegrityError):
        users.set_email(ada, OTHER_EMAIL, actor=ada.id)

    assert users.find(ada.id).email == EMAIL


def test_a_name_can_be_given_and_taken(ada):
    """An empty one is none."""
    users.set_name(ada, "Countess")
    assert users.find(ada.id).name == "Countess"
    users.set_name(ada, "")

    assert users.find(ada.id).name == ""
    assert execute("SELECT name FROM people_user").fetchone()[0] is None


def test_language_and_receipts_are_the_user_s(ada):
    """Both are kept."""
    users.set_messages(ada, "it", receipts=False)

    assert (users.find(ada.id).language, users.find(ada.id).receipts) == ("it", False)


def test_a_rehash_never_overwrites_a_newer_password(ada):
    """Somebody changed it while the old one was checked."""
    users.set_password(ada, "a newer hash", actor=ada.id)
    users.rehash_password(ada, "the old password, hashed anew")
    assert users.find(ada.id).password == "a newer hash"
    users.rehash_password(users.find(ada.id), "the same, hashed anew")

    assert users.find(ada.id).password == "the same, hashed anew"


def test_users_are_listed_newest_first_without_the_erased(clock, db):
    """Staff can be asked for alone."""
    made = []
    for email, role in ((EMAIL, "reader"), (OTHER_EMAIL, "editor"), ("c@example.org", "owner")):
        made.append(make_user(email, role=role)[0])
        clock.shift(timedelta(seconds=1))
    users.erase(made[0], actor="test")

    assert [one.id for one in users.listed()] == [made[2].id, made[1].id]
    assert [one.role for one in users.listed(staff_only=True)] == ["owner", "editor"]
    assert [one.id for one in users.listed(limit=1)] == [made[2].id]


def test_there_is_an_owner_once_an_active_one_was_made(db):
    """One that is shut out does not count."""
    assert not users.has_owner()
    first, _ = make_user(EMAIL, role="owner")
    assert users.has_owner()
    execute("UPDATE people_user SET state = 'disabled' WHERE id = ?", [first.id])

    assert not users.has_owner()


LAST_OWNER = [
    lambda owner: users.set_role(owner, "editor", actor="test"),
    lambda owner: users.set_state(owner, "disabled", actor="test"),
    lambda owner: users.erase(owner, actor="test"),
]


@pytest.mark.parametrize("act", LAST_OWNER)
def test_the_last_owner_stays(owner, act):
    """Nobody could ever make another one."""
    make_user(role="editor")
    before = kept()

    with pytest.raises(BadInput, match="only owner"):
        act(owner)
    assert kept() == before


@pytest.mark.parametrize("act", LAST_OWNER)
def test_one_of_two_owners_may_go(owner, act):
    """The other one stays."""
    make_user(role="owner")
    act(owner)

    assert users.has_owner()
    assert users.find(owner.id).role != "owner" or not users.find(owner.id).active


@pytest.mark.parametrize("act", LAST_OWNER)
def test_an_owner_who_is_shut_out_is_no_other_owner(owner, act):
    """Who cannot sign in can help nobody."""
    other, _ = make_user(role="owner")
    users.set_state(other, "disabled", actor="test")

    with pytest.raises(BadInput):
        act(owner)


@pytest.mark.parametrize("act", LAST_OWNER)
def test_of_two_owners_who_go_at_once_one_stays(monkeypatch, db, act):
    """They wait for each other, however long one of them looks."""
    slowed(monkeypatch, users, "_refuse_last_owner")
    owners = [make_user(email, role="owner")[0] for email in (EMAIL, OTHER_EMAIL)]
    answers = at_once(lambda n: act(owners[n]), 2)

    assert [type(answer) for answer in answers].count(BadInput) == 1
    assert users.has_owner()


def test_there_is_no_other_role(ada):
    """A typing error gives no rights."""
    with pytest.raises(BadInput):
        users.set_role(ada, "admin", actor="test")

    assert users.find(ada.id).role == "reader"


def test_a_new_role_is_told_with_the_one_before(ada):
    """Who gave whom which rights can be read later."""
    users.set_role(ada, "editor", actor="usr_boss", address="203.0.113.9")
    (event,) = audit.events(action="user.role")

    assert users.find(ada.id).staff
    assert (event.actor, event.subject, event.address) == ("usr_boss", ada.id, "203.0.113.9")
    assert event.data == {"role": "editor", "before": "reader"}


def test_of_who_was_erased_only_a_number_stays(ada):
    """Neither name nor address nor anything to sign in with; the address is free."""
    users.erase(ada, actor=ada.id)
    gone = users.find(ada.id)

    assert (gone.email, gone.name, gone.password, gone.role) == ("", "", None, "reader")
    assert gone.state == "erased"
    assert not gone.active
    assert users.by_email(EMAIL) is None
    assert users.create(email=EMAIL).id != ada.id


def test_whose_key_is_destroyed_gets_nothing_sealed_any_more(ada):
    """A late change cannot bring an erased person back."""
    users.erase(ada, actor=ada.id)
    shred(f"person:{ada.id}")
    before = kept()

    with pytest.raises(Exception, match="erased"):
        users.set_name(ada, "Ada")
    assert kept() == before


def test_a_claimed_holder_belongs_to_one_user_for_ever(ada):
    """Neither somebody else nor the same user claims it again."""
    other, _ = make_user(OTHER_EMAIL)

    assert users.claim(ada.id, "gst_1")
    assert not users.claim(other.id, "gst_1")
    assert not users.claim(ada.id, "gst_1")
    assert users.claimant("gst_1") == ada.id
    assert users.claimed_by(other.id) == []


def test_a_holder_stays_claimed_when_its_user_is_erased(ada):
    """Else the next who has the old cookie would get what was bought."""
    other, _ = make_user(OTHER_EMAIL)
    users.claim(ada.id, "gst_1")
    users.erase(ada, actor=ada.id)

    assert not users.claim(other.id, "gst_1")
    assert users.claimant("gst_1") == ada.id


def test_claims_are_listed_oldest_first(clock, ada):
    """Whoever was never claimed has no claimant."""
    for holder in ("gst_b", "gst_a", "gst_c"):
        users.claim(ada.id, holder)
        clock.shift(timedelta(seconds=1))

    assert users.claimed_by(ada.id) == ["gst_b", "gst_a", "gst_c"]
    assert users.holders_of(ada.id) == [ada.id, "gst_b", "gst_a", "gst_c"]
    assert users.holders_of("gst_a") == ["gst_a"]
    assert users.claimant("gst_other") is None


def test_of_users_who_claim_at_once_one_gets_it(db):
    """The holder is the key of its row."""
    claimants = [make_user(f"u{n}@example.org")[0].id for n in range(6)]
    answers = at_once(lambda n: users.claim(claimants[n], "gst_1"), 6)

    assert answers.count(True) == 1
    assert answers.count(False) == 5
    assert users.claimant("gst_1") == claimants[answers.index(True)]
    assert len(audit.events(action="user.claim")) == 1


CHANGES = [
    ("user.create", lambda user: users.create(email="new@example.org", name="Lovelace")),
    ("user.email", lambda user: users.set_email(user, OTHER_EMAIL, actor=user.id)),
    ("user.name", lambda user: users.set_name(user, "Countess")),
    ("user.passphrase_change", lambda user: users.set_password(user, "hash", actor=user.id)),
    ("user.role", lambda user: users.set_role(user, "editor", actor="test")),
    ("user.disabled", lambda user: users.set_state(user, "disabled", actor="test")),
    ("user.active", lambda user: users.set_state(user, "active", actor="test")),
    ("user.erase", lambda user: users.erase(user, actor=user.id)),
    ("user.claim", lambda user: users.claim(user.id, "gst_1")),
]


@pytest.mark.parametrize(("action", "act"), CHANGES)
def test_a_change_is_stored_with_its_event_or_not_at_all(monkeypatch, ada, action, act):
    """One transaction holds both."""
    before = audit.events(action=action)

    assert_one_with_its_event(monkeypatch, action, lambda: act(ada))
    assert len(audit.events(action=action)) == len(before) + 1


@pytest.mark.parametrize(("action", "act"), CHANGES)
def test_what_is_rolled_back_leaves_neither_change_nor_event(ada, action, act):
    """A caller's transaction holds both, too."""
    before = kept()
    undone(lambda: act(ada))

    assert kept() == before


def test_no_event_names_address_name_or_password(ada):
    """The log is kept for ever; a person is erased."""
    for _, act in CHANGES:
        act(users.find(ada.id))
    told = repr(audit.events())

    assert len(audit.events()) == len(CHANGES) + 1
    assert not [word for word in ("example.org", "Lovelace", "Countess", "hash") if word in told]

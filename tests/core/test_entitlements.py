"""Who may open what, until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import entitlements
from core.entitlements import grant, holds_any, of_holders, set_states

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("db")


def at(instant):
    return time_machine.travel(instant, tick=False)


def test_a_key_without_an_end_is_held_for_ever():
    """Nothing takes it away but an order's facts."""
    grant("ada", "ord_1", [(1, "post:hello", None)])

    assert holds_any(["ada"], ["post:hello"])
    with at(datetime(2999, 1, 1, tzinfo=UTC)):
        assert holds_any(["ada"], ["post:hello"])


def test_a_key_is_held_until_its_end_and_not_at_it():
    """The time runs from the granting on, to the microsecond."""
    with at(START):
        grant("ada", "ord_1", [(1, "pass", timedelta(days=30))])
    end = START + timedelta(days=30)

    with at(end - timedelta(microseconds=1)):
        assert holds_any(["ada"], ["pass"])
    with at(end):
        assert not holds_any(["ada"], ["pass"])


def test_one_of_the_keys_in_the_hand_of_one_of_the_holders_is_enough():
    """A gate names several keys, a reader has several holders."""
    grant("gst_ada", "ord_1", [(1, "post:hello", None)])

    assert holds_any(("usr_ada", "gst_ada"), frozenset({"pass", "post:hello"}))
    assert not holds_any(("usr_ada",), frozenset({"pass", "post:hello"}))
    assert not holds_any(("gst_ada",), frozenset({"pass"}))


@pytest.mark.parametrize(("holders", "keys"), [((), ("post:hello",)), (("ada",), ()), ((), ())])
def test_no_holder_and_no_key_open_nothing(holders, keys):
    """A guest who never bought has no holder; a gate may have no key yet."""
    grant("ada", "ord_1", [(1, "post:hello", None)])

    assert holds_any(holders, keys) is False


def test_the_empty_holder_and_likeness_open_nothing():
    """Holder and key are compared whole."""
    grant("ada", "ord_1", [(1, "post:hello", None)])

    assert not holds_any([""], ["post:hello"])
    assert not holds_any(["ad%"], ["post:%"])
    assert not holds_any(["ADA"], ["POST:HELLO"])


def test_granting_twice_changes_nothing():
    """The second granting neither adds a row nor moves the end, and nothing comes back by it."""
    with at(START):
        grant("ada", "ord_1", [(1, "pass", timedelta(days=1))])
    set_states("ord_1", {1: "revoked"})
    with at(START + timedelta(hours=12)):
        grant("ada", "ord_1", [(1, "pass", timedelta(days=1)), (2, "extra", None)])
    held = of_holders(["ada"])

    assert [one.key for one in held] == ["extra", "pass"]
    assert held[1].until == START + timedelta(days=1)
    assert held[1].state == "revoked"


@pytest.mark.parametrize(
    ("state", "open_after"), [("active", True), ("suspended", False), ("revoked", False)]
)
def test_only_what_is_active_opens(state, open_after):
    """Suspended and revoked keys are kept and open nothing."""
    grant("ada", "ord_1", [(1, "post:hello", None)])
    set_states("ord_1", {1: state})

    assert holds_any(["ada"], ["post:hello"]) is open_after
    assert of_holders(["ada"])[0].state == state


def test_a_state_belongs_to_one_line_of_one_order():
    """The same key from another line or order stays."""
    grant("ada", "ord_1", [(1, "a", None), (2, "b", None)])
    grant("ada", "ord_2", [(1, "a", None)])
    set_states("ord_1", {1: "revoked"})

    assert holds_any(["ada"], ["b"])
    assert holds_any(["ada"], ["a"])
    set_states("ord_2", {1: "suspended"})
    assert not holds_any(["ada"], ["a"])
    set_states("ord_2", {1: "active"})
    assert holds_any(["ada"], ["a"])


def test_all_that_was_ever_given_is_listed_newest_first():
    """With its order, line, state and time, for all holders at once."""
    with at(START):
        grant("gst_ada", "ord_1", [(2, "pass", timedelta(days=1))])
    with at(START + timedelta(days=3)):
        grant("usr_ada", "ord_2", [(1, "post", None)])
    grant("gst_eve", "ord_3", [(1, "post", None)])

    assert of_holders(("gst_ada", "usr_ada")) == [
        entitlements.Entitlement(
            "ord_2", 1, "post", "usr_ada", "active", START + timedelta(days=3), None
        ),
        entitlements.Entitlement(
            "ord_1", 2, "pass", "gst_ada", "active", START, START + timedelta(days=1)
        ),
    ]
    assert of_holders([]) == []


def test_nothing_to_grant_is_granted():
    """An order whose lines open nothing writes nothing."""
    grant("ada", "ord_1", [])

    assert of_holders(["ada"]) == []

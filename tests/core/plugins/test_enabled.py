"""Which plugins are on, in which order: rows that every process follows."""

from __future__ import annotations

import threading

import pytest

from core import audit, settings, storage
from core.errors import NotFound
from core.plugins import enabled
from core.plugins.enabled import LONGEST_DETAIL, LONGEST_REASON


@pytest.fixture(autouse=True)
def site(db):
    """A site whose configuration names three plugins."""
    enabled.begin_with(["a", "b", "a", "c"])


def states():
    return [(one.name, one.state) for one in enabled.entries()]


def test_a_site_begins_with_its_configuration_once():
    """Later the rows are what counts, whatever the configuration says then."""
    enabled.disable("b", actor="test")
    enabled.begin_with(["d"])

    assert states() == [("a", "enabled"), ("b", "off"), ("c", "enabled")]
    assert enabled.names("enabled", "paused") == ("a", "c")


def test_a_change_keeps_the_place_is_audited_and_told_to_all():
    """What was never on is asked last; what was on before stands where it stood."""
    before = settings.generation("plugins")
    enabled.disable("a", actor="usr_1")
    enabled.enable("a", actor="usr_1")
    enabled.enable("d", actor="usr_1")
    event = audit.events(limit=1)[0]

    assert enabled.names("enabled") == ("a", "b", "c", "d")
    assert settings.generation("plugins") == before + 3
    assert (event.action, event.actor, event.subject) == ("plugins.enable", "usr_1", "d")


def test_only_what_is_on_is_paused():
    """A pause says why; switching on, or off, forgets that."""
    assert enabled.pause("a", "r" * 900, "d" * 9_000)
    assert not enabled.pause("a", "again")
    paused = enabled.entry("a")
    enabled.disable("b", actor="test")
    assert not enabled.pause("b", "late")
    assert not enabled.pause("nobody", "why")
    enabled.enable("a", actor="test")

    assert (len(paused.reason), len(paused.detail)) == (LONGEST_REASON, LONGEST_DETAIL)
    assert states() == [("a", "enabled"), ("b", "off"), ("c", "enabled")]
    assert enabled.entry("a").reason == ""


def test_what_the_owner_switches_off_meanwhile_is_not_paused():
    """The breaker decides on what is stored when it is its turn."""
    begun, results = threading.Event(), []

    def pause():
        begun.set()
        results.append(enabled.pause("a", "it fails"))
        storage.close()

    with storage.transaction():
        enabled.disable("a", actor="test")
        thread = threading.Thread(target=pause)
        thread.start()
        begun.wait(5)
        thread.join(0.2)  # it waits for this transaction
        assert results == []
    thread.join(10)

    assert results == [False]
    assert enabled.entry("a").state == "off"


def test_the_order_is_the_owners():
    """Whoever is not named stays behind; a name that is not in the list changes nothing."""
    enabled.reorder(["c", "a"], actor="test")
    with pytest.raises(NotFound, match="nobody"):
        enabled.reorder(["nobody", "b"], actor="test")

    assert enabled.names("enabled") == ("c", "a", "b")


def test_what_is_forgotten_leaves_nothing():
    """Neither a row, nor what failed in it."""
    with storage.transaction():
        enabled.forget("b", actor="test", data="kept")

    assert enabled.names("enabled") == ("a", "c")
    assert enabled.entry("b") is None

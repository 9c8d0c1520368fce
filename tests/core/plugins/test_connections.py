"""Check connection: plugins look when they are asked to, and what goes wrong is a “no” in words."""

from __future__ import annotations

from threading import Event
from types import ModuleType

import pytest

from core import Health, Unavailable, hookimpl
from core.app import SEVERAL
from core.plugins import breaker, caller, connections
from core.plugins.connections import check, in_language, last


def raising(error):
    def check_health():
        raise error

    return check_health


@pytest.fixture
def able(db, monkeypatch):
    """Let plugins look by these functions, by name."""
    monkeypatch.setattr(caller, "several", dict(SEVERAL))

    def put(**looks):
        modules = [(name, ModuleType(name)) for name in looks]
        for name, module in modules:
            module.check_health = hookimpl(looks[name])
        caller.load(modules)

    yield put
    caller.load([])


def test_each_says_what_it_found_and_that_is_kept(able):
    """Several answers, in order, with values; the newest look is the one that is told."""
    able(
        bank=lambda: iter([Health("It answers."), Health("{n} days.", ok=False, values={"n": 3})]),
        quiet=lambda: None,
    )
    found = check(["bank", "quiet", "nobody"], actor="usr_1", address="192.0.2.1")
    at, kept = last("bank")

    assert {name: [str(one) for one in some] for name, some in found.items()} == {
        "bank": ["It answers.", "3 days."], "quiet": [],
    }  # fmt: skip
    assert [(str(one), one.ok) for one in kept] == [("It answers.", True), ("3 days.", False)]
    assert at is not None
    assert last("other") == (None, ())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unavailable("{host} is away.", host="bank"), "bank is away."),
        (ConnectionError("refused"), "ConnectionError: refused"),
        (AssertionError("never"), "AssertionError: never"),
    ],
)
def test_what_is_raised_is_a_no_that_counts_for_nothing(able, error, said, tmp_path):
    """A bank that is away is no reason to pause a plugin, however often somebody looks."""
    breaker.install(tmp_path)
    able(bank=raising(error))
    (health,) = check(["bank"], actor="cli")["bank"]

    assert (str(health), health.ok) == (said, False)
    assert breaker.noted() == []


def test_an_answer_that_does_not_come_holds_nobody_up(able, monkeypatch):
    """Plugins look at the same time: what one of them found is told all the same."""
    monkeypatch.setattr(connections, "SECONDS", 0.2)
    asked, end = Event(), Event()

    def never():
        asked.set()
        end.wait(30)

    able(slow=never, quick=lambda: [Health("Yes.")] if asked.wait(30) else [])
    found = check(["slow", "quick"], actor="cli")
    end.set()

    assert not found["slow"][0].ok
    assert str(found["slow"][0]).startswith("There was no answer within")


@pytest.mark.parametrize("answer", [["fine"], [Health("{x}", values={"y": 1})], 7])
def test_an_answer_of_another_kind_is_a_no(able, answer):
    """The owner reads what is wrong with it."""
    able(odd=lambda: answer)
    (health,) = check(["odd"], actor="cli")["odd"]

    assert not health.ok
    assert "Error" in str(health)


def test_a_translation_that_does_not_fit_is_not_used():
    """Better English than a page that fails."""
    health = Health("{n} days", values={"n": 3})

    assert in_language(health, lambda words: "{n} giorni") == "3 giorni"
    assert in_language(health, lambda words: "{giorni}") == "3 days"

"""The contract of what settles at once: a purse keeps it, and each broken one is caught."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.ledger import Leg, post
from core.money import Money
from core.payments import Settled
from core.plugins import catalogue
from core.storage import new_id, transaction
from core.testing.provider_instant import Instant, InstantContract
from tests.stand_in import Instant as Purse
from tests.stand_in import plugged

CAUGHT = (AssertionError, pytest.fail.Exception)


def fill(holder: str, amount: Money) -> None:
    """Let somebody have money in the purse."""
    with transaction():
        legs = [Leg("assets:bank", amount), Leg(f"liabilities:purse:{holder}", -amount)]
        post(new_id("fill"), legs, reason="fill")


def of(purse: Any) -> Instant:
    return Instant(purse, "EUR", fill)


class TestPurse(InstantContract):
    """A balance that is bounded by the ledger."""

    @pytest.fixture
    def instant(self, db: str) -> Iterator[Instant]:
        purse = Purse()
        with plugged(purse):
            yield of(purse)


class Unbounded(Purse):
    """Takes from an account that nothing bounds."""

    def till(self, holder: str, currency: str) -> str:
        return "assets:purse"


class Forgetful(Purse):
    """Names its charge anew at each call."""

    def begin(self, intent: Any, key: str) -> Any:
        step = super().begin(intent, key)
        assert isinstance(step, Settled)
        (charge,) = step.facts.movements
        charge = replace(charge, id=new_id("ch"))
        return Settled(replace(step.facts, movements=(charge,)))


class Chatty(Purse):
    """Asks somebody outside, while the shop waits."""

    def begin(self, intent: Any, key: str) -> Any:
        with socket.socket() as there:
            there.connect(("127.0.0.1", 9))
        return super().begin(intent, key)


class Generous(Purse):
    """Says that it takes something."""

    def begin(self, intent: Any, key: str) -> Any:
        step = super().begin(intent, key)
        assert isinstance(step, Settled)
        (charge,) = step.facts.movements
        return Settled(replace(step.facts, movements=(replace(charge, minor=1),)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("broken", "rule"), [
    (Unbounded, "test_a_bound_that_refuses_leaves_nothing"),
    (Forgetful, "test_the_same_key_is_one_charge"),
    (Chatty, "test_nothing_is_asked_outside"),
    (Generous, "test_it_settles_at_once_what_was_asked"),
])  # fmt: skip
def test_a_purse_that_breaks_a_rule_is_caught_by_it(db, monkeypatch, broken, rule):
    """One mistake each."""
    more = (monkeypatch,) if rule == "test_nothing_is_asked_outside" else ()
    with plugged(broken()), pytest.raises(CAUGHT):
        getattr(InstantContract(), rule)(of(catalogue.providers["purse"]), *more)

"""A method that was taken away is forgotten by its provider too, however long that takes."""

from __future__ import annotations

import pytest

from core import audit, checkout
from core.doors import leaving
from core.payments import Forget, ProviderRefused, ProviderUnknown, methods
from core.plugins import catalogue
from core.storage import execute, transaction, vault
from tests.core.checkout.test_charging import kept
from tests.stand_in import READER, StandIn, plugged

HOLDER = READER.holder


@pytest.fixture
def keeper(db):
    stand_in = StandIn(can=frozenset({"save", "refund"}))
    with plugged(stand_in):
        yield stand_in


def taken_away(keeper):
    (method,) = kept(keeper)
    with transaction():
        assert methods.remove(method.id, READER.holders)
    return method


def forgotten(keeper):
    return [(about.saved, key) for _, about, key in keeper.asked if isinstance(about, Forget)]


def test_a_provider_is_asked_until_it_says_what_became_of_it(keeper):
    """Always by the same key; once it is known nothing of the method is left, and it is audited."""
    method = taken_away(keeper)
    keeper.error = ProviderUnknown("silence")
    waits = [checkout.forget_methods()]
    keeper.error = None
    with plugged():
        waits.append(checkout.forget_methods())  # its plugin is off
    catalogue.providers[keeper.name] = keeper
    waits += [checkout.forget_methods(), checkout.forget_methods()]
    (event,) = audit.events(action="method.forget")

    assert waits == [1, 1, 0, 0]
    assert forgotten(keeper) == [("pm_secret", f"{method.id}:forget")] * 2
    assert (event.subject, event.actor, event.data["done"]) == (method.id, keeper.name, True)
    assert execute("SELECT COUNT(*) FROM payments_method").fetchone()[0] == 0


def test_a_refusal_is_an_answer(keeper):
    """It is not asked again, and the audit log says so."""
    taken_away(keeper)
    keeper.error = ProviderRefused("No such method.")

    assert checkout.forget_methods() == 0
    assert audit.events(action="method.forget")[0].data["done"] is False


def test_who_is_erased_leaves_a_word_for_the_provider_and_nothing_else(keeper):
    """Their key is destroyed; what the provider must hear is sealed by the shop's."""
    (method,) = kept(keeper)
    with transaction():
        leaving._destroy([HOLDER])
    row = execute("SELECT holder, label FROM payments_method").fetchone()

    assert methods.of_holders([HOLDER]) == []
    assert row[0] == methods.NOBODY
    assert vault.unseal(row[1], table="payments_method", column="label", row=method.id) == ""
    assert checkout.forget_methods() == 0
    assert forgotten(keeper) == [("pm_secret", f"{method.id}:forget")]

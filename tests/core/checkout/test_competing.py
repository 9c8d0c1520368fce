"""Several tries to pay one order: none can be paid beside the one that goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import checkout
from core.checkout.competing import let_others_go, refuse_under_way
from core.errors import Conflict
from core.payments import Facts, ProviderUnknown, State, records
from core.storage import transaction
from tests.stand_in import begun, charge, paid


@pytest.mark.parametrize("state", [State.BANK, State.READY])
def test_nobody_pays_beside_what_the_bank_decides(provider, state):
    """Neither by hand nor by a kept method."""
    payment = begun(provider)
    payment = checkout.settle(provider, payment.id, Facts(payment.ref, state))

    with pytest.raises(Conflict):
        refuse_under_way([payment])


def by_kept_method(provider):
    """Return a page that waits for the reader, and a charge that begins beside it."""
    first = begun(provider)
    second = replace(first, id="pay_second", ref=None, method="met_1", facts=Facts(""))
    with transaction():
        records.store(second)
    return first, second


def test_a_page_that_waits_is_let_go_before_a_kept_method_is_charged(provider):
    """So that the reader cannot pay there a second time."""
    first, second = by_kept_method(provider)
    let_others_go(second, [first])

    assert records.find(first.id).facts.state is State.CANCELLED
    provider.facts[second.id] = Facts("x", State.CANCELLED, reference=second.id)


def test_what_was_paid_meanwhile_stands(provider):
    """The charge is never made."""
    first, second = by_kept_method(provider)
    provider.facts[first.id] = paid(first, charge("ch", 20))

    with pytest.raises(Conflict):
        let_others_go(second, [first])


def test_without_an_answer_nothing_new_begins(provider):
    """Not known is not cancelled."""
    first, second = by_kept_method(provider)
    provider.error = ProviderUnknown("time-out")
    with pytest.raises(Conflict):
        let_others_go(second, [first])
    provider.error = None

    assert records.find(first.id).facts.state is State.NEW

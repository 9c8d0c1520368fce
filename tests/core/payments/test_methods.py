"""A kept method is sealed, is its holder's alone, and can be forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import NotFound
from core.payments import methods
from core.storage import execute, transaction
from tests.stand_in import begun

HOLDER, OTHER = "gst_reader", "gst_other"


def keep(payment, holder=HOLDER, token="pm_secret"):
    with transaction():
        return methods.keep(payment, holder, token, "Visa 4242")


def test_a_method_is_kept_once_for_the_payment_that_brought_it(provider):
    """Its token and its label lie sealed in the database."""
    payment = begun(provider)
    kept = [keep(payment), keep(payment, token="pm_other")]
    (method,) = methods.of_holders([HOLDER, OTHER])
    cells = execute("SELECT token, label FROM payments_method").fetchone()

    assert kept == [True, False]
    assert (method.label, method.provider, method.payment) == ("Visa 4242", "standin", payment.id)
    assert methods.token(method.id) == "pm_secret"
    assert methods.find(method.id) == replace(method)
    assert not any(word in bytes(cell) for cell in cells for word in (b"secret", b"4242"))


def test_only_its_holder_takes_it_away_and_then_nobody_can_charge_it(provider):
    """What is gone has no token any more."""
    keep(begun(provider))
    (method,) = methods.of_holders([HOLDER])
    with transaction():
        gone = [methods.remove(method.id, [OTHER]), methods.remove(method.id, [HOLDER])]

    assert gone == [False, True]
    assert methods.of_holders([HOLDER]) == methods.of_holders([]) == []
    for ask in (methods.find, methods.token):
        with pytest.raises(NotFound):
            ask(method.id)


def test_a_holder_that_is_erased_keeps_nothing(provider):
    """Others keep theirs."""
    keep(begun(provider))
    with transaction():
        methods.forget(OTHER)
    still = methods.of_holders([HOLDER])
    with transaction():
        methods.forget(HOLDER)

    assert len(still) == 1
    assert methods.of_holders([HOLDER]) == []

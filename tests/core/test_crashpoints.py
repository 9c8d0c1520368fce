"""Named places where a process may die, passed by on a site and known to the kill proof."""

from __future__ import annotations

import re

import pytest

from core import checkout, crashpoints, orders
from core.crashpoints import crashpoint
from core.payments import records
from tests.conftest import ROOT
from tests.stand_in import READER, StandIn, charge, paid, plugged, post_line


def test_on_a_site_nothing_happens():
    """Passing by says nothing and changes nothing."""
    assert crashpoint("anywhere") is None


def test_a_proof_is_told_where_the_process_is(monkeypatch):
    """It may raise or end the process there."""
    seen = []
    monkeypatch.setattr(crashpoints, "arrive", seen.append)
    crashpoint("here")

    assert seen == ["here"]


def test_no_two_places_have_one_name():
    """A name repeats a crash at exactly one place."""
    code = "".join(path.read_text() for path in (ROOT / "core").rglob("*.py"))
    names = re.findall(r'crashpoint\("([a-z-]+)"\)', code)

    assert len(names) == len(set(names)) > 5


def test_the_places_of_a_sale_come_in_order(db, monkeypatch):
    """The intent is stored before the provider is called, and a settling is one commit."""
    seen = []
    monkeypatch.setattr(crashpoints, "arrive", seen.append)
    provider = StandIn()
    with plugged(provider):
        order = checkout.start_order(READER, [post_line()])
        checkout.pay(order.id, "standin", READER, "")
        payment = checkout.refresh(provider.asked[0][1].payment)
        checkout.settle(provider, payment.id, paid(payment, charge("ch", 20)))

    settled = ["settle-joined", "settle-booked", "settle-saved", "settle-committed"]
    assert seen == ["intent-stored", "provider-begun", "ref-stored", *settled, *settled]


@pytest.mark.parametrize("place", ["settle-joined", "settle-booked", "settle-saved"])
def test_whoever_dies_while_settling_settles_again_afterwards(db, monkeypatch, place):
    """Nothing of the first try is left, and the second one does all of it."""
    provider = StandIn()
    with plugged(provider):
        order = checkout.start_order(READER, [post_line()])
        checkout.pay(order.id, "standin", READER, "")
        payment = provider.asked[0][1].payment
        provider.facts[payment] = paid(records.find(payment), charge("ch", 20))

        def die(name):
            if name == place:
                raise KeyboardInterrupt

        monkeypatch.setattr(crashpoints, "arrive", die)
        with pytest.raises(KeyboardInterrupt):
            checkout.refresh(payment)
        monkeypatch.setattr(crashpoints, "arrive", lambda name: None)
        assert orders.find(order.id).state == "open"
        checkout.refresh(payment)

        assert orders.find(order.id).state == "paid"

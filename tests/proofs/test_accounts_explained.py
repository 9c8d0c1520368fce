"""`obolo reconcile --provider` explains a day at Stripe and PayPal to the cent, or names why not.

The day has charges with their fees, refunds made here and there, disputes won and lost, a fee of no
charge, money that was changed into another currency, and a payout.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import time_machine
from click.testing import CliRunner

from core import checkout
from core.cli import commands
from core.ledger import balance
from core.payments import lines
from core.verify import verify
from tests.proofs.selling import SHOPS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("providers")]


@pytest.fixture(params=SHOPS)
def shop(request, make_site):
    with time_machine.travel(NOON, tick=True), SHOPS[request.param](make_site) as shop:
        yield shop


@pytest.fixture
def obolo(shop, db, tmp_path, monkeypatch):
    """Return what explains the day by the command; answers its exit code and what it printed."""
    monkeypatch.setenv("OBOLO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OBOLO_DATABASE", db)
    monkeypatch.setenv("OBOLO_PLUGINS", shop.name)

    def run():
        words = ["reconcile", "--provider", shop.name, "--day", f"{NOON:%Y-%m-%d}"]
        done = CliRunner().invoke(commands, words)
        return done.exit_code, done.output

    return run


def sold(shop, *steps):
    """Sell, and let things happen; the site hears of each, as it does."""
    sale = shop.sale()
    for step, more in [("pay", 0), *steps]:
        before = len(shop.events)
        shop.returns(sale)
        getattr(shop, f"_{step}")(sale, more)
        shop.returns(sale)
        for event in range(before, len(shop.events)):
            assert shop.hears(event) == 204
    shop.end(sale)
    for event in range(sale.first, len(shop.events)):
        shop.hears(event)
    checkout.refresh(sale.payment)
    return sale


def busy_day(shop):
    """Let a day go by at the provider; return the first sale, of which nothing was given back."""
    first = sold(shop)
    sold(shop, ("refund_here", 41), ("refund_there", 77))
    sold(shop, ("dispute", 99), ("lost", 0))
    sold(shop, ("dispute", 199), ("won", 0))
    shop.move()
    sold(shop)
    return first


def differences(text):
    return set(re.findall(r"^DIFFERS (\w+) +(-?[\d.]+ [A-Z]{3}) (\S+)$", text, re.MULTILINE))


def test_every_cent_of_a_day_is_explained(shop, obolo):
    """Nothing differs, the till has what the account has in each currency, and 0 is returned."""
    busy_day(shop)
    code, text = obolo()
    told = lines.between(shop.name, *lines.bounds(NOON.date()))

    assert (code, differences(text)) == (0, set()), text
    assert f"{shop.name} on 2026-11-20: 0 differences." in text
    assert {one.kind for one in told} >= {"charge", "refund", "dispute", "fee", "payout"}
    for currency in ("EUR", "USD"):
        rest = sum(one.minor - one.fee for one in told if one.currency == currency)
        assert balance(f"assets:{shop.name}", currency, "test").minor == rest
    assert balance("expenses:fees:" + shop.name, "EUR", "test").minor > 0
    assert balance("assets:bank", "EUR", "test").minor > 0
    assert verify() == []
    assert obolo()[0] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cent_a_missing_and_an_unknown_line_are_named(shop, obolo):
    """Each planted difference is named with what is not explained, and the command says 1."""
    first = busy_day(shop)
    planted = shop.plant(first)
    code, text = obolo()

    assert code == 1
    assert differences(text) == planted, text
    assert f"{len(planted)} differences." in text

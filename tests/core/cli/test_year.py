"""A year of sales for a demo site."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine

from core import config as configuration
from core import figures
from core.app import create_app
from core.cli import demo, year
from core.clock import now
from core.errors import Refused
from core.ledger import Leg, post
from core.money import Money
from core.people import users
from core.settings import save
from core.storage import execute, transaction
from core.verify import seal, verify

WANTED = 60


@pytest.fixture
def app(home, monkeypatch):
    monkeypatch.setenv("OBOLO_PLUGINS", "posts,paywall,tipjar,wallet,playmoney")
    built = create_app(configuration.load(home), immediate=True)
    with built.app_context():
        demo.load()
        yield built


def test_the_year_holds_in_every_invariant(app):
    """Books, orders and keys agree, as after real sales, and lie in the order of time."""
    sold = year.sell(WANTED, seed=3)
    entries = execute("SELECT at, id FROM ledger_entry ORDER BY id").fetchall()
    days = {at // figures.spans.DAY_MICROS for at, _ in entries}
    states = Counter(row[0] for row in execute("SELECT state FROM orders_order").fetchall())

    assert verify() == []
    assert sold.orders == WANTED
    assert states["paid"] == sold.paid
    assert sold.paid > 40
    assert [at for at, _ in entries] == sorted(at for at, _ in entries)
    assert len(days) > 20
    assert max(at for at, _ in entries) < figures.spans.starts(figures.last_days(1, now()).last + 1)
    assert abs(now() - year.clock.now()) < timedelta(seconds=5)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_has_all_that_an_owner_meets(app):
    """Refunds, disputes, money that is wrong, people who come back, views; no mail goes out."""
    sold = year.sell(WANTED * 3, seed=5)
    span = figures.last_days(366, now())
    disputes = "\n".join(
        row[0] for row in execute("SELECT facts FROM payments_payment").fetchall()
        if "dispute" in row[0]
    )  # fmt: skip

    assert sold.refunds > 0
    assert disputes.count('"kind":"dispute"') == 3
    assert '"status":"pending"' in disputes
    assert len(figures.unassigned("test")) == 3
    assert figures.buyers(span, mode="test").returning > 5
    assert users.by_email("ada@example.org")
    assert execute("SELECT COUNT(*) FROM mail_message").fetchone()[0] == 0
    for one in figures.sales(span, mode="test", currency="EUR"):
        assert one.teasers > one.panels > one.taps >= one.sold > 0
    with pytest.raises(Refused, match="has a past already"):
        year.sell(1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_same_seed_gives_the_same_year(app):
    """A second try would make the very same sales; another seed makes others."""
    years, span = [], figures.last_days(366, now())
    with time_machine.travel(now().replace(minute=30), tick=True):
        for seed in (7, 7, 8):
            with suppress(ZeroDivisionError), transaction():
                sold = year.sell(20, seed)
                years.append((sold, figures.takings(span, mode="test", currency="EUR")))
                raise ZeroDivisionError

    assert years[0] == years[1] != years[2]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_real_site_keeps_its_past(app):
    """Live money, and seals, stand against it; then nothing is written."""
    with transaction():
        post("x", [Leg("assets:bank", Money(5, "EUR")), Leg("income:a", Money(-5, "EUR"))],
             reason="charge", mode="test")  # fmt: skip
    save("site.name", "Mine", actor="test")
    seal(now() + timedelta(minutes=1))
    with pytest.raises(Refused, match="sealed already"):
        year.sell(1)
    with transaction():
        post("y", [Leg("assets:bank", Money(5, "EUR")), Leg("income:a", Money(-5, "EUR"))],
             reason="charge")  # fmt: skip
    with pytest.raises(Refused, match="live money"):
        year.sell(1)

    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_makes_the_site_too(obolo, home, monkeypatch):
    """One command from nothing to a site with a past."""
    monkeypatch.delenv("OBOLO_PLUGINS")
    for name in ("obolo.toml", "keys/session.key"):
        (home / name).unlink()
    done = obolo("demo", "--year", "--orders", "10")

    assert done.code == 0, done.text
    assert done.text.splitlines()[-1].startswith("10 orders by ")
    assert obolo("ledger", "verify").code == 0

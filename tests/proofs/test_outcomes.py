"""Whatever a provider answers, and whenever: settled within three looks, and never charged twice.

Twelve answers to each of four calls, with the bank as a process of its own. Its log is the judge.
`OBOLO_PROOF_FACTOR=21` makes it 2,016 cases.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import pytest

from core import checkout, limits
from core.access import Gate
from core.checkout import competing
from core.clock import now
from core.errors import Conflict, Refused
from core.hookspecs import hookimpl
from core.http import Response, request
from core.orders import Grant, Line, Offer
from core.payments import ProviderRefused, ProviderUnknown, records
from core.plugins import catalogue, loaded
from core.reconcile import reconcile
from core.storage import execute
from core.verify import verify
from plugins.playmoney import transports
from plugins.playmoney.provider import PlayMoney
from plugins.playmoney.transports import RemoteBank
from tests.conftest import browser_of
from tests.plugins.playmoney.bank_process import bank_process
from tests.stand_in import eur

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
PRICE, BACK = 300, 100
TIMEOUT_SECONDS = 0.2

SPOILED = {
    "time-out before it was done": ("timeout", False),
    "time-out after it was done": ("timeout", True),
    "reset": ("reset", True),
    "500 after it was done": ("error", True),
    "garbage": ("garbage", True),
}
"""What the bank itself can do to its answers: the way, and whether it did what it was asked."""
ANSWERS = [
    "ok", "declined", *SPOILED, "429", "wrong amount", "wrong currency", "twice", "other account",
]  # fmt: skip
UNCLEAR = {*SPOILED, "429"}
NO_ANSWERS = {
    "429": Response(429, {}, b'{"error": "too many", "message": "Come back later."}'),
    "500": Response(500, {}, b"Internal Server Error"),
}
"""What comes from before the bank, which was not reached."""
INSTEAD = {"wrong amount": {"minor": 299, "currency": "EUR"},
           "wrong currency": {"minor": 300, "currency": "USD"}}  # fmt: skip

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("outcomes")]


class Wire:
    """The way to the bank, on which some answers suffer that the bank itself would never give."""

    def __init__(self):
        self.answer = "ok"
        self.captures = None

    def __call__(self, method, url, **rest):
        """Send a request and return what comes back.

        With `captures` the bank takes the money when a payment begins, as from a card on file.
        """
        answer = self.answer
        if answer in NO_ANSWERS:
            self.answer = "ok"
            return NO_ANSWERS[answer]
        try:
            if answer == "twice":
                request(method, url, **rest)
            found = request(method, url, **rest)
        finally:
            if self.captures and url.endswith("/v1/payments"):
                self.captures(json.loads(rest["body"])["reference"])
        if answer == "other account":
            return replace(found, body=found.body.replace(b'"payee":"site"', b'"payee":"other"'))
        return found


class Weak(PlayMoney):
    """Weak twin: no answer is taken for a no."""

    def begin(self, intent, key):
        try:
            return super().begin(intent, key)
        except ProviderUnknown as error:
            raise ProviderRefused(str(error)) from error

    def act(self, payment, action, key):
        try:
            return super().act(payment, action, key)
        except ProviderUnknown as error:
            raise ProviderRefused(str(error)) from error


class World:
    """A site over HTTP, the bank in its own process, and readers who do what they see."""

    def __init__(self, app, bank):
        self.app, self.bank, self.wire = app, bank, Wire()
        self.remote = RemoteBank(bank.url, bank.secret, timeout=TIMEOUT_SECONDS)
        self.numbers, self.is_strong = itertools.count(), True
        catalogue.providers["playmoney"] = PlayMoney(lambda: self.remote)
        limits.set_key(bytes(32), factor=10_000)
        shop = ModuleType("shop")
        shop.guard = hookimpl(guard)
        loaded().add("shop", shop)

    def spoil(self, operation, answer):
        """Let the next answer to an operation be this one."""
        if answer in SPOILED:
            way, done = SPOILED[answer]
            self.bank.control("faults", operation=operation, way=way, done=done)
        else:
            self.wire.answer = answer

    def report(self, payment):
        """Return the bank's own word on a payment, nothing when it never heard of it."""
        status, found = self.bank.ask("GET", f"/v1/payments/{payment}?payee=site")
        return found if status == 200 else None

    def pay(self, payment, answer):
        """Let the person do at the bank what the answer is about."""
        if report := self.report(payment):
            how = "decline" if answer == "declined" else "pay"
            self.bank.control("pay", ref=report["ref"], how=how, **INSTEAD.get(answer, {}))

    def take_offer(self):
        """Let a new reader take the offer; return the browser, the order and where it is sent."""
        browser = browser_of(self.app)
        resource = f"post:{next(self.numbers)}"
        form = {"resource": resource, "offer": "paywall", "return_to": "/library/"}
        answer = browser.post("/checkout/offer", data=form)
        order = execute("SELECT id FROM orders_order ORDER BY id DESC LIMIT 1").fetchone()[0]
        return browser, order, answer.location

    def sees_that_it_is_safe(self, browser, order):
        """Look at the order while the bank does not answer: the page says what matters."""
        self.wire.answer = "500"
        page = browser.get(f"/checkout/{order}")
        self.wire.answer = "ok"

        assert page.status_code == 200
        assert b"not be charged twice" in page.data or b"Nothing was taken" in page.data

    def looks_three_times(self, *minutes):
        """Do what the task does after so many minutes, an order's time being sixty."""
        for later in minutes or (2, 15, 120):
            reconcile(now() + timedelta(minutes=later))

    def judged(self, order, *, payee="site"):
        """Compare the books with the bank's log; return what was charged and what went back."""
        payments = [payment.id for payment in records.of_order(order)]
        reports = [report for payment in payments if (report := self.report(payment))]
        charges = [report["charge"] for report in reports if (report["charge"] or {}).get("done")]
        returned = [one["minor"] for report in reports for one in report["refunds"]]
        right = [c for c in charges if (c["minor"], c["currency"]) == (PRICE, "EUR")]
        opened = bool(right) and payee == "site"
        states = [row[0] for row in execute(
            "SELECT state FROM entitlements_entitlement WHERE order_id = ?", [order]
        )]  # fmt: skip
        (state,) = execute("SELECT state FROM orders_order WHERE id = ?", [order]).fetchone()
        due = execute(
            "SELECT COUNT(*) FROM payments_payment WHERE order_id = ? AND next_look IS NOT NULL",
            [order],
        ).fetchone()[0]

        assert len(charges) <= 1, "charged twice"
        assert (
            self.booked(order)
            == Counter({"charge": len(charges) if payee == "site" else 0, "refund": len(returned)})
            - Counter()
        )
        assert (state, states) == (("paid", ["active"]) if opened else ("closed", []))
        assert due == 0, "still looked at"
        return len(charges), returned

    def booked(self, order):
        rows = execute(
            "SELECT reason FROM ledger_entry WHERE order_id = ? AND reason IN ('charge', 'refund')",
            [order],
        ).fetchall()
        return Counter(row[0] for row in rows)


def guard(resource):
    """Sell everything for three euros."""
    line = Line("Read this post", eur(PRICE), "income:posts", (Grant(resource),))
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))


@pytest.fixture(autouse=True, params=range(FACTOR))
def round_of(request):
    """Run every test of this file so many times."""


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    with bank_process(tmp_path_factory.mktemp("bank"), "--webhooks", "hold") as running:
        yield running


@pytest.fixture
def world(make_site, bank, monkeypatch):
    built = World(make_site(), bank)
    monkeypatch.setattr(transports, "http_request", built.wire)
    yield built
    assert verify() == []


def begun_badly(world, answer):
    """The money is taken within the call that begins; the reader does not wait and tries again."""
    world.wire.captures = lambda payment: world.pay(payment, answer)
    world.spoil("begin", answer)
    browser, order, where = world.take_offer()
    if where.endswith(f"/checkout/{order}"):
        if answer in UNCLEAR and world.is_strong:
            world.sees_that_it_is_safe(browser, order)
        browser.post(f"/checkout/{order}/pay", data={"provider": "playmoney"})
    world.looks_three_times()
    return order


def looked_up_badly(world, answer):
    """The reader pays, comes back, and the site asks the bank."""
    browser, order, _ = world.take_offer()
    world.pay(records.of_order(order)[0].id, answer)
    world.spoil("look_up", answer)
    page = browser.get(f"/checkout/{order}")
    if answer in UNCLEAR:
        assert b"not be charged twice" in page.data
    world.looks_three_times()
    return order


def refunded_badly(world, answer):
    """A part is given back; whoever is told that it was refused asks again, once."""
    browser, order, _ = world.take_offer()
    payment = records.of_order(order)[0].id
    world.pay(payment, "" if answer == "declined" else answer)
    browser.get(f"/checkout/{order}")
    if answer == "declined":
        sent = {"payee": "site", "key": f"{payment}:other", "minor": PRICE, "currency": "EUR"}
        world.bank.ask("POST", f"/v1/payments/{payment}/refund", sent)
    world.spoil("refund", answer)
    for _ in range(2):
        try:
            checkout.refund(order, {1: BACK}, actor="cli", reason="asked")
        except Conflict:
            assert answer in INSTEAD  # what was never paid is not refunded
        except Refused:
            continue
        break
    world.looks_three_times()
    return order


def cancelled_badly(world, answer):
    """The reader leaves; the order's time is over; then the reader comes back and tries to pay."""
    _, order, _ = world.take_offer()
    payment = records.of_order(order)[0].id
    if answer in INSTEAD or answer == "declined":
        world.pay(payment, answer)
    world.spoil("cancel", answer)
    world.looks_three_times(61, 120, 2000)
    world.pay(payment, "ok")
    world.looks_three_times()
    return order


CALLS = {
    "begin": begun_badly,
    "look_up": looked_up_badly,
    "refund": refunded_badly,
    "cancel": cancelled_badly,
}


@pytest.mark.parametrize("call", CALLS)
def test_every_answer_to_every_call_is_settled_and_nobody_pays_twice(world, subtests, call):
    """Three looks later the books say what the bank's log says."""
    for answer in ANSWERS:
        with subtests.test(answer):
            order = CALLS[call](world, answer)
            world.wire.answer = "ok"
            payee = "other" if answer == "other account" and call != "refund" else "site"
            charged, returned = world.judged(order, payee=payee)

            assert charged == (0 if answer == "declined" and call != "refund" else call != "cancel"
                               or answer in INSTEAD)  # fmt: skip
            if call == "refund" and answer not in INSTEAD:
                assert returned == ([PRICE] if answer == "declined" else [BACK])


@pytest.mark.parametrize("call", ["begin", "refund"])
def test_weak_twin_that_takes_a_time_out_for_a_no_pays_twice(world, call, monkeypatch):
    """Without looking again, a new key for the next try is charged, or given back, twice."""
    monkeypatch.setattr(competing, "let_go", lambda _: True)
    catalogue.providers["playmoney"] = Weak(lambda: world.remote)
    world.is_strong = False
    order = CALLS[call](world, "time-out after it was done")
    if call == "begin":
        with pytest.raises(AssertionError, match="charged twice"):
            world.judged(order)
    else:
        assert world.judged(order)[1] == [BACK, BACK]

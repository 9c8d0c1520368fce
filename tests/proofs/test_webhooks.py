"""However a provider's messages are repeated, mixed, late or lost: one final state, granted once.

A history is what truly happened to a payment at its provider, step by step, and when the site
heard of it and looked. All histories of one truth must end like the one in which each step was
seen once and in order. `OBOLO_PROOF_FACTOR=100` tries 60,000 without a database and 3,000 with one.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from operator import methodcaller
from types import ModuleType
from unittest.mock import MagicMock

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import checkout, hookimpl, ledger, limits, orders
from core.checkout import announcing, booking, settling, standing
from core.clock import now
from core.orders import Grant, Line, Order
from core.payments import Cancel, Hint, Payment, ProviderUnknown, records
from core.payments.facts import Facts, Kind, Movement, State, Status
from core.payments.records import AskedRefund
from core.people import Reader
from core.plugins import catalogue, loaded
from core.reconcile import reconcile
from core.storage import execute, new_id
from core.verify import verify
from tests.stand_in import READER, StandIn, eur

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
CHEAP, ON_SQLITE, ON_POSTGRES = 600, 20, 10
JOIN = Facts.join
UNKNOWN = Facts("no answer")
ASKED = Movement(Kind.REFUND, "asked for by core", 0, "EUR")

pytestmark = pytest.mark.proof
number = st.integers(0, 2**20)


@dataclass
class Truth:
    """A payment at its provider: its report after each step, and what core asked to give back."""

    order: Order
    payment: str = "pay_1"
    reports: list[Facts] = field(default_factory=list)
    asked: list[AskedRefund] = field(default_factory=list)

    @property
    def now(self):
        return self.reports[-1]

    def report(self, *movements, state=State.CUSTOMER, **rest):
        more = Facts(f"ref_{self.payment}", state, movements, self.payment, "shop", "live", **rest)
        self.reports.append(JOIN(self.now, more) if self.reports else more)

    def step(self, choice):
        """Let one of the things happen that are possible now."""
        more = choice // 60
        if possible := self.possible(more):
            movement, state = possible[choice % len(possible)]
            if movement is ASKED:
                self.refund(more)
            else:
                self.report(*filter(None, [movement]), state=state)

    def possible(self, more):
        """Return movements as they can be reported next, each with the payment's state."""
        id, at = f"ch_{self.payment}", f"{self.payment}_{len(self.reports)}"
        charge = self.now.movement(Kind.CHARGE, id)
        done = Movement(
            Kind.CHARGE, id, self.order.total.minor, "EUR", fee=None if more % 2 else 25
        )
        if charge is None:
            slow = replace(done, status=Status.PENDING, fee=None)
            return [(done, State.PAID)] * 2 + [(slow, State.BANK), (None, State.FAILED)]
        if charge.status is not Status.DONE:
            return [(done, State.PAID)] if charge.status is Status.PENDING else []
        back = [m for m in self.now.movements if m != charge and m.status is not Status.FAILED]
        pending = [m for m in back if m.status is Status.PENDING]
        bouncing = pending + [m for m in back if m.kind is Kind.REFUND and m not in pending]
        news = [replace(m, status=Status.DONE) for m in pending]
        news += [replace(m, status=Status.FAILED) for m in (*bouncing, charge)]
        if charge.fee is None:
            news.append(replace(charge, fee=more % 50))
        if left := self.left():
            some, rest = 1 + more % left, left if more % 2 else 1 + more % left
            news += [ASKED, Movement(Kind.REFUND, f"rf_{at}", some, "EUR", fee=0)]
            news.append(Movement(Kind.DISPUTE, f"dp_{at}", rest, "EUR", Status.PENDING, 2000))
        return [(movement, State.PAID) for movement in news]

    def left(self):
        """How much of the charge neither refunds nor disputes took."""
        back = [m for m in self.now.movements if m.kind is not Kind.CHARGE]
        gone = sum(m.minor for m in back if m.status is not Status.FAILED)
        return self.now.total(Kind.CHARGE, Status.DONE) - gone

    def refund(self, more):
        """Give back some of some lines, as far as core would ask for it."""
        if lines := self.wanted(more):
            amount, id = eur(sum(lines.values())), f"ref_{len(self.asked)}"
            self.give_back(AskedRefund(id, self.payment, amount, lines, "standin", "asked", ""))

    def give_back(self, asked, status=Status.DONE):
        id, minor = f"re_{asked.id}", asked.amount.minor
        if self.now.movement(Kind.REFUND, id) is None:
            self.asked.append(asked)
            self.report(Movement(Kind.REFUND, id, minor, "EUR", status, fee=0, asked=asked.id))

    def wanted(self, more):
        """Return an amount for some of the lines, within what is left of each and of the charge."""
        taken = Counter()
        for one in self.asked:
            if self.now.movement(Kind.REFUND, f"re_{one.id}").status is not Status.FAILED:
                taken.update(one.lines)
        lines = {}
        for line in self.order.lines:
            worth = sum(one.amount.minor for one in self.order.group(line.number))
            left = worth - taken[line.number]
            if line.part_of is None and left > 0 and (more >> line.number) % 3:
                lines[line.number] = left if more % 3 else 1 + more % left
        return lines if sum(lines.values()) <= self.left() else {}


@st.composite
def some_lines(draw):
    """Return one to three lines, each with its own account and key, and with a tax in it or not."""
    lines, tax = [], draw(st.sampled_from([0, 22]))
    for minor in draw(st.lists(st.integers(1, 500), min_size=1, max_size=3)):
        first, part = len(lines) + 1, minor * tax // 100
        lines.append(Line("x", eur(minor), f"income:{first}", (Grant(f"key:{first}"),)))
        lines.append(Line("tax", eur(-part), f"income:{first}", part_of=first))
        lines.append(Line("tax", eur(part), "liabilities:vat", part_of=first))
    return lines


@st.composite
def histories(draw):
    """Return what happened, and the reports in the order in which the site settles them.

    Each is lost or comes up to five times; the last one is found by looking again.
    """
    order = Order(READER.holder, (), "EUR", id="ord_1").with_lines(draw(some_lines()))
    truth = Truth(order)
    truth.report()
    for choice in draw(st.lists(number, max_size=9)):
        truth.step(choice)
    seen = [report for report in truth.reports for _ in range(draw(st.integers(0, 5)))]
    return truth, [*draw(st.permutations(seen)), truth.now]


@dataclass
class Memory:
    """Stands where core's tables are, so that the real `settling.book` can run fast."""

    order: Order
    asked: list[AskedRefund]
    payment: Payment
    entries: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    opened: dict[int, str] = field(default_factory=dict)
    granted: int = 0

    def post(self, key, legs, **_named):
        written = [(account, minor) for account, _, minor in ledger._summed("", legs)]
        assert not sum(minor for _, minor in written), key
        if written:
            self.entries.setdefault(key, written)

    def mark(self, order, state, *, payment=None, mode=None):
        self.order = replace(order, state=state, payment=payment or order.payment)
        return self.order

    def reopen(self, order):
        self.order = replace(order, state="open", payment=None)

    def grant(self, order):
        self.granted += 1
        self.opened = {line.number: "active" for line in order.lines if line.grants}

    def settle(self, facts):
        """Do what `settling.settle` does around `book`."""
        known = self.payment.facts.join(facts)
        if known != self.payment.facts:
            wrong = settling.book(self.order, self.payment, known, StandIn())
            self.payment = replace(self.payment, facts=known, wrong=wrong)

    def final(self):
        """Return all that must be the same; what was never opened is as good as revoked."""
        sums = Counter()
        for account, minor in itertools.chain(*self.entries.values()):
            sums[account] += minor
        return {
            "balances": {account: minor for account, minor in sums.items() if minor},
            "order": self.order.state,
            "opened": {line: state for line, state in self.opened.items() if state != "revoked"},
            "facts": (self.payment.facts, self.payment.wrong),
        }


@pytest.fixture
def compare(monkeypatch):
    """Return what compares a history with the one in order, by core's own code in memory."""
    worlds = []

    def here(name):
        return lambda *given, **named: methodcaller(name, *given, **named)(worlds[0])

    tables = MagicMock()  # whatever else is written is not compared
    tables.mark, tables.own = here("mark"), lambda *_: True
    tables.reopen = here("reopen")
    tables.refunds = lambda _: worlds[0].asked
    tables.set_states = lambda _, states: worlds[0].opened.update(states)
    for module in (announcing, booking, settling, standing):
        for name in ("records", "orders", "entitlements", "notices", "audit", "receipts"):
            monkeypatch.setattr(module, name, tables, raising=False)
        for name in ("post", "grant"):
            monkeypatch.setattr(module, name, here(name), raising=False)
    monkeypatch.setattr(settling, "in_transaction", lambda: True)
    monkeypatch.setattr(booking, "owner_of", lambda holder: holder)
    monkeypatch.setattr(booking, "legs_of", lambda _key: [])  # nothing is set aside here

    def ended(truth, reports):
        payment = Payment(truth.payment, truth.order.id, "standin", "live", truth.order.total)
        worlds[:] = [Memory(truth.order, truth.asked, payment)]
        for report in reports:
            worlds[0].settle(report)
        assert worlds[0].granted <= 1
        return worlds[0].final()

    def compared(history):
        truth, reports = history
        assert differences(ended(truth, reports), ended(truth, truth.reports)) == {}

    return compared


def differences(found, right):
    return {name: (found[name], right[name]) for name in right if found[name] != right[name]}


def tried(examples, **more):
    slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow, **more)


def proof_in_memory(compare, **more):
    return tried(CHEAP, **more)(given(histories())(compare))


@pytest.mark.parametrize("_part", range(FACTOR))
def test_all_histories_of_one_truth_end_in_one_state(compare, _part):
    """Reports repeated up to five times, mixed, late or lost leave the same books."""
    proof_in_memory(compare)()


def test_weak_twin_that_lets_the_last_message_win_is_caught(compare, monkeypatch):
    """Without the join a late old message undoes a newer one."""
    monkeypatch.setattr(Facts, "join", lambda _, report: report)
    with pytest.raises(AssertionError):
        proof_in_memory(compare, phases=[Phase.generate])()


def test_weak_twin_that_books_each_message_is_caught(compare, monkeypatch):
    """Keys that name the message book a movement as often as it is told."""
    settle, post = Memory.settle, Memory.post

    def book_again(self, facts):
        self.payment = replace(self.payment, facts=Facts(""))
        settle(self, facts)

    monkeypatch.setattr(Memory, "settle", book_again)
    monkeypatch.setattr(
        Memory, "post", lambda self, key, legs, **_: post(self, f"{key}:{len(self.entries)}", legs)
    )
    with pytest.raises(AssertionError):
        proof_in_memory(compare, phases=[Phase.generate])()


class Sold(Truth):
    """The truth about a payment of the site, which asks for refunds itself."""

    status = Status.DONE

    def refund(self, more):
        checkout.refresh(self.payment)  # whoever gives back looks at the order first
        self.status = Status.DONE if more % 5 else Status.PENDING
        if lines := self.wanted(more):
            checkout.refund(self.order.id, lines, actor="cli", reason="asked")


@dataclass
class Teller(StandIn):
    """Tells by messages what became of its payments; some answers are late, others lost."""

    answer: Facts | None = None
    truths: dict[str, Sold] = field(default_factory=dict)

    def look_up(self, payment):
        if self.answer is UNKNOWN:
            raise ProviderUnknown("time-out")
        return self.answer or self.truths[payment.id].now

    def act(self, payment, action, key):
        truth = self.truths[payment.id]
        if isinstance(action, Cancel):
            truth.report(state=State.CANCELLED)
            return truth.now
        asked = next(one for one in records.refunds(payment) if one.id == key)
        truth.give_back(asked, truth.status)
        if asked.amount.minor % 2:
            raise ProviderUnknown("done, but the answer is lost")
        return truth.now

    def hear(self, request):
        return [Hint(**json.loads(request.body))]


class Site:
    """A site over HTTP that lives through histories, one order each."""

    def __init__(self, app):
        self.client, self.teller, self.told = app.test_client(), Teller(), Counter()
        catalogue.providers["standin"] = self.teller
        limits.set_key(bytes(32), factor=10_000)
        listener = ModuleType("listener")
        listener.on_order_paid = hookimpl(lambda order: self.told.update([order.id]))
        loaded().add("listener", listener)

    def deliver(self, payment, event, answer=None):
        self.teller.answer = answer
        body = json.dumps({"event": f"{payment}:{event}", "reference": payment})
        done = self.client.post("/webhooks/standin", data=body, buffered=True)
        self.teller.answer = None
        assert done.status_code == 204, done.text

    def lives_through(self, lines, steps):
        """Let each step happen and its messages come in when they come; return how it ends."""
        holder = new_id("gst")
        reader = Reader(holder=holder, holders=(holder,))
        order = checkout.start_order(reader, lines)
        checkout.pay(order.id, "standin", reader, "")
        (payment,) = records.of_order(order.id)
        truth = self.teller.truths[payment.id] = Sold(order, payment.id)
        truth.report()
        waiting = []
        for at, (choice, messages) in enumerate(steps):
            truth.step(choice)
            answers = {"fresh": None, "stale": truth.now, "unknown": UNKNOWN}
            waiting += [(at + delay, at, answers[how]) for delay, how in messages]
            for one in [one for one in waiting if one[0] <= at]:
                waiting.remove(one)
                self.deliver(payment.id, *one[1:])
        for one in sorted(waiting, key=lambda one: one[0]):
            self.deliver(payment.id, *one[1:])
        for _ in range(3):
            reconcile(now() + timedelta(days=8))
        if records.find(payment.id).facts != truth.now:
            self.deliver(payment.id, "the last one comes for days")
            reconcile(now() + timedelta(days=8))
        return self.final(truth, records.find(payment.id))

    def final(self, truth, payment):
        sums = execute(BALANCES, [truth.order.id]).fetchall()
        opened = execute(OPENED, [truth.order.id]).fetchall()
        assert payment.facts == truth.now
        assert self.told[truth.order.id] <= 1
        return {
            "balances": {account: int(minor) for account, minor in sums if minor},
            "order": orders.find(truth.order.id).state,
            "opened": [tuple(row) for row in opened],
            "facts": [(m.kind, m.minor, m.status, m.fee) for m in payment.facts.movements],
            "refunds": [(one.amount, one.state) for one in records.refunds(payment)],
        }


BALANCES = """
SELECT leg.account, SUM(leg.minor) FROM ledger_leg leg JOIN ledger_entry entry
ON entry.id = leg.entry_id WHERE entry.order_id = ? GROUP BY leg.account
"""
OPENED = """
SELECT line, key, state FROM entitlements_entitlement
WHERE order_id = ? AND state <> 'revoked' ORDER BY line
"""


def proof_over_http(app, examples):
    site = Site(app)
    message = st.tuples(st.integers(0, 4), st.sampled_from(["fresh", "stale", "unknown"]))
    life = st.lists(st.tuples(number, st.lists(message, max_size=5)), max_size=8)

    @tried(examples, phases=[Phase.generate])  # to make an example small would take minutes
    @given(some_lines(), life)
    def proof(lines, steps):
        in_order = [(choice, [(0, "fresh")]) for choice, _ in steps]
        right, found = site.lives_through(lines, in_order), site.lives_through(lines, steps)
        assert differences(found, right) == {}
        assert verify() == []

    return proof


@pytest.mark.parametrize("_part", range(FACTOR))
def test_a_site_ends_in_one_state_however_its_messages_come(make_site, db, _part):
    """Repeated, mixed, late, lost, with answers that are old or never come: over HTTP."""
    proof_over_http(make_site(), ON_SQLITE if db.startswith("sqlite") else ON_POSTGRES)()


def test_weak_twin_of_the_site_is_caught(make_site, monkeypatch):
    """The same proof finds a site that believes the last message and books each one."""
    proof = proof_over_http(make_site(), 10 * ON_SQLITE)
    named, numbers = booking.key_of, itertools.count()
    monkeypatch.setattr(Facts, "join", lambda _, report: report)
    monkeypatch.setattr(booking, "key_of", lambda *given: f"{named(*given)}:{next(numbers)}")
    with pytest.raises(AssertionError):
        proof()

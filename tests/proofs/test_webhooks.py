"""However a provider's messages are repeated, mixed, late or lost: one final state, granted once.

A history is what truly happened to a payment at its provider, step by step, and when the site
looked at it. Looks may be settled in any order, as with slow processes. All histories of one truth
must end like the one in which each step was seen once and in order.

`OBOLO_PROOF_FACTOR=100` tries a hundred times as many, 60,000 of the cheap ones.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.checkout import booking, settling, standing
from core.money import Money
from core.orders import Grant, Line, Order
from core.payments import Facts, Kind, Movement, Payment, State, Status
from core.payments.records import AskedRefund
from tests.stand_in import READER, StandIn, eur

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
CHEAP = 600 * FACTOR

pytestmark = pytest.mark.proof


# What can truly happen


@dataclass
class Truth:
    """A payment at its provider: the report after each step, and what core asked to give back."""

    order: Order
    reports: list[Facts] = field(default_factory=list)
    asked: list[AskedRefund] = field(default_factory=list)
    payment: str = "pay_1"

    @property
    def now(self) -> Facts:
        return self.reports[-1]

    def report(self, *movements: Movement, state: State = State.CUSTOMER, **rest: str) -> None:
        more = Facts("ref_1", state, movements, self.payment, "shop", "live", **rest)
        self.reports.append(self.now.join(more) if self.reports else more)

    def step(self, choice: int) -> None:
        """Take one of the steps that are possible now."""
        possible = self.possible()
        if possible:
            name, arguments = possible[choice % len(possible)]
            getattr(self, name)(choice // len(possible), *arguments)

    def possible(self) -> list[tuple[str, tuple[object, ...]]]:
        charge = self.now.movement(Kind.CHARGE, "ch")
        if charge is None or charge.status is Status.PENDING:
            slow = [] if charge else [("declined", ()), ("slow", ())]
            return [("charged", ()), ("charged", ()), *slow]
        if charge.status is Status.FAILED:
            return []
        steps: list[tuple[str, tuple[object, ...]]] = []
        if charge.fee is None:
            steps.append(("fee", (charge,)))
        if self.left():
            steps += [("refund", ()), ("foreign_refund", ()), ("dispute", ())]
        else_moved = [
            m for m in self.now.movements if m != charge and m.status is not Status.FAILED
        ]
        for m in else_moved:
            if m.status is Status.PENDING:
                steps.append(("ended", (m, Status.DONE)))
            if m.status is Status.PENDING or m.kind is Kind.REFUND:
                steps.append(("ended", (m, Status.FAILED)))
        if not else_moved:
            steps.append(("ended", (charge, Status.FAILED)))
        return steps

    def left(self) -> int:
        """How much of the charge neither refunds nor disputes took."""
        not_failed = (Status.PENDING, Status.DONE)
        gone = (self.now.total(kind, *not_failed) for kind in (Kind.REFUND, Kind.DISPUTE))
        return self.now.total(Kind.CHARGE, Status.DONE) - sum(gone)

    def charge(self, status: Status, fee: int | None) -> Movement:
        return Movement(Kind.CHARGE, "ch", self.order.total.minor, "EUR", status, fee)

    def declined(self, _more: int) -> None:
        self.report(state=State.FAILED, failure="declined")

    def slow(self, _more: int) -> None:
        self.report(self.charge(Status.PENDING, None), state=State.BANK)

    def charged(self, more: int) -> None:
        self.report(self.charge(Status.DONE, None if more % 2 else 25), state=State.PAID)

    def fee(self, more: int, charge: Movement) -> None:
        self.report(replace(charge, fee=more % 50))

    def ended(self, _more: int, movement: Movement, status: Status) -> None:
        self.report(replace(movement, status=status))

    def foreign_refund(self, more: int) -> None:
        minor = 1 + more % self.left()
        self.report(Movement(Kind.REFUND, f"rf_{len(self.reports)}", minor, "EUR", fee=0))

    def dispute(self, more: int) -> None:
        minor = self.left() if more % 2 else 1 + more % self.left()
        id = f"dp_{len(self.reports)}"
        self.report(Movement(Kind.DISPUTE, id, minor, "EUR", Status.PENDING, 2000))

    def refund(self, more: int) -> None:
        """Give back some of each line, as far as core would ask for it."""
        lines = {
            number: minor if more % 3 else 1 + more % minor
            for number, minor in self.left_by_line().items()
            if minor and (more >> number) % 3
        }
        minor = sum(lines.values())
        if not 0 < minor <= self.left():
            return
        id = f"ref_{len(self.asked)}"
        self.asked.append(AskedRefund(id, self.payment, eur(minor), lines, "standin", "asked", ""))
        status = Status.PENDING if more % 5 == 0 else Status.DONE
        self.report(Movement(Kind.REFUND, f"re_{id}", minor, "EUR", status, fee=0, asked=id))

    def left_by_line(self) -> dict[int, int]:
        taken: Counter[int] = Counter()
        for one in self.asked:
            movement = self.now.movement(Kind.REFUND, f"re_{one.id}")
            if movement is not None and movement.status is not Status.FAILED:
                taken.update(one.lines)
        return {
            line.number: sum(one.amount.minor for one in self.order.group(line.number))
            - taken[line.number]
            for line in self.order.lines
            if line.part_of is None
        }


def order_of(prices: list[int], tax: int) -> Order:
    """Return an order of lines for these prices, each with its own account, key and tax."""
    lines: list[Line] = []
    for number, minor in enumerate(prices):
        first = len(lines) + 1
        lines.append(Line("x", eur(minor), f"income:{number}", (Grant(f"key:{number}"),)))
        part = minor * tax // 100
        lines.append(Line("tax", eur(-part), f"income:{number}", part_of=first))
        lines.append(Line("tax", eur(part), "liabilities:vat", part_of=first))
    return replace(Order(READER.holder, (), "EUR").with_lines(lines), id="ord_1")


choices = st.integers(0, 2**20)


@st.composite
def truths(draw) -> Truth:
    prices = draw(st.lists(st.integers(1, 500), min_size=1, max_size=3))
    truth = Truth(order_of(prices, draw(st.sampled_from([0, 22]))))
    truth.report()
    for choice in draw(st.lists(choices, max_size=9)):
        truth.step(choice)
    return truth


@st.composite
def histories(draw) -> tuple[Truth, list[Facts]]:
    """Return what happened, and the reports in the order in which the site settles them.

    Each is lost or comes up to five times; the last one is found by looking again.
    """
    truth = draw(truths())
    seen = [report for report in truth.reports for _ in range(draw(st.integers(0, 5)))]
    mixed = draw(st.permutations(seen))
    return truth, [*mixed, truth.now]


# The books without a database


@dataclass
class Memory:
    """Stands where core's tables are, so that the real `settling.book` can run fast."""

    order: Order
    asked: list[AskedRefund]
    payment: Payment
    keys: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    opened: dict[int, str] = field(default_factory=dict)
    granted: int = 0

    def post(self, key, legs, **_named):
        """Write an entry once."""
        legs = [(leg.account, leg.amount.minor) for leg in legs if leg.amount.minor]
        assert not sum(minor for _, minor in legs), key
        if legs:
            self.keys.setdefault(key, legs)

    def reverse(self, key, original, **_named):
        self.keys.setdefault(key, [(account, -minor) for account, minor in self.keys[original]])

    def mark(self, order, state, *, payment=None, mode=None):
        self.order = replace(order, state=state, payment=payment or order.payment)
        return self.order

    def grant(self, order):
        self.granted += 1
        self.opened = {line.number: "active" for line in order.lines if line.grants}

    def settle(self, facts: Facts) -> None:
        """Do what `settling.settle` does around `book`."""
        known = self.payment.facts.join(facts)
        if known != self.payment.facts:
            wrong = settling.book(self.order, self.payment, known, StandIn())
            self.payment = replace(self.payment, facts=known, wrong=wrong)

    def final(self) -> dict[str, object]:
        """Return all that must be the same; what was never opened is as good as revoked."""
        sums: Counter[str] = Counter()
        for legs in self.keys.values():
            for account, minor in legs:
                sums[account] += minor
        return {
            "balances": {account: minor for account, minor in sums.items() if minor},
            "order": "closed" if self.never_paid() else self.order.state,
            "opened": {line: s for line, s in self.opened.items() if s != "revoked"},
            "facts": self.payment.facts,
            "wrong": self.payment.wrong,
        }

    def never_paid(self) -> bool:
        charge = self.payment.facts.movement(Kind.CHARGE, "ch")
        return charge is not None and charge.status is Status.FAILED


@pytest.fixture
def in_memory(monkeypatch):
    """Give what runs histories of a truth with core's own code, but in memory."""
    world: list[Memory] = []
    now = lambda name: lambda *given, **named: getattr(world[-1], name)(*given, **named)  # noqa: E731
    records = SimpleNamespace(
        own=lambda *_: True, mark_refund=lambda *_: None, refunds=lambda _: world[-1].asked
    )
    monkeypatch.setattr(settling, "in_transaction", lambda: True)
    monkeypatch.setattr(settling, "grant", now("grant"))
    monkeypatch.setattr(settling, "notices", SimpleNamespace(tell=lambda *_, **__: None))
    monkeypatch.setattr(settling, "audit", SimpleNamespace(record=lambda *_, **__: None))
    for module in (settling, standing):
        monkeypatch.setattr(module, "orders", SimpleNamespace(mark=now("mark")))
    for module in (settling, booking):
        monkeypatch.setattr(module, "records", records)
    monkeypatch.setattr(booking, "post", now("post"))
    monkeypatch.setattr(booking, "reverse", now("reverse"))
    entitlements = SimpleNamespace(set_states=lambda _, states: world[-1].opened.update(states))
    monkeypatch.setattr(standing, "entitlements", entitlements)

    def run(truth: Truth, reports: list[Facts]) -> Memory:
        payment = Payment(truth.payment, "ord_1", "standin", "live", truth.order.total)
        world.append(Memory(truth.order, truth.asked, payment))
        for report in reports:
            world[-1].settle(report)
        return world.pop()

    return run


def cheap(**more):
    return settings(
        max_examples=CHEAP,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        **more,
    )


def compare(run, history) -> None:
    truth, reports = history
    in_order, mixed = run(truth, truth.reports), run(truth, reports)
    right, found = in_order.final(), mixed.final()

    assert {name: found[name] for name in right if found[name] != right[name]} == {}, right
    assert mixed.granted <= 1


def test_all_histories_of_one_truth_end_in_one_state(in_memory):
    """Reports repeated up to five times, mixed, late or lost leave the same books."""

    @cheap()
    @given(history=histories())
    def proof(history):
        compare(in_memory, history)

    proof()

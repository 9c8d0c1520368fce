"""The part of the provider's contract for what only some can: hold, keep a method, tell all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import now
from core.payments import (
    Cancel,
    Capture,
    ChargeSaved,
    Facts,
    Forget,
    Kind,
    Movement,
    Payment,
    ProviderRefused,
    Refund,
    State,
    StatementLine,
    Statements,
    Status,
    wrong,
)
from core.testing.provider_steps import (
    Contract,
    ask,
    begin,
    cancel,
    charges,
    joined,
    paid,
    ref_of,
    refund,
)


def needs(contract: Contract, word: str) -> None:
    """Skip a rule for a provider that does not say that it can."""
    if word not in contract.provider.can:
        pytest.skip(f"{contract.provider.name} does not say that it can {word}")


def held(contract: Contract) -> Payment:
    """Return a payment of which a person let the money be held."""
    asked = ask(contract)
    payment = begin(contract, replace(asked, intent=replace(asked.intent, hold=True)))
    contract.person(ref_of(payment), "pay")
    return replace(payment, hold="held")


def capture(contract: Contract, payment: Payment) -> Facts:
    """Take the money that is held, as core does: always with this key."""
    return contract.provider.act(payment, Capture(), f"{payment.id}:capture")


class HoldRules:
    """Money that is held moves when it is captured, and then once."""

    def test_held_money_has_not_moved(self, contract: Contract) -> None:
        """A person who agreed leaves a payment that is ready, and nothing more."""
        needs(contract, "hold")
        facts = contract.provider.look_up(held(contract))

        assert (facts.state, charges(facts)) == (State.READY, [])

    def test_held_money_is_captured_once(self, contract: Contract) -> None:
        """However often, and however many at once: return, webhook and task."""
        needs(contract, "hold")
        payment = held(contract)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: capture(contract, payment), range(6)))
        facts = contract.provider.look_up(payment)
        (charge,) = charges(facts)

        assert (facts.state, charge.minor) == (State.PAID, payment.amount.minor)
        assert wrong(payment, facts, contract.provider.payee) == ""
        assert capture(contract, payment) == facts

    def test_held_money_that_is_let_go_is_never_taken(self, contract: Contract) -> None:
        """After the cancel a late capture is refused, or reports that it was cancelled."""
        needs(contract, "hold")
        payment = held(contract)
        facts = cancel(contract, payment)
        try:
            later = capture(contract, payment)
        except ProviderRefused:
            later = contract.provider.look_up(payment)

        assert facts.state is later.state is State.CANCELLED
        assert charges(later) == []

    def test_captured_money_is_not_let_go(self, contract: Contract) -> None:
        """Who captured first has captured."""
        needs(contract, "hold")
        payment = held(contract)
        before = capture(contract, payment)
        contract.provider.act(payment, Cancel(), f"{payment.id}:cancel")

        assert contract.provider.look_up(payment) == before


class SaveRules:
    """A method is kept when a person was asked, and charged once for each key."""

    def test_nothing_is_kept_that_was_not_asked_for(self, contract: Contract) -> None:
        """A payment by itself gives no right to the next one."""
        needs(contract, "save")

        assert contract.provider.look_up(paid(contract)).saved is None

    def test_a_kept_method_is_charged_once_per_key(self, contract: Contract) -> None:
        """Core's repeat may overtake its first try; the charge names core's own id."""
        needs(contract, "save")
        saved = _kept(contract)
        asked = ask(contract)
        action = ChargeSaved(asked.intent, saved)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(
                lambda _: contract.provider.act(asked.payment, action, asked.payment.id), range(6)
            ))  # fmt: skip
        facts = contract.provider.look_up(asked.payment)

        assert facts.state is State.PAID
        assert len(charges(facts)) == 1
        assert wrong(asked.payment, facts, contract.provider.payee) == ""

    def test_a_method_that_nobody_keeps_is_refused(self, contract: Contract) -> None:
        """An unknown word charges nobody."""
        needs(contract, "save")
        asked = ask(contract)
        action = ChargeSaved(asked.intent, "unknown")
        try:
            facts = contract.provider.act(asked.payment, action, asked.payment.id)
        except ProviderRefused:
            facts = contract.provider.look_up(asked.payment)

        assert charges(facts) == []
        assert facts.state is not State.PAID

    def test_a_method_that_was_forgotten_charges_nobody(self, contract: Contract) -> None:
        """Forgotten twice is forgotten once; the charge that comes after is refused."""
        needs(contract, "save")
        payment, saved = _keeping(contract)
        for _ in range(2):
            contract.provider.act(payment, Forget(saved), f"{payment.id}:forget")
        asked = ask(contract)
        try:
            facts = contract.provider.act(
                asked.payment, ChargeSaved(asked.intent, saved), asked.payment.id
            )
        except ProviderRefused:
            facts = contract.provider.look_up(asked.payment)

        assert charges(facts) == []
        assert facts.state is not State.PAID


def _kept(contract: Contract) -> str:
    """Return what names a method that a person let the site keep."""
    return _keeping(contract)[1]


def _keeping(contract: Contract) -> tuple[Payment, str]:
    """Return a payment by which a person let the site keep a method, and what names that."""
    asked = ask(contract)
    payment = begin(contract, replace(asked, intent=replace(asked.intent, save=True)))
    contract.person(ref_of(payment), "pay")
    facts = contract.provider.look_up(payment)
    assert facts.saved
    assert facts.state in (State.PAID, State.SAVED)
    return payment, facts.saved


class StatementRules:
    """The account names each movement as the facts do, and adds up to it."""

    def test_the_account_says_what_the_facts_say(self, contract: Contract) -> None:
        """Charge, refund and dispute, by the same ids, amounts and fees."""
        needs(contract, "statement")
        payment = paid(contract)
        refund(contract, payment, 5)
        contract.decide(contract.dispute(ref_of(payment), 7), "lost")
        facts = contract.provider.look_up(payment)
        told = _account(contract)

        for m in facts.movements:
            lines = [one for one in told if (one.kind, one.id) == (str(m.kind), m.id)]
            sign = 1 if m.kind is Kind.CHARGE else -1
            assert sum(one.minor for one in lines) == sign * (m.settled_minor or m.minor)
            assert sum(one.fee for one in lines) == m.fee
            assert {one.currency for one in lines} == {m.settled_currency or m.currency}

    def test_a_dispute_that_was_won_comes_to_nothing(self, contract: Contract) -> None:
        """Taken and given back, both under its own id."""
        needs(contract, "statement")
        id = contract.dispute(ref_of(paid(contract)), 7)
        contract.decide(id, "won")
        lines = [one for one in _account(contract) if one.id == id]

        assert sum(one.minor for one in lines) == 0

    def test_only_the_time_asked_for_is_told(self, contract: Contract) -> None:
        """Nothing of before, nothing of after."""
        needs(contract, "statement")
        paid(contract)
        told = _account(contract)
        provider = contract.provider
        assert isinstance(provider, Statements)
        last = max(one.at for one in told)

        assert all(one.at < last for one in provider.statement(last - timedelta(days=9), last))
        assert list(provider.statement(now() + timedelta(days=9), now() + timedelta(days=10))) == []


def _account(contract: Contract) -> list[StatementLine]:
    provider = contract.provider
    assert isinstance(provider, Statements)
    return list(provider.statement(now() - timedelta(days=1), now() + timedelta(days=1)))


class DistrustRules:
    """What differs from what was asked is seen, and what was used is not used again."""

    @pytest.mark.parametrize("other", ["amount", "currency", "payee", "mode", "reference"])
    def test_a_report_shows_whatever_is_wrong(self, contract: Contract, other: str) -> None:
        """Compared with another payment than it was, a report is never taken for the right one."""
        payment = paid(contract)
        facts = contract.provider.look_up(payment)
        payee = "somebody else" if other == "payee" else contract.provider.payee
        amount = payment.amount
        asked = {
            "amount": replace(payment, amount=amount + amount),
            "currency": replace(payment, amount=replace(amount, currency="XXX")),
            "mode": replace(payment, mode="live" if payment.mode == "test" else "test"),
            "reference": replace(payment, id="pay_of_another_order"),
        }.get(other, payment)

        assert wrong(asked, facts, payee) == other

    def test_a_paid_object_does_not_pay_another_order(self, contract: Contract) -> None:
        """A second payment that points to the first one's reference is not paid by it."""
        first, second = paid(contract), ask(contract).payment
        try:
            facts = contract.provider.look_up(replace(second, ref=first.ref))
        except ProviderRefused:
            return

        assert charges(facts) == [] or wrong(second, facts, contract.provider.payee) == "reference"

    def test_a_refund_of_another_payments_charge_is_refused(self, contract: Contract) -> None:
        """Money goes back to whoever paid it, out of that payment."""
        first, second = paid(contract), paid(contract)
        (charge,) = charges(contract.provider.look_up(first))
        refund(contract, first, first.amount.minor)
        action = Refund(f"ref_{second.id}", second.amount, charge.id)
        with suppress(ProviderRefused):
            contract.provider.act(second, action, action.id)
        facts = contract.provider.look_up(first)

        assert facts.total(Kind.REFUND, Status.PENDING, Status.DONE) == first.amount.minor

    def test_a_late_failure_after_a_success_takes_the_charge_back(self, contract: Contract) -> None:
        """The charge fails in the join, while the state keeps that it was paid once."""
        payment = paid(contract)
        facts = contract.provider.look_up(payment)
        (charge,) = charges(facts)
        failed: Movement = replace(charge, status=Status.FAILED)
        later = replace(facts, movements=(failed,))

        assert charges(joined(facts, later)) == charges(joined(later, facts)) == []
        assert joined(facts, later).state is State.PAID

    def test_a_late_success_after_an_end_wins(self, contract: Contract) -> None:
        """Expired, cancelled or failed, and paid after all: the money is a fact."""
        facts = contract.provider.look_up(paid(contract))
        for end in (State.EXPIRED, State.FAILED, State.CANCELLED):
            ended = Facts(facts.ref, end)

            assert joined(ended, facts) == joined(facts, ended)
            assert joined(ended, facts).state is State.PAID
            assert charges(joined(ended, facts)) == charges(facts)


class MoreRules(HoldRules, SaveRules, StatementRules, DistrustRules):
    """What only some can, and what all must show."""

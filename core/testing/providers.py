"""The suite that every provider passes: each rule of the protocol is one test.

A provider's own tests derive a class from `ProviderContract` and define the fixture `contract`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from core.money import Money
from core.payments import (
    Kind,
    ProviderRefused,
    ProviderUnknown,
    Redirect,
    Refund,
    State,
    Status,
    wrong,
)
from core.storage import new_id
from core.testing.provider_more import MoreRules
from core.testing.provider_steps import (
    Asked,
    Contract,
    Operation,
    ask,
    begin,
    begun,
    cancel,
    charges,
    joined,
    paid,
    ref_of,
    refund,
)
from core.testing.provider_trust import TrustRules

TROUBLE = [
    pytest.param(operation, way, done, id=f"{operation}-{way}-{'done' if done else 'not done'}")
    for operation in ("begin", "look_up", "refund", "cancel")
    for way in ("timeout", "reset", "error", "garbage")
    for done in (False, True)
]
"""What can go wrong with an answer, and whether the provider did what it was asked before."""


class PayingRules:
    """From the intent to the charge."""

    def test_begin_is_idempotent_by_key(self, contract: Contract) -> None:
        """The same key begins the same payment, however often."""
        asked = ask(contract)
        first, again = (contract.provider.begin(asked.intent, asked.payment.id) for _ in range(2))

        assert first == again

    def test_begin_refuses_a_key_that_was_used_for_something_else(self, contract: Contract) -> None:
        """A key names one wish; with another amount it is refused."""
        asked = ask(contract)
        begin(contract, asked)
        other = replace(asked.intent, amount=asked.intent.amount + asked.intent.amount)

        with pytest.raises(ProviderRefused):
            contract.provider.begin(other, asked.payment.id)

    def test_two_keys_are_two_payments(self, contract: Contract) -> None:
        """Two tries to pay never share a reference."""
        assert begun(contract).ref != begun(contract).ref

    def test_many_begin_at_once_and_there_is_one_payment(self, contract: Contract) -> None:
        """Racing calls with one key begin one payment."""
        asked = ask(contract)
        with ThreadPoolExecutor(8) as pool:
            steps = list(pool.map(lambda _: begin(contract, asked).ref, range(8)))

        assert len(set(steps)) == 1

    def test_a_payment_waits_for_the_person(self, contract: Contract) -> None:
        """Before the person does anything no money has moved."""
        facts = contract.provider.look_up(begun(contract))

        assert (facts.state, charges(facts)) == (State.CUSTOMER, [])

    def test_a_payment_is_found_without_its_ref(self, contract: Contract) -> None:
        """When the answer to begin was lost, core's own id is enough to find the payment."""
        asked = ask(contract)
        ref = begin(contract, asked).ref
        contract.person(str(ref), "pay")
        facts = contract.provider.look_up(asked.payment)

        assert (facts.ref, facts.state) == (ref, State.PAID)

    def test_what_was_never_begun_is_new(self, contract: Contract) -> None:
        """A payment that the provider has never heard of moved nothing."""
        facts = contract.provider.look_up(ask(contract).payment)

        assert (facts.state, facts.movements) == (State.NEW, ())

    def test_a_paid_payment_is_what_was_asked(self, contract: Contract) -> None:
        """The report names amount, currency, payee, mode and core's id: what core compares."""
        payment = paid(contract)
        facts = contract.provider.look_up(payment)
        (charge,) = charges(facts)

        assert facts.state is State.PAID
        assert Money(charge.minor, charge.currency) == payment.amount
        assert (facts.reference, facts.mode) == (payment.id, contract.provider.mode)
        assert facts.payee == contract.provider.payee
        assert wrong(payment, facts, contract.provider.payee) == ""

    def test_nobody_is_charged_twice(self, contract: Contract) -> None:
        """A person who pays again on the same page is charged once."""
        payment = paid(contract)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: contract.person(ref_of(payment), "pay"), range(8)))

        assert len(charges(contract.provider.look_up(payment))) == 1

    def test_a_declined_payment_fails_and_moves_nothing(self, contract: Contract) -> None:
        """A refused card is a failure without money."""
        payment = begun(contract)
        contract.person(ref_of(payment), "decline")
        facts = contract.provider.look_up(payment)

        assert (facts.state, charges(facts)) == (State.FAILED, [])
        assert facts.failure

    def test_a_success_after_a_refusal_wins(self, contract: Contract) -> None:
        """Whoever is declined and then pays has paid, in whatever order that is heard."""
        payment = begun(contract)
        contract.person(ref_of(payment), "decline")
        declined = contract.provider.look_up(payment)
        contract.person(ref_of(payment), "pay")
        final = contract.provider.look_up(payment)

        assert joined(declined, final) == joined(final, declined)
        assert joined(final, declined).state is State.PAID

    def test_a_person_can_cancel(self, contract: Contract) -> None:
        """A payment that the person cancelled moved nothing and never will."""
        payment = begun(contract)
        contract.person(ref_of(payment), "cancel")
        contract.person(ref_of(payment), "pay")
        facts = contract.provider.look_up(payment)

        assert (facts.state, charges(facts)) == (State.CANCELLED, [])

    def test_a_slow_payment_is_with_the_bank_until_it_is_paid(self, contract: Contract) -> None:
        """A slow payment is no success before the bank says so, and then the same charge."""
        payment = begun(contract)
        contract.person(ref_of(payment), "slow")
        before = contract.provider.look_up(payment)
        contract.finish_slow(ref_of(payment))
        after = contract.provider.look_up(payment)

        assert (before.state, charges(before)) == (State.BANK, [])
        assert after.state is State.PAID
        assert charges(joined(before, after)) == charges(after)
        assert len(charges(after)) == 1


class FeeRules:
    """What it costs is known before, and is what is then taken."""

    def test_the_fee_quoted_is_the_fee_taken(self, contract: Contract) -> None:
        """The quote of an amount agrees with the fee that is reported after paying it."""
        for amount in contract.amounts:
            quote = contract.provider.quote(amount, country="IT")
            (charge,) = charges(contract.provider.look_up(paid(contract, amount)))

            assert quote is not None
            assert (charge.fee, charge.currency) == (quote.fee.minor, quote.fee.currency)
            assert charge.net in (None, amount.minor - quote.fee.minor)

    def test_what_cannot_be_paid_is_not_quoted(self, contract: Contract) -> None:
        """Nothing, less than nothing, and currencies that the provider does not take."""
        for amount in (*contract.not_offered, Money(0, contract.amounts[0].currency)):
            assert contract.provider.quote(amount, country="IT") is None

    def test_the_money_lands_in_one_account_of_the_sites(self, contract: Contract) -> None:
        """The till is a path in the ledger, and always the same for a holder and a currency."""
        till = contract.provider.till("gst_1", "EUR")

        assert till.split(":")[0] in ("assets", "liabilities")
        assert till == contract.provider.till("gst_1", "EUR")


class CancelRules:
    """Letting go of a payment."""

    def test_a_cancelled_payment_can_never_be_paid(self, contract: Contract) -> None:
        """After core let a payment go, the person's late try takes nothing."""
        payment = begun(contract)
        facts = cancel(contract, payment)
        contract.person(ref_of(payment), "pay")
        later = contract.provider.look_up(payment)

        assert facts.state is later.state is State.CANCELLED
        assert charges(later) == []

    def test_what_is_cancelled_before_it_begins_never_begins(self, contract: Contract) -> None:
        """A begin that arrives after its own cancel leaves nothing that could be paid."""
        asked = ask(contract)
        cancel(contract, asked.payment)
        step = contract.provider.begin(asked.intent, asked.payment.id)
        if isinstance(step, Redirect):
            contract.person(step.ref, "pay")
        facts = contract.provider.look_up(asked.payment)

        assert (facts.state, charges(facts)) == (State.CANCELLED, [])

    def test_cancelling_what_is_paid_changes_nothing(self, contract: Contract) -> None:
        """Who paid before the cancel came has paid."""
        payment = paid(contract)
        before = contract.provider.look_up(payment)
        cancel(contract, payment)

        assert contract.provider.look_up(payment) == before
        assert before.state is State.PAID

    def test_cancelling_twice_is_cancelling_once(self, contract: Contract) -> None:
        """The second cancel reports the same."""
        payment = begun(contract)

        assert cancel(contract, payment) == cancel(contract, payment)


class RefundRules:
    """Money back."""

    def test_a_refund_happens_once_per_key(self, contract: Contract) -> None:
        """The same key gives the money back once, and core finds its own id on it."""
        payment = paid(contract)
        id, first = refund(contract, payment, 5)
        again = refund(contract, payment, 5, id)[1]
        (back,) = [m for m in again.movements if m.kind is Kind.REFUND]

        assert first == again == contract.provider.look_up(payment)
        assert (back.minor, back.asked) == (5, id)
        assert again.state is State.PAID

    def test_racing_refunds_with_one_key_give_back_once(self, contract: Contract) -> None:
        """Core's repeat may overtake its first try."""
        payment, id = paid(contract), new_id("ref")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: refund(contract, payment, 5, id), range(6)))

        assert contract.provider.look_up(payment).total(Kind.REFUND, *Status) == 5

    def test_never_more_is_given_back_than_was_taken(self, contract: Contract) -> None:
        """Partial refunds add up to the charge at most; the one too much is refused."""
        payment = paid(contract)
        refund(contract, payment, payment.amount.minor - 5)
        with pytest.raises(ProviderRefused):
            refund(contract, payment, 6)
        facts = refund(contract, payment, 5)[1]
        with pytest.raises(ProviderRefused):
            refund(contract, payment, 1)

        assert facts.total(Kind.REFUND, Status.PENDING, Status.DONE) == payment.amount.minor

    def test_a_refund_key_names_one_amount(self, contract: Contract) -> None:
        """The same key with another amount is refused, not done."""
        payment = paid(contract)
        id = refund(contract, payment, 5)[0]

        with pytest.raises(ProviderRefused):
            refund(contract, payment, 6, id)

    def test_what_was_not_paid_is_not_given_back(self, contract: Contract) -> None:
        """A refund of an open payment is refused."""
        payment = begun(contract)
        action = Refund(new_id("ref"), payment.amount, "unknown")

        with pytest.raises(ProviderRefused):
            contract.provider.act(payment, action, action.id)


class DisputeRules:
    """Money that the person's bank takes back."""

    @pytest.mark.parametrize(("verdict", "status"), [("won", Status.FAILED), ("lost", Status.DONE)])
    def test_a_dispute_is_pending_until_it_is_decided(
        self, contract: Contract, verdict: Any, status: Status
    ) -> None:
        """Open is pending, lost is done, won is failed; it is one movement with one id."""
        payment = paid(contract)
        id = contract.dispute(ref_of(payment), 20)
        opened = contract.provider.look_up(payment).movement(Kind.DISPUTE, id)
        contract.decide(id, verdict)
        ended = contract.provider.look_up(payment).movement(Kind.DISPUTE, id)

        assert opened is not None
        assert (opened.status, opened.minor) == (Status.PENDING, 20)
        assert ended is not None
        assert (ended.status, ended.minor) == (status, 20)

    def test_what_is_disputed_is_not_given_back_as_well(self, contract: Contract) -> None:
        """A refund takes no more than disputes left."""
        payment = paid(contract)
        contract.dispute(ref_of(payment), payment.amount.minor)

        with pytest.raises(ProviderRefused):
            refund(contract, payment, 1)


class DoubtRules:
    """No clear answer is no answer; asking again tells the truth.

    A provider that finds nothing by core's own id `begins_again` when it is asked to look: by the
    same key, so that it is the same payment.
    """

    begins_again = False

    @pytest.mark.parametrize(("operation", "way", "done"), TROUBLE)
    def test_trouble_is_unknown_and_asking_again_tells_the_truth(
        self, contract: Contract, operation: Operation, way: str, done: bool
    ) -> None:
        """Time-out, reset, 500 and garbage are never taken for a no, and the repeat acts once."""
        asked = ask(contract)
        act = _prepared(contract, operation, asked)
        before = contract.provider.look_up(asked.payment)
        contract.spoil(operation, way, done=done)
        with pytest.raises(ProviderUnknown):
            act()
        seen = contract.provider.look_up(asked.payment)
        act()
        after = contract.provider.look_up(asked.payment)
        act()

        truths = [after] if done else [before]
        if operation == "begin" and self.begins_again:
            truths = [after]
        assert seen in truths
        assert contract.provider.look_up(asked.payment) == after
        assert operation == "look_up" or before != after

    def test_all_reports_join_to_one_truth_in_any_order(self, contract: Contract) -> None:
        """Webhook, repeat and look-up lead to the same facts, however they are mixed."""
        payment = begun(contract)
        reports = [contract.provider.look_up(payment)]
        for way in ("decline", "slow"):
            contract.person(ref_of(payment), way)
            reports.append(contract.provider.look_up(payment))
        contract.finish_slow(ref_of(payment))
        reports += [contract.provider.look_up(payment), refund(contract, payment, 3)[1]]
        contract.decide(contract.dispute(ref_of(payment), 7), "lost")
        for message in contract.deliveries():
            assert list(contract.provider.hear(message))
        reports.append(contract.provider.look_up(payment))
        truth = joined(*reports)

        for order in itertools.permutations(reports):
            assert joined(*order, order[0]) == truth
        assert replace(truth, failure=None) == replace(joined(reports[-1]), failure=None)


def _prepared(contract: Contract, operation: Operation, asked: Asked) -> Callable[[], object]:
    """Bring a payment to where an operation makes sense; return what asks for it with one key."""
    if operation == "begin":
        return lambda: contract.provider.begin(asked.intent, asked.payment.id)
    payment = begin(contract, asked)
    if operation == "cancel":
        return lambda: cancel(contract, payment)
    contract.person(ref_of(payment), "pay")
    if operation == "look_up":
        return lambda: contract.provider.look_up(payment)
    (charge,) = charges(contract.provider.look_up(payment))
    action = Refund(new_id("ref"), Money(5, payment.amount.currency), charge.id)
    return lambda: contract.provider.act(payment, action, action.id)


class ProviderContract(
    TrustRules, PayingRules, FeeRules, CancelRules, RefundRules, DisputeRules, DoubtRules, MoreRules
):
    """Everything that core relies on."""

"""What Stripe says in its objects becomes facts: fees that come late, exchange, holds, refunds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import http
from core.clock import now
from core.errors import Forged
from core.money import Money
from core.payments import (
    Capture,
    ChargeSaved,
    Facts,
    Inbound,
    Inline,
    Kind,
    Movement,
    Payment,
    ProviderRefused,
    ProviderUnknown,
    State,
    Status,
)
from core.testing.provider_steps import Asked, ask, cancel, charges, joined, ref_of, refund
from plugins.stripe import client
from plugins.stripe.provider import Stripe
from tests.plugins.stripe.fake_server import SECRET, Fault, Stand, running
from tests.plugins.stripe.test_contract import OverHttp, chosen_for


@pytest.fixture(autouse=True)
def _without_a_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "http_request", http.request)


@pytest.fixture(scope="module")
def shared() -> Iterator[Stand]:
    """Run one stand-in for all tests of this file."""
    with running() as one:
        yield one


@pytest.fixture
def stand(shared: Stand) -> Iterator[Stand]:
    """Return it as it is at first; nothing that was asked of it may be wrong."""
    shared.fake.late_fees, shared.fake.settles_in = None, ""
    yield shared
    assert shared.wrong == []


@pytest.fixture
def contract(stand: Stand) -> OverHttp:
    """Return a site's side, and the stand-in's."""
    settings = chosen_for(stand)
    return OverHttp(stand, Stripe(lambda: settings), len(stand.fake.events))


def begun(contract: OverHttp, **wish: Any) -> Payment:
    """Return a payment that was begun so."""
    asked = ask(contract)
    step = contract.provider.begin(replace(asked.intent, **wish), asked.payment.id)
    return replace(asked.payment, ref=step.ref)


def paid(contract: OverHttp, **wish: Any) -> Payment:
    """Return a payment that a person paid."""
    payment = begun(contract, **wish)
    contract.person(ref_of(payment), "pay")
    return payment


def movement(facts: Facts, kind: Kind) -> Movement:
    (one,) = (m for m in facts.movements if m.kind is kind)
    return one


def test_a_fee_that_comes_late_is_not_known_until_then(contract, stand):
    """Stripe writes the line of a charge after it reported the success; a message points to it."""
    stand.fake.late_fees = []
    payment = paid(contract)
    before = contract.provider.look_up(payment)
    stand.fake.fees_arrive()
    after = contract.provider.look_up(payment)
    (hint,) = contract.provider.hear(contract.deliveries()[-1])

    assert (charges(before)[0].fee, charges(after)[0].fee) == (None, 27)
    assert joined(after, before) == after
    assert hint.reference == payment.id


def test_what_is_settled_in_another_currency_is_told_in_both(contract, stand):
    """The reader paid 1.00 EUR; in the account arrived 0.50 of the other currency, less the fee."""
    stand.fake.settles_in = "usd"
    (charge,) = charges(contract.provider.look_up(paid(contract)))

    assert (charge.minor, charge.currency) == (100, "EUR")
    assert (charge.settled_minor, charge.settled_currency) == (50, "USD")
    assert (charge.fee, charge.fee_currency, charge.net) == (13, "USD", None)


def test_held_money_is_ready_and_captured_once(contract):
    """A hold is no charge; capturing it again with the same key changes nothing."""
    payment = paid(contract, hold=True)
    held = contract.provider.look_up(payment)
    facts = [contract.provider.act(payment, Capture(), f"{payment.id}:capture") for _ in "12"]

    assert (held.state, charges(held)) == (State.READY, [])
    assert facts[0] == facts[1]
    assert (facts[0].state, len(charges(facts[0]))) == (State.PAID, 1)


def test_held_money_can_be_let_go(contract):
    """A cancelled hold can never be captured."""
    payment = paid(contract, hold=True)
    facts = cancel(contract, payment)

    assert (facts.state, charges(facts)) == (State.CANCELLED, [])
    with pytest.raises(ProviderRefused):
        contract.provider.act(payment, Capture(), f"{payment.id}:capture")


def test_a_decline_before_a_hold_does_not_end_it(contract):
    """Less than a failure is a hold, so a refused card on the way to one is none yet."""
    payment = begun(contract, hold=True)
    contract.person(ref_of(payment), "decline")
    declined = contract.provider.look_up(payment)
    contract.person(ref_of(payment), "pay")
    held = contract.provider.look_up(payment)

    assert (declined.state, declined.failure) == (State.CUSTOMER, "generic_decline")
    assert joined(declined, held).state is State.READY


def saved(contract: OverHttp) -> tuple[str, str]:
    facts = contract.provider.look_up(paid(contract, save=True))
    assert facts.saved
    return facts.saved, facts.saved_label or ""


def charge_saved(contract: OverHttp, method: str, times: int = 1) -> tuple[Asked, Facts]:
    asked = ask(contract)
    action = ChargeSaved(asked.intent, method)
    for _ in range(times):
        facts = contract.provider.act(asked.payment, action, asked.payment.id)
    return asked, facts


def test_a_saved_method_is_charged_while_the_holder_is_away(contract):
    """It is named to the reader, and charged once however often it is asked."""
    method, label = saved(contract)
    asked, facts = charge_saved(contract, method, times=2)
    found = contract.provider.look_up(asked.payment)

    assert label == "Visa •••• 4242"
    assert (facts.state, len(charges(facts))) == (State.PAID, 1)
    assert found == facts
    assert facts.reference == asked.payment.id


def test_a_bank_that_wants_the_holder_there_leaves_it_to_them(contract):
    """That is no failure: the payment waits for the reader."""
    customer = saved(contract)[0].partition("/")[0]
    _, facts = charge_saved(contract, f"{customer}/pm_3ds")

    assert (facts.state, facts.failure) == (State.CUSTOMER, "authentication_required")
    assert charges(facts) == []


def test_a_saved_method_can_be_declined(contract):
    """No money, in a word that says why."""
    customer = saved(contract)[0].partition("/")[0]

    with pytest.raises(ProviderRefused, match="insufficient_funds"):
        charge_saved(contract, f"{customer}/pm_declined")


def test_an_inline_payment_names_its_secret_and_can_be_cancelled(contract):
    """The page gets what Stripe's script needs, and no secret key."""
    asked = ask(contract)
    step = contract.provider.begin(replace(asked.intent, inline=True), asked.payment.id)
    again = contract.provider.begin(replace(asked.intent, inline=True), asked.payment.id)
    contract.person(step.ref, "pay")
    facts = contract.provider.look_up(replace(asked.payment, ref=step.ref))

    assert isinstance(step, Inline)
    assert step == again
    assert set(step.data) == {"client_secret", "publishable_key"}
    assert (facts.state, facts.method) == (State.PAID, "apple_pay")


def test_an_inline_payment_that_is_let_go_can_never_be_paid(contract):
    """As on Stripe's page."""
    payment = begun(contract, inline=True)
    cancel(contract, payment)
    contract.person(ref_of(payment), "pay")
    facts = contract.provider.look_up(payment)

    assert (facts.state, charges(facts)) == (State.CANCELLED, [])


def test_three_d_secure_waits_for_the_reader(contract):
    """While the bank asks, and when it said no, the page is still open."""
    payment = begun(contract)
    contract.person(ref_of(payment), "3ds")
    asked = contract.provider.look_up(payment)
    contract.person(ref_of(payment), "3ds-no")
    failed = contract.provider.look_up(payment)
    contract.person(ref_of(payment), "pay")

    assert (asked.state, failed.state) == (State.CUSTOMER, State.FAILED)
    assert contract.provider.look_up(payment).state is State.PAID


def test_a_slow_payment_can_fail_after_all(contract, stand):
    """A bank that took its time and said no moved nothing."""
    payment = begun(contract)
    contract.person(ref_of(payment), "slow")
    stand.fake.finish_slow(ref_of(payment), ok=False)
    facts = contract.provider.look_up(payment)

    assert (facts.state, charges(facts)) == (State.FAILED, [])


def test_a_charge_that_fails_after_its_success_is_told(contract, stand):
    """What was booked must be taken back, so a known charge that failed is reported."""
    payment = paid(contract)
    known = contract.provider.look_up(payment)
    stand.fake.finish_slow(ref_of(payment), ok=False)
    later = contract.provider.look_up(replace(payment, facts=known))

    assert movement(later, Kind.CHARGE).status is Status.FAILED


def test_a_refund_made_at_stripe_names_nobody_who_asked(contract, stand):
    """It is told with its charge, by which core finds whose it is."""
    payment = paid(contract)
    stand.fake.refund({"payment_intent": stand.fake.intent_of(ref_of(payment))["id"]})
    facts = contract.provider.look_up(payment)
    hints = list(contract.provider.hear(contract.deliveries()[-1]))

    assert (movement(facts, Kind.REFUND).asked, movement(facts, Kind.REFUND).fee) == (None, 0)
    assert hints[0].movement == charges(facts)[0].id


def test_a_refund_that_bounces_has_failed(contract, stand):
    """The money is back in the account: a later no outranks the success."""
    payment = paid(contract)
    _, done = refund(contract, payment, 40)
    stand.fake.bounce(movement(done, Kind.REFUND).id)
    facts = contract.provider.look_up(payment)

    assert movement(joined(facts, done), Kind.REFUND).status is Status.FAILED


def test_an_inquiry_moves_no_money(contract, stand):
    """Only lines of the account are money; what a dispute says it is about is none."""
    payment = paid(contract)
    stand.fake.dispute(ref_of(payment), 100, inquiry=True)

    assert [m.kind for m in contract.provider.look_up(payment).movements] == [Kind.CHARGE]


def test_a_dispute_is_won_when_the_money_is_back(contract, stand):
    """What Stripe calls won brings nothing until its line is there."""
    payment = paid(contract)
    dispute = stand.fake.dispute(ref_of(payment), 100)
    dispute["status"] = "won"
    before = movement(contract.provider.look_up(payment), Kind.DISPUTE)
    stand.fake.decide(dispute["id"], "won")
    after = movement(contract.provider.look_up(payment), Kind.DISPUTE)

    assert (before.status, before.fee) == (Status.PENDING, 2000)
    assert after.status is Status.FAILED


def test_a_warning_of_fraud_is_told(contract, stand):
    """It points to its charge, and is read once the payment is known to be paid."""
    payment = paid(contract)
    known = contract.provider.look_up(payment)
    stand.fake.warn(ref_of(payment))
    later = contract.provider.look_up(replace(payment, facts=known))
    (hint,) = contract.provider.hear(contract.deliveries()[-1])

    assert (known.warning, later.warning) == (None, "early_fraud_warning")
    assert hint.movement == charges(later)[0].id


@pytest.mark.parametrize("way", ["busy", "moved"])
def test_not_now_and_elsewhere_are_no_answers(contract, stand, way):
    """429 is no refusal, and a redirect is not followed: the same key is asked again."""
    asked = ask(contract)
    stand.faults.append(Fault("begin", way))
    with pytest.raises(ProviderUnknown):
        contract.provider.begin(asked.intent, asked.payment.id)

    assert contract.provider.begin(asked.intent, asked.payment.id).ref
    assert ("GET", "/v1/account") not in stand.calls


def test_a_key_that_does_not_work_refuses(stand):
    """Nothing began, so the reader can pay another way; the key is in no message."""
    settings = chosen_for(stand, key="sk_test_wrong")
    contract = OverHttp(stand, Stripe(lambda: settings), 0)
    asked = ask(contract)

    with pytest.raises(ProviderRefused) as refused:
        contract.provider.begin(asked.intent, asked.payment.id)
    assert "sk_test" not in str(refused.value)


def test_a_visit_is_begun_again_in_other_words(contract):
    """The same payment from another address of the site leads to the same visit."""
    asked = ask(contract)
    first = contract.provider.begin(asked.intent, asked.payment.id)
    other = replace(asked.intent, return_url="http://127.0.0.1/checkout/x")

    assert contract.provider.begin(other, asked.payment.id) == first


def test_two_sites_on_one_account_do_not_see_each_other(contract, stand):
    """A payment of another site is none of ours, even by its id."""
    payment = paid(contract)
    another = chosen_for(stand, site="another")

    assert Stripe(lambda: another).look_up(replace(payment, ref=None)).state is State.NEW
    assert Stripe(lambda: another).look_up(payment).payee == "site"


def test_either_secret_is_good_while_they_are_exchanged(contract, stand):
    """Messages signed with the one before are taken; with none of both they are not."""
    paid(contract)
    message = contract.deliveries()[-1]
    both = Stripe(lambda: chosen_for(stand, secrets=("whsec_new", SECRET)))
    new = Stripe(lambda: chosen_for(stand, secrets=("whsec_new",)))
    none = Stripe(lambda: chosen_for(stand, secrets=()))

    assert list(both.hear(message))
    for provider in (new, none):
        with pytest.raises(Forged):
            list(provider.hear(message))


def test_a_header_may_come_in_small_letters(contract):
    """Header names have no case."""
    paid(contract)
    message = contract.deliveries()[-1]
    headers = {name.lower(): value for name, value in message.headers.items()}

    assert list(contract.provider.hear(Inbound(headers, message.body)))


def test_a_statement_tells_each_cent_and_its_payout():
    """Charges, refunds and disputes by the movement's id, payouts by their own; oldest first."""
    with running() as stand:
        settings = chosen_for(stand)
        contract = OverHttp(stand, Stripe(lambda: settings), 0)
        payment = paid(contract)
        charge = charges(contract.provider.look_up(payment))[0]
        refund(contract, payment, 40)
        payout = stand.fake.pay_out()["id"]
        contract.foreign()
        told = list(contract.provider.statement(now() - timedelta(hours=1), now()
                                                + timedelta(hours=1)))  # fmt: skip

    assert [(one.kind, one.minor, one.fee) for one in told] == [
        ("charge", 100, 27), ("refund", -40, 0), ("payout", -33, 0),
    ]  # fmt: skip
    assert told[0].id == charge.id
    assert {one.payout for one in told} == {payout}
    assert sum(one.minor - one.fee for one in told) == 0


def test_a_quote_is_the_owners_own_figure_if_set(stand):
    """By where the card is from, or as the owner writes it; nothing without a key."""
    table, own = chosen_for(stand), chosen_for(stand, fees="own", own_share=100, own_fixed=5)
    euro = Money(1000, "EUR")
    fees = [Stripe(lambda: table).quote(euro, country=c).fee.minor for c in ("", "IT", "GB", "US")]

    assert fees == [40, 40, 50, 58]
    assert Stripe(lambda: own).quote(euro, country="US").fee.minor == 15
    assert Stripe(lambda: chosen_for(stand, key="")).quote(euro, country="IT") is None

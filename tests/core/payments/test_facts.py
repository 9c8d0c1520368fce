"""Reports join: order, duplicates and replays cannot matter."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.payments import Facts, Kind, Movement, State, Status

quick = settings(deadline=None, max_examples=60)
texts = st.none() | st.sampled_from(["a", "b", "Ä"])
figures = st.none() | st.integers(-5, 5)
movements = st.builds(
    Movement,
    kind=st.sampled_from(Kind),
    id=st.sampled_from(["m1", "m2"]),
    minor=st.integers(0, 5),
    currency=st.sampled_from(["EUR", "USD"]),
    status=st.sampled_from(Status),
    fee=figures,
    net=figures,
    instrument=texts,
    asked=texts,
    fee_currency=texts,
    settled_minor=figures,
    settled_currency=texts,
)
reports = st.builds(
    Facts,
    ref=st.sampled_from(["", "r1", "r2"]),
    state=st.sampled_from(State),
    movements=st.lists(movements, max_size=4, unique_by=lambda m: (m.kind, m.id)).map(tuple),
    reference=texts,
    payee=texts,
    mode=st.sampled_from([None, "live", "test"]),
    method=texts,
    failure=texts,
    saved=texts,
    saved_label=texts,
)


@quick
@given(one=reports, other=reports)
def test_which_report_came_first_does_not_matter(one, other):
    """The join is commutative."""
    assert one.join(other) == other.join(one)


@quick
@given(one=reports, other=reports, third=reports)
def test_how_reports_are_gathered_does_not_matter(one, other, third):
    """The join is associative."""
    assert one.join(other).join(third) == one.join(other.join(third))


@quick
@given(one=reports, other=reports)
def test_a_report_that_comes_again_changes_nothing(one, other):
    """The join is idempotent, for what is joined already and for what went into it."""
    joined = one.join(other)

    assert joined.join(joined) == joined
    assert joined.join(one) == joined == joined.join(other)


@quick
@given(some=st.lists(reports, min_size=2, max_size=3), again=st.randoms())
def test_any_order_with_any_repetition_comes_to_the_same(some, again):
    """All ways of delivering the same reports end at one truth."""
    ends = set()
    for order in permutations(some):
        known = Facts("")
        for report in (*order, *again.choices(some, k=2)):
            known = known.join(report)
        ends.add(known)

    assert len(ends) == 1


@quick
@given(one=reports, other=reports)
def test_nothing_that_is_known_is_forgotten(one, other):
    """A figure only becomes known or larger; a movement never goes away."""
    joined = one.join(other)

    assert {(m.kind, m.id) for m in one.movements} <= {(m.kind, m.id) for m in joined.movements}
    for m in one.movements:
        now = joined.movement(m.kind, m.id)
        assert now.minor >= m.minor
        assert m.fee is None or now.fee >= m.fee
    for name in ("reference", "payee", "mode", "method", "failure"):
        assert getattr(one, name) is None or getattr(joined, name) >= getattr(one, name)


def test_a_movement_named_twice_in_one_report_is_one_movement():
    """What a provider says twice within a report joins as in two reports, in any order."""
    pending = Movement(Kind.CHARGE, "ch", 20, "EUR", Status.PENDING)
    done = Movement(Kind.CHARGE, "ch", 20, "EUR", Status.DONE, fee=3)
    for both in ((pending, done), (done, pending)):
        report = Facts("r", State.PAID, both)

        assert report.join(Facts("r")).movements == (done,)
        assert Facts("r").join(report).movements == (done,)


RANKED = ["new", "customer", "bank", "ready", "expired", "failed", "cancelled", "saved", "paid"]


def test_states_rank_from_least_to_most():
    """The order is the whole rule, so that it stands here once more."""
    assert [str(state) for state in State] == RANKED
    for lower, higher in zip(State, list(State)[1:], strict=False):
        assert Facts("", lower).join(Facts("", higher)).state is higher


@pytest.mark.parametrize("end", [State.EXPIRED, State.FAILED, State.CANCELLED])
def test_a_late_success_wins(end):
    """Whatever a payment ended as, money that came in after all is a fact."""
    charge = Movement(Kind.CHARGE, "ch", 20, "EUR")

    joined = Facts("r", end, failure="too slow").join(Facts("r", State.PAID, (charge,)))

    assert (joined.state, joined.movements) == (State.PAID, (charge,))


@pytest.mark.parametrize("kind", Kind)
def test_a_movement_that_failed_stays_failed(kind):
    """Late failure outranks success: a refund bounced, a charge taken back, a dispute won."""
    done, failed = (Movement(kind, "m", 20, "EUR", s) for s in (Status.DONE, Status.FAILED))

    assert done.join(failed) == failed.join(done) == failed


def test_a_fee_of_nothing_is_known():
    """Zero is a figure; None is not."""
    unknown = Movement(Kind.CHARGE, "ch", 20, "EUR")

    assert unknown.join(replace(unknown, fee=0)).fee == 0
    assert replace(unknown, fee=0).join(unknown).fee == 0
    assert replace(unknown, fee=-3).join(unknown).fee == -3


def test_movements_are_told_apart_by_kind_and_id():
    """A charge and a refund may carry one id."""
    charge, refund = (Movement(kind, "x", 20, "EUR") for kind in (Kind.CHARGE, Kind.REFUND))
    facts = Facts("", movements=(charge,)).join(Facts("", movements=(refund,)))

    assert facts.movement(Kind.CHARGE, "x") == charge
    assert facts.movement(Kind.REFUND, "x") == refund
    assert facts.movement(Kind.DISPUTE, "x") is None


def test_a_total_counts_one_kind_in_the_named_statuses():
    """In minor units; nothing adds up to zero."""
    facts = Facts("", movements=tuple(
        Movement(kind, f"{kind}{status}", minor, "EUR", status)
        for kind, status, minor in [
            (Kind.CHARGE, Status.DONE, 20), (Kind.CHARGE, Status.PENDING, 7),
            (Kind.CHARGE, Status.FAILED, 100), (Kind.REFUND, Status.DONE, 3),
        ]
    ))  # fmt: skip

    assert facts.total(Kind.CHARGE, Status.DONE) == 20
    assert facts.total(Kind.CHARGE, Status.DONE, Status.PENDING) == 27
    assert facts.total(Kind.DISPUTE, Status.DONE) == 0


def test_every_field_takes_part_in_the_join():
    """A field that is added later and forgotten in the join fails here."""
    movement = Movement(
        Kind.CHARGE, "m", 20, "EUR", Status.FAILED, 1, 19, "card", "ref_1", "USD", 22, "USD"
    )
    facts = Facts(
        "r",
        State.PAID,
        (movement,),
        "pay_1",
        "shop",
        "live",
        "card",
        "no",
        "pm_1",
        "Visa 4242",
        "early_fraud_warning",
    )
    less = Facts("", movements=(Movement(Kind.CHARGE, "m", 0, "", Status.PENDING),))

    assert None not in {getattr(facts, field.name) for field in fields(facts)}
    assert None not in {getattr(movement, field.name) for field in fields(movement)}
    assert less.join(facts) == facts.join(less) == facts

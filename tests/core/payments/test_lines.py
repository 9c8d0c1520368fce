"""Lines of providers' accounts are kept once, and may name their payout later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.payments import StatementLine, lines
from core.payments.lines import Difference
from core.storage import transaction
from tests.stand_in import eur

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINE = StatementLine("charge", "ch", AT, 20, 3, "EUR")
DAY = date(2026, 11, 22)

pytestmark = pytest.mark.usefixtures("db")


def keep(*told):
    with transaction():
        lines.keep("bank", told)


def test_a_line_is_kept_once_and_named_by_its_payout_when_that_is_known():
    """Telling it again without the payout forgets nothing."""
    keep(LINE, replace(LINE, id="other", at=AT + timedelta(days=1)))
    keep(replace(LINE, payout="po"))
    keep(LINE)

    assert lines.between("bank", *lines.bounds(DAY)) == [replace(LINE, payout="po")]
    assert lines.paid_out("bank", "po") == lines.named("bank", "charge", ["ch", "x"])
    assert lines.between("another", *lines.bounds(DAY)) == []


def test_payouts_are_listed_the_latest_first():
    """Each with its provider."""
    old, new = (replace(LINE, kind="payout", id=id, minor=-9) for id in ("a", "b"))
    keep(LINE, replace(old, at=AT - timedelta(days=1)), new)

    assert [(provider, one.id) for provider, one in lines.payouts(9)] == [
        ("bank", "b"),
        ("bank", "a"),
    ]
    assert len(lines.payouts(1)) == 1


def test_the_differences_of_a_day_replace_those_found_before():
    """Those of other days and providers stay."""
    found = Difference("bank", DAY, "charge:ch", "amount", eur(-1))
    before = replace(found, day=DAY - timedelta(days=1))
    with transaction():
        lines.put_differences("bank", before.day, [before])
        lines.put_differences("bank", DAY, [found, replace(found, problem="fee")])
        lines.put_differences("bank", DAY, [found])

    assert lines.differences(9) == [found, before]

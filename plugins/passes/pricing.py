"""The rules as lines of an order, and the check that a stored order still costs what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from core import (
    AlreadyHeld,
    Conflict,
    Line,
    Money,
    Order,
    gettext,
    holders_of,
    holds_any,
    share,
)
from plugins.passes.keys import is_pass, tag_of
from plugins.passes.rules import Context, Discount, Price, Rule, discounts
from plugins.passes.selling import rules
from plugins.passes.spending import OWN, spent_by, with_unpaid


def lines_for(order: Order) -> list[Line]:
    """Return the discounts of a draft, each as part of the line that it makes cheaper."""
    asked, active = _asked(order), rules()
    if not _concerned(asked, active):
        return []
    found = discounts([price for _, price in asked], active, _context(order, asked, active))
    return [
        one
        for (line, price), given in zip(asked, found, strict=True)
        for one in _lines(order, line, price.minor, given)
    ]


def _asked(order: Order) -> list[tuple[Line, Price]]:
    """Return the lines of an order that sell a key, with what each costs so far."""
    return [
        (line, Price(max(0, _worth(order, line)), line.grants[0].key, line.grants[0].lasts))
        for line in order.lines
        if line.grants and line.part_of is None
    ]


def _worth(order: Order, line: Line) -> int:
    return sum(one.amount.minor for one in order.group(line.number))


def _concerned(asked: Iterable[tuple[Line, Price]], active: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in active if any(rule.applies(price) for _, price in asked)]


def _context(order: Order, asked: Iterable[tuple[Line, Price]], active: Sequence[Rule]) -> Context:
    concerned = _concerned(asked, active)
    reach = max((rule.reach for rule in concerned), default=timedelta(0))
    tagged = any(tag_of(price.key) and price.lasts is None for _, price in asked)
    return spent_by(order.holder, reach, tagged=tagged)


def _lines(order: Order, line: Line, worth: int, given: Sequence[Discount]) -> Iterable[Line]:
    """Yield a discount's lines: each account that earns by the line gives its share."""
    for discount in given:
        by_account: dict[str, int] = {}
        for one in order.group(line.number):
            by_account[one.account] = by_account.get(one.account, 0) + one.amount.minor
        del by_account[line.account]
        shares = {name: share(sum_, discount.minor, worth) for name, sum_ in by_account.items()}
        own = discount.minor - sum(shares.values())
        for account, minor in {line.account: own, **shares}.items():
            if minor or account == line.account:
                yield Line(
                    label(discount.rule), Money(-minor, order.currency), account,
                    part_of=line.number, tax_class=line.tax_class,
                    data=_data(discount, is_first=account == line.account),
                )  # fmt: skip


def _data(discount: Discount, *, is_first: bool) -> dict[str, object]:
    counts = [list(one) for one in discount.counts] if is_first else []
    return {OWN: discount.rule, "counts": counts} if counts else {OWN: discount.rule}


def label(rule: str) -> str:
    """Return what the line of a rule is called, in the reader's language."""
    labels = {
        "cap": gettext("More than today’s most"),
        "spent": gettext("What you spent lately counts"),
        "bought": gettext("What you bought singly counts"),
    }
    return str(labels[rule])


def refuse_changed(order: Order) -> None:
    """Refuse an order whose price is no longer what the rules say, under its holder's lock.

    What is ordered and not paid yet counts as paid, so that the cap holds however tabs are paid.
    Raises AlreadyHeld for a pass that is held, and Conflict; the draft is then asked again.
    """
    _refuse_twice(order)
    seen, active = _as_drafted(order), rules()
    asked = _asked(seen)
    stored = _sums(order)
    if not stored and not _concerned(asked, active):
        return
    context = _context(order, asked, active)
    if _said(asked, active, context) != stored:
        raise Conflict("The price has changed meanwhile. Please open the page again.")
    if _said(asked, active, with_unpaid(context, order)) != stored:
        raise Conflict(
            "Another order of yours is not paid yet, and this price depends on it. Pay that one "
            "first, or come back when its time is over."
        )


def _refuse_twice(order: Order) -> None:
    """Refuse a pass that its holder has already: the second tap of a double tap."""
    keys = [one.key for line in order.lines for one in line.grants if is_pass(one.key)]
    if keys and holds_any(holders_of(order.holder), keys):
        raise AlreadyHeld("This is yours already.")


def _as_drafted(order: Order) -> Order:
    """Return an order as the rules saw it: with the lines that stood before theirs."""
    own = [line.number for line in order.lines if OWN in line.data]
    until = own[0] if own else len(order.lines) + 1
    return replace(order, lines=tuple(line for line in order.lines if line.number < until))


Sums = dict[int, tuple[int, list[list[object]]]]
"""By line: what is taken off, and what counted toward it."""


def _sums(order: Order) -> Sums:
    sums: Sums = {}
    for line in order.lines:
        if OWN in line.data and line.part_of is not None:
            minor, counts = sums.get(line.part_of, (0, []))
            more = [list(one) for one in line.data.get("counts", [])]
            sums[line.part_of] = (minor - line.amount.minor, counts + more)
    return sums


def _said(asked: list[tuple[Line, Price]], active: Sequence[Rule], context: Context) -> Sums:
    found = discounts([price for _, price in asked], active, context)
    return {
        line.number: (
            sum(one.minor for one in given), [list(one) for d in given for one in d.counts]
        )
        for (line, _), given in zip(asked, found, strict=True)
        if given
    }  # fmt: skip

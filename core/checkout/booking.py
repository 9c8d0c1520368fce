"""The entries that follow from a movement; keys name the movement, so nothing is booked twice."""

from __future__ import annotations

from core.ledger import CLAIMS, UNASSIGNED, Leg, post, reverse
from core.money import Money, share
from core.orders import Order
from core.payments import Facts, Kind, Movement, Payment, Status, records


def key_of(payment: Payment, movement: Movement, part: str = "") -> str:
    """Return an entry's natural key: `<provider>:<kind>:<movement>[:<part>]`."""
    key = f"{payment.provider}:{movement.kind}:{movement.id}"
    return f"{key}:{part}" if part else key


def book(
    order: Order,
    payment: Payment,
    known: Facts,
    movement: Movement,
    earlier: Movement | None,
    till: str,
    *,
    opens: bool,
    instant: bool,
) -> None:
    """Book what a movement says now beyond what it said `earlier`.

    What a fact takes from a bounded account that has too little becomes a claim on the holder: a
    fact never fails. Only the charge of an `instant` provider is no fact yet: it raises
    BoundExceeded, and all that belongs to it is rolled back.
    """
    mode = known.mode or payment.mode
    spill = "" if instant and movement.kind is Kind.CHARGE else CLAIMS + order.holder

    def entry(part: str, legs: list[Leg], reason: str) -> None:
        key = key_of(payment, movement, part)
        post(key, legs, reason=reason, mode=mode, order=order.id, spill=spill)

    booked = earlier is not None and _counts(earlier)
    if _counts(movement) and not booked:
        entry("", _legs(order, payment, known, movement, till, opens=opens), movement.kind)
    elif earlier and booked and not _counts(movement):
        original = key_of(payment, movement)
        reverse(
            f"{original}:failed", original,
            reason=f"{movement.kind} taken back", mode=mode, order=order.id, spill=spill,
        )  # fmt: skip
    elif earlier and booked and earlier.minor != movement.minor:
        legs = _more(movement, earlier, till)
        entry(f"amount:{movement.minor}", legs, "another amount reported")
    entry(*_fee(payment, movement, earlier, till))
    if movement.kind is Kind.REFUND and movement.asked and movement.status is not Status.PENDING:
        records.mark_refund(movement.asked, str(movement.status))


def _counts(movement: Movement) -> bool:
    """Tell whether a movement's money has moved: a dispute takes it when it opens."""
    if movement.kind is Kind.DISPUTE:
        return movement.status is not Status.FAILED
    return movement.status is Status.DONE


def _more(movement: Movement, earlier: Movement, till: str) -> list[Leg]:
    """Return the legs for a figure that grew after it was booked: the rest is unassigned."""
    way = 1 if movement.kind is Kind.CHARGE else -1
    more = Money(way * (movement.minor - earlier.minor), movement.currency)
    return [Leg(till, more), Leg(UNASSIGNED, -more)]


def _fee(
    payment: Payment, movement: Movement, earlier: Movement | None, till: str
) -> tuple[str, list[Leg], str]:
    """Return part, legs and reason of the fee that became known, or grew; no legs for none."""
    before = None if earlier is None else _fee_known(earlier)
    now = _fee_known(movement)
    fee = Money((now or 0) - (before or 0), movement.currency)
    part = "fee" if before is None else f"fee:{now}"
    return (
        part,
        [Leg(f"expenses:fees:{payment.provider}", fee), Leg(till, -fee)],
        f"fee of a {movement.kind}",
    )


def _fee_known(movement: Movement) -> int | None:
    settled = movement.kind is Kind.DISPUTE or movement.status is not Status.PENDING
    return movement.fee if settled else None


def _legs(
    order: Order, payment: Payment, known: Facts, movement: Movement, till: str, *, opens: bool
) -> list[Leg]:
    amount = Money(movement.minor, movement.currency)
    if movement.kind is Kind.CHARGE:
        earned = [Leg(line.account, -line.amount) for line in order.lines]
        return [Leg(till, amount), *(earned if opens else [Leg(UNASSIGNED, -amount)])]
    if order.payment != payment.id or movement.currency != order.currency:
        return [Leg(UNASSIGNED, amount), Leg(till, -amount)]
    if movement.kind is Kind.DISPUTE:
        taken = _spread(order, payment, known, movement)
    else:
        taken = _lines_of_refund(order, payment, known, movement)
    named = sum(leg.amount.minor for leg in taken)
    rest = Money(movement.minor - named, movement.currency)
    return [*taken, Leg(UNASSIGNED, rest), Leg(till, -amount)]


def _lines_of_refund(order: Order, payment: Payment, known: Facts, movement: Movement) -> list[Leg]:
    """Return what a refund takes from its lines; one that core did not ask for names none."""
    asked = next((r for r in records.refunds(payment) if r.id == movement.asked), None)
    if asked is None or asked.amount.minor != movement.minor:
        return []
    before = refunded(payment, known, leave_out=asked.id)
    return [
        leg
        for number, minor in asked.lines.items()
        for leg in parts(order, number, minor, before.get(number, 0))
    ]


def _spread(order: Order, payment: Payment, known: Facts, movement: Movement) -> list[Leg]:
    """Return what a dispute takes from each line: its share of what refunds left there."""
    back = refunded(payment, known)
    left = {
        line.number: worth - back.get(line.number, 0)
        for line in order.lines
        if line.part_of is None
        and (worth := sum(one.amount.minor for one in order.group(line.number))) > 0
    }
    whole = sum(left.values())
    others = sum(
        m.minor for m in known.movements if m.kind is Kind.DISPUTE and m != movement and _counts(m)
    )
    wanted = min(movement.minor, max(0, whole - others))
    legs: list[Leg] = []
    so_far = 0
    passed = 0
    for number, minor in left.items():
        passed += minor
        upto = share(wanted, passed, whole) if whole else 0
        legs += parts(order, number, upto - so_far, back.get(number, 0))
        so_far = upto
    return legs


def refunded(payment: Payment, known: Facts, *, leave_out: str = "") -> dict[int, int]:
    """Return, by line, the minor units that went back by refunds that core asked for."""
    done = {m.asked for m in known.movements if m.kind is Kind.REFUND and m.status is Status.DONE}
    back: dict[int, int] = {}
    for refund in records.refunds(payment):
        kept = refund.destination != payment.provider and refund.state == "done"
        if refund.id != leave_out and (kept or refund.id in done):
            for number, minor in refund.lines.items():
                back[number] = back.get(number, 0) + minor
    return back


def parts(order: Order, number: int, minor: int, before: int) -> list[Leg]:
    """Return the debits that give back `minor` of a line of which `before` went back already.

    Lines that are part of it follow in proportion; shares are cut from the running total, so that
    refunds in many steps end at the same amounts as one, and the line itself takes what is left.
    """
    if minor == 0:
        return []
    line, *others = order.group(number)
    worth = sum(one.amount.minor for one in order.group(number))

    def upto(part: int, back: int) -> int:
        return share(part, back, worth)

    legs = [
        Leg(other.account, Money(
            upto(other.amount.minor, before + minor) - upto(other.amount.minor, before),
            order.currency,
        ))
        for other in others
    ]  # fmt: skip
    rest = minor - sum(leg.amount.minor for leg in legs)
    return [Leg(line.account, Money(rest, order.currency)), *legs]

"""What a payment's facts come to in the books; when they change, the difference is posted.

So the books follow from the facts alone, in whatever order they became known. An entry's key names
the movement that changed, so that nothing is booked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from core.ledger import CLAIMS, UNASSIGNED, Leg, post
from core.money import Money, share
from core.orders import Order
from core.payments import Facts, Kind, Movement, Payment, Provider, Status, records
from core.payments.records import AskedRefund

Till = Callable[[str, str], str]


def key_of(payment: Payment, movement: Movement, part: str = "") -> str:
    """Return an entry's natural key: `<provider>:<kind>:<movement>[:<part>]`."""
    key = f"{payment.provider}:{movement.kind}:{movement.id}"
    return f"{key}:{part}" if part else key


def book(
    order: Order, payment: Payment, known: Facts, provider: Provider, opening: Movement | None
) -> None:
    """Book what `known` says beyond the payment's facts; `opening` is the charge that pays now.

    What a fact takes from a bounded account that has too little becomes a claim on the holder: a
    fact never fails. Only the charge of an `instant` provider is no fact yet: it raises
    BoundExceeded, and all that belongs to it is rolled back.
    """
    is_first = not payment.facts.movements and len(known.movements) == 1
    asked = [] if is_first else records.refunds(payment)
    now = Books(order, payment, _of_known(payment, known), order.payment == payment.id, asked)
    for movement in known.movements:
        earlier = now.facts.movement(movement.kind, movement.id)
        if movement == earlier:
            continue
        before, facts = now, now.facts.join(replace(known, movements=(movement,)))
        now = replace(before, facts=facts, paid=before.paid or movement == opening)
        part, reason = _named(movement, earlier)
        moved = difference(now.legs(provider.till), before.legs(provider.till))
        fee = _fee(payment, movement, earlier, provider.till(order.holder, movement.currency))
        instant = "instant" in provider.can and movement.kind is Kind.CHARGE
        for name, legs, why in ((part, moved, reason), fee):
            post(
                key_of(payment, movement, name), legs, reason=why, order=order.id,
                mode=known.mode or payment.mode, spill="" if instant else CLAIMS + order.holder,
            )  # fmt: skip
        if (
            movement.kind is Kind.REFUND
            and movement.asked
            and movement.status is not Status.PENDING
        ):
            records.mark_refund(movement.asked, str(movement.status))


def _of_known(payment: Payment, known: Facts) -> Facts:
    """Return the payment's facts without the movements that `known` leaves out."""
    ids = {(m.kind, m.id) for m in known.movements}
    mine = tuple(m for m in payment.facts.movements if (m.kind, m.id) in ids)
    return replace(payment.facts, movements=mine)


def difference(now: Iterable[Leg], before: Iterable[Leg]) -> list[Leg]:
    """Return the legs that lead from one set of legs to another."""
    return [*now, *(Leg(leg.account, -leg.amount) for leg in before)]


def _named(movement: Movement, earlier: Movement | None) -> tuple[str, str]:
    """Return the part of the key and the reason of what a change of a movement moves."""
    if earlier is None or not _counts(earlier):
        return "", str(movement.kind)
    if not _counts(movement):
        return "failed", f"{movement.kind} taken back"
    return f"amount:{movement.minor}:{movement.asked or ''}", "another figure reported"


def _counts(movement: Movement) -> bool:
    """Tell whether a movement's money has moved: a dispute takes it when it opens."""
    if movement.kind is Kind.DISPUTE:
        return movement.status is not Status.FAILED
    return movement.status is Status.DONE


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


@dataclass(frozen=True, slots=True)
class Books:
    """What facts come to, fees apart; `paid` tells whether this payment has paid the order.

    `refunds` are those that core asked for; one that another provider keeps for the reader is no
    movement of this one.
    """

    order: Order
    payment: Payment
    facts: Facts
    paid: bool = True
    refunds: Iterable[AskedRefund] = ()

    def legs(self, till: Till) -> list[Leg]:
        """Return tills, lines and what belongs to no line; refunds kept elsewhere are left open."""
        legs = []
        for m in filter(_counts, self.facts.movements):
            amount = Money(m.minor if m.kind is Kind.CHARGE else -m.minor, m.currency)
            account = till(self.order.holder, m.currency)
            legs += [Leg(account, amount), Leg(UNASSIGNED, -amount)]
        if self.paid and is_covered(self.payment, self.facts):
            lines = [Leg(line.account, -line.amount) for line in self.order.lines]
            for number, minor in self.went_back().items():
                lines += parts(self.order, number, minor)
            legs += lines
            legs += [Leg(UNASSIGNED, -leg.amount) for leg in lines]
        kept = sum(one.amount.minor for one in self.refunds if _is_kept(one, self.payment))
        return [*legs, Leg(UNASSIGNED, Money(kept, self.order.currency))]

    def went_back(self) -> dict[int, int]:
        """Return the minor units that refunds and disputes took from each line, its parts with it.

        Disputes share what the refunds left, in proportion; what is beyond belongs to no line.
        """
        back = refunded(self.payment, self.facts, self.refunds)
        left = {
            line.number: worth - back.get(line.number, 0)
            for line in self.order.lines
            if line.part_of is None
            and (worth := sum(one.amount.minor for one in self.order.group(line.number))) > 0
        }
        whole = sum(left.values())
        disputed = sum(
            m.minor
            for m in self.facts.movements
            if m.kind is Kind.DISPUTE and _counts(m) and m.currency == self.order.currency
        )
        passed = upto = 0
        for number, minor in left.items():
            passed += minor
            until = share(min(disputed, whole), passed, whole) if whole else 0
            back[number] = back.get(number, 0) + until - upto
            upto = until
        return back


def is_covered(payment: Payment, facts: Facts) -> bool:
    """Tell whether a done charge covers what was asked; one that grew does too."""
    return any(
        m.kind is Kind.CHARGE
        and m.status is Status.DONE
        and m.currency == payment.amount.currency
        and m.minor >= payment.amount.minor
        for m in facts.movements
    )


def refunded(payment: Payment, facts: Facts, refunds: Iterable[AskedRefund]) -> dict[int, int]:
    """Return, by line, the minor units that went back by refunds that core asked for.

    One of another figure than was asked names no lines.
    """
    done = {
        (m.asked, m.minor, m.currency)
        for m in facts.movements
        if m.kind is Kind.REFUND and m.status is Status.DONE
    }
    back: dict[int, int] = {}
    for one in refunds:
        asked = (one.id, one.amount.minor, one.amount.currency)
        if asked in done or _is_kept(one, payment):
            for number, minor in one.lines.items():
                back[number] = back.get(number, 0) + minor
    return back


def _is_kept(refund: AskedRefund, payment: Payment) -> bool:
    return refund.destination != payment.provider and refund.state == "done"


def parts(order: Order, number: int, minor: int) -> list[Leg]:
    """Return the debits that give back `minor` of a line.

    Lines that are part of it follow in proportion, and the line itself takes what is left, so
    that all of a line gives back all that each account earned by it.
    """
    line, *others = order.group(number)
    worth = sum(one.amount.minor for one in (line, *others))
    legs = [
        Leg(other.account, Money(share(other.amount.minor, minor, worth), order.currency))
        for other in others
    ]
    rest = minor - sum(leg.amount.minor for leg in legs)
    return [Leg(line.account, Money(rest, order.currency)), *legs]

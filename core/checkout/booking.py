"""What a payment's facts come to in the books; when they change, the difference is posted.

So the books follow from the facts alone, in whatever order they became known. An entry's key names
the movement that changed, so that nothing is booked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.ledger import CLAIMS, UNASSIGNED, Leg, bound_of, legs_of, post
from core.money import Money, share
from core.orders import Order
from core.payments import Facts, Kind, Movement, Payment, Provider, Status, records
from core.payments.records import AskedRefund
from core.people import users

Till = Callable[[str, str], str]
REFUNDS = "liabilities:refunds"
"""Where money stands that is on its way back from a balance."""


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
    earlier = {(m.kind, m.id): m for m in payment.facts.movements}
    mine = {(m.kind, m.id) for m in known.movements}
    is_first = not earlier and len(known.movements) == 1
    now = Books(
        order, payment, tuple(m for m in payment.facts.movements if (m.kind, m.id) in mine),
        order.payment == payment.id, () if is_first else records.refunds(payment),
    )  # fmt: skip
    for movement in known.movements:
        before, was = now, earlier.get((movement.kind, movement.id))
        if movement == was:
            continue
        if movement.asked and movement.status is not Status.PENDING:
            put_back(movement.asked, payment)
        others = tuple(m for m in before.movements if m is not was)
        paid = before.paid or movement == opening
        now = Books(order, payment, (*others, movement), paid, before.refunds)
        part, reason = _named(movement, was)
        moved = difference(now.legs(provider.till), before.legs(provider.till))
        fee = _fee(order, payment, movement, was, provider.till)
        instant = "instant" in provider.can and movement.kind is Kind.CHARGE
        owner = order.holder if instant else owner_of(order.holder)
        for name, legs, why in ((part, moved, reason), fee):
            if not legs:
                continue
            post(
                key_of(payment, movement, name), of_owner(legs, order.holder, owner), reason=why,
                mode=known.mode or payment.mode, order=order.id,
                spill="" if instant else CLAIMS + owner,
            )  # fmt: skip
        _mark_refunds(movement, before.refunds)


def set_aside(order: Order, payment: Payment, asked: AskedRefund, *, only_unspent: bool) -> None:
    """Take out of its holder's accounts what a refund will take, until it is done or failed.

    Raises BoundExceeded with `only_unspent`.
    """
    end, owner = f":{order.holder}", owner_of(order.holder)
    legs = [
        leg
        for number, minor in asked.lines.items()
        for leg in parts(order, number, minor)
        if leg.account.endswith(end) and bound_of(leg.account)
    ]
    legs = of_owner(legs, order.holder, owner)
    legs += [Leg(REFUNDS, -leg.amount) for leg in legs]
    spill = "" if only_unspent else CLAIMS + owner
    post(
        f"aside:{asked.id}", legs, reason="set aside for a refund", mode=payment.mode,
        order=order.id, spill=spill,
    )  # fmt: skip


def put_back(asked: str, payment: Payment) -> None:
    """Put back what was set aside for a refund; what it takes is booked by itself."""
    legs = [Leg(leg.account, -leg.amount) for leg in legs_of(f"aside:{asked}")]
    post(
        f"unaside:{asked}", legs, reason="no longer set aside", mode=payment.mode,
        order=payment.order, keep_bounds=False,
    )  # fmt: skip


def owner_of(holder: str) -> str:
    """Return who has what a holder's accounts held: the user who claimed a guest, else itself."""
    return users.claimant(holder) or holder


def of_owner(legs: Iterable[Leg], holder: str, owner: str) -> list[Leg]:
    """Return legs with a guest's own accounts as its user's: what merging moved stays there."""
    end = f":{holder}"
    return [
        Leg(leg.account.removesuffix(holder) + owner, leg.amount)
        if leg.account.endswith(end) else leg
        for leg in legs
    ]  # fmt: skip


def difference(now: Iterable[Leg], before: Iterable[Leg]) -> list[Leg]:
    """Return the legs that lead from one set of legs to another."""
    return [*now, *(Leg(leg.account, -leg.amount) for leg in before)]


def _named(movement: Movement, earlier: Movement | None) -> tuple[str, str]:
    """Return the part of the key and the reason of what a change of a movement moves."""
    if earlier is None or not _counts(earlier):
        return "", str(movement.kind)
    if not _counts(movement):
        return "failed", f"{movement.kind} taken back"
    figures = f"{movement.minor}:{movement.asked or ''}{_settled(movement)}"
    return f"amount:{figures}", "another figure reported"


def _counts(movement: Movement) -> bool:
    """Tell whether a movement's money has moved: a dispute takes it when it opens."""
    if movement.kind is Kind.DISPUTE:
        return movement.status is not Status.FAILED
    return movement.status is Status.DONE


def _mark_refunds(movement: Movement, refunds: Iterable[AskedRefund]) -> None:
    """Store what became of the refund that a movement is; one that staff named may bounce."""
    if movement.asked and movement.status is not Status.PENDING:
        records.mark_refund(movement.asked, str(movement.status))
    if movement.kind is Kind.REFUND and movement.status is Status.FAILED:
        for one in refunds:
            if one.movement == movement.id:
                records.mark_refund(one.id, "failed")


def _fee(
    order: Order, payment: Payment, movement: Movement, earlier: Movement | None, till: Till
) -> tuple[str, list[Leg], str]:
    """Return part, legs and reason of the fee that became known, or changed; no legs for none."""
    if not (movement.fee or (earlier and earlier.fee)):
        return "fee", [], ""
    before = [] if earlier is None else fee_legs(order, payment, earlier, till)
    is_first = earlier is None or _fee_known(earlier) is None
    part = "fee" if is_first else f"fee:{_fee_known(movement)}{_settled(movement)}"
    legs = difference(fee_legs(order, payment, movement, till), before)
    return part, legs, f"fee of a {movement.kind}"


def fee_legs(order: Order, payment: Payment, movement: Movement, till: Till) -> list[Leg]:
    """Return what the fee of a movement comes to.

    One in the currency that the money was changed into costs the site its share of what it was
    changed from.
    """
    fee = Money(_fee_known(movement) or 0, movement.fee_currency or movement.currency)
    account = f"expenses:fees:{payment.provider}"
    paid = Leg(till(order.holder, fee.currency), -fee)
    whole = movement.settled_minor
    if fee.currency == movement.currency or fee.currency != movement.settled_currency or not whole:
        return [Leg(account, fee), paid]
    cost = Money(share(movement.minor, fee.minor, whole), movement.currency)
    between = exchange(fee.currency, cost.currency)
    return [Leg(account, cost), Leg(between, -cost), Leg(between, fee), paid]


def exchange(one: str, other: str) -> str:
    """Return the account by which money crosses from one currency into another."""
    return ":".join(("exchange", *sorted((one, other))))


def _settled(movement: Movement) -> str:
    """Return what tells figures of changed money apart in a key; nothing where none was."""
    known = (movement.fee_currency, movement.settled_minor, movement.settled_currency)
    return "".join(f":{one or ''}" for one in known) if any(known) else ""


def _fee_known(movement: Movement) -> int | None:
    settled = movement.kind is Kind.DISPUTE or movement.status is not Status.PENDING
    return movement.fee if settled else None


@dataclass(frozen=True, slots=True)
class Books:
    """What movements come to, fees apart; `paid` tells whether this payment has paid the order.

    `refunds` are those that core asked for; one that another provider keeps for the reader is no
    movement of this one.
    """

    order: Order
    payment: Payment
    movements: Sequence[Movement]
    paid: bool = True
    refunds: Sequence[AskedRefund] = ()

    def legs(self, till: Till) -> list[Leg]:
        """Return tills, lines and what belongs to no line.

        What balances a refund that another provider keeps is left to whoever books it.
        """
        legs = []
        for m in filter(_counts, self.movements):
            legs += _moved(self.order.holder, m, till)
        if self.paid and is_covered(self.payment, self.movements):
            legs += [Leg(line.account, -line.amount) for line in self.order.lines]
            for number, minor in self.went_back().items():
                legs += parts(self.order, number, minor)
        rest = {self.order.currency: 0}
        for leg in legs:
            rest[leg.amount.currency] = rest.get(leg.amount.currency, 0) - leg.amount.minor
        for one in self.refunds:
            if _is_kept(one, self.payment):
                rest[self.order.currency] += one.amount.minor
        return [*legs, *(Leg(UNASSIGNED, Money(rest[one], one)) for one in rest if rest[one])]

    def went_back(self) -> dict[int, int]:
        """Return the minor units that refunds and disputes took from each line, its parts with it.

        Disputes share what the refunds left, in proportion; what is beyond belongs to no line.
        """
        back = refunded(self.payment, self.movements, self.refunds)
        if all(m.kind is not Kind.DISPUTE for m in self.movements):
            return back
        left = {
            line.number: worth - back.get(line.number, 0)
            for line in self.order.lines
            if line.part_of is None
            and (worth := sum(one.amount.minor for one in self.order.group(line.number))) > 0
        }
        whole = sum(left.values())
        disputed = sum(
            m.minor
            for m in self.movements
            if m.kind is Kind.DISPUTE and _counts(m) and m.currency == self.order.currency
        )
        passed = upto = 0
        for number, minor in left.items():
            passed += minor
            until = share(min(disputed, whole), passed, whole) if whole else 0
            back[number] = back.get(number, 0) + until - upto
            upto = until
        return back


def _moved(holder: str, m: Movement, till: Till) -> list[Leg]:
    """Return the legs of a movement on its till, through an exchange where it was changed."""
    sign = 1 if m.kind is Kind.CHARGE else -1
    amount = Money(sign * m.minor, m.currency)
    if m.settled_minor is None or m.settled_currency in (None, m.currency):
        return [Leg(till(holder, m.currency), amount)]
    settled = Money(sign * m.settled_minor, m.settled_currency)
    between = exchange(amount.currency, settled.currency)
    return [
        Leg(till(holder, settled.currency), settled), Leg(between, -settled), Leg(between, amount)
    ]  # fmt: skip


def is_covered(payment: Payment, movements: Iterable[Movement]) -> bool:
    """Tell whether a done charge covers what was asked; one that grew does too."""
    return any(
        m.kind is Kind.CHARGE
        and m.status is Status.DONE
        and m.currency == payment.amount.currency
        and m.minor >= payment.amount.minor
        for m in movements
    )


def refunded(
    payment: Payment, movements: Iterable[Movement], refunds: Iterable[AskedRefund]
) -> dict[int, int]:
    """Return, by line, the minor units that went back by refunds that core asked for.

    One of another figure than was asked names no lines. One that was made at the provider counts
    once somebody has named its lines.
    """
    done = [m for m in movements if m.kind is Kind.REFUND and m.status is Status.DONE]
    back: dict[int, int] = {}
    for one in refunds:
        if any(_is_of(m, one) for m in done) or _is_kept(one, payment):
            for number, minor in one.lines.items():
                back[number] = back.get(number, 0) + minor
    return back


def _is_of(movement: Movement, refund: AskedRefund) -> bool:
    is_named = refund.movement == movement.id if refund.movement else refund.id == movement.asked
    amount = (refund.amount.minor, refund.amount.currency)
    return is_named and amount == (movement.minor, movement.currency)


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

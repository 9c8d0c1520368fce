"""A year of believable sales for a demo site, made by the functions that make real ones.

Everything happens in one transaction, in the order of time, with the clock of this thread set back.
The same seed gives the same year.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from flask import current_app

from core import access, checkout, clock, figures, orders, settings, views
from core.errors import Refused
from core.money import Money
from core.orders import Line, Offer, Order
from core.payments import Payment, Redirect, records
from core.people import Reader, users
from core.plugins import Query, catalogue, each
from core.storage import execute, micros, new_id, transaction

DAYS = 365
HOURS = (2, 1, 1, 1, 1, 2, 5, 10, 12, 9, 7, 7, 10, 11, 8, 7, 7, 8, 10, 12, 15, 17, 12, 6)
"""How much is bought in each hour: at breakfast, at lunch, and most on the sofa."""
WEEKDAYS = (1.0, 0.95, 1.0, 1.05, 0.9, 1.2, 1.35)
MONTHS = (1.05, 1.0, 1.0, 0.95, 0.95, 0.85, 0.75, 0.6, 0.95, 1.05, 1.15, 1.3)
TIPS = (100, 200, 200, 200, 300, 300, 500, 500, 500, 1000, 1000, 2000)
NAMES = ("Ada", "Bruno", "Chiara", "Dario", "Elena", "Fabio", "Giulia", "Hugo", "Irene", "Jacopo")
REASONS = ("bought twice by mistake", "not what they expected", "asked within ten minutes")
PROVIDER = "playmoney"
WORTH_A_DISPUTE = 300


@dataclass(slots=True)
class Buyer:
    """Somebody who came: who they are at the checkout, and what they hold already."""

    reader: Reader
    orders: int = 0
    held: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Sold:
    """How many orders were made, paid, refunded, and how many readers made them."""

    orders: int
    paid: int
    refunds: int
    buyers: int


class Year:
    """One year of a site that plays: who comes, what they buy, and what becomes of it."""

    def __init__(self, seed: int, until: datetime) -> None:
        """Begin a year before an instant."""
        self.until, self.start = until, until - timedelta(days=DAYS)
        self.at = self.start
        self.chance = Random(seed)  # noqa: S311 - a story, not a secret
        self.offers = offers_of_posts()
        self.buyers: list[Buyer] = []
        self.users: list[str] = []
        self.taps: Counter[tuple[int, str]] = Counter()
        self.paid = self.refunds = self.mistakes = 0
        self.disputes = {60: "", 150: "lost", DAYS - 25: ""}
        self.to_come: list[tuple[datetime, int, Callable[[], object]]] = []
        self._number = count()

    def plan(self, at: datetime, act: Callable[[], object]) -> None:
        """Have something happen at an instant, if the year lasts that long."""
        if self.start <= at < self.until:
            heapq.heappush(self.to_come, (at, next(self._number), act))

    def pass_by(self, wanted: int) -> Sold:
        """Let the year pass with so many orders."""
        days = range(DAYS + 1)
        for day in self.chance.choices(days, [self._mood(day) for day in days], k=wanted):
            self.plan(self._moment(day), self._visit)
        while self.to_come:
            self.at, _, act = heapq.heappop(self.to_come)
            with clock.set_to(self.at):
                act()
        self._count_views()
        return Sold(wanted, self.paid, self.refunds, len(self.buyers))

    def _mood(self, day: int) -> float:
        """Return how much is bought on a day: growth, season, weekday, now and then a link."""
        at = self.start + timedelta(days=day)
        linked = 3.5 if day % 97 == 41 else 1.8 if day % 97 == 42 else 1.0
        growth = 0.35 + 1.3 * day / DAYS
        part = sum(HOURS[hour] for hour in range(24) if self._is_within(at, hour)) / sum(HOURS)
        return part * growth * WEEKDAYS[at.weekday()] * MONTHS[at.month - 1] * linked

    def _is_within(self, day: datetime, hour: int) -> bool:
        return self.start <= day.replace(hour=hour, minute=0) < self.until

    def _moment(self, day: int) -> datetime:
        midnight = (self.start + timedelta(days=day)).replace(hour=0)
        hours = [hour for hour in range(24) if self._is_within(midnight, hour)]
        hour = self.chance.choices(hours, [HOURS[one] for one in hours])[0]
        return midnight + timedelta(hours=hour, seconds=self.chance.uniform(0, 3599))

    def _visit(self) -> None:
        """Somebody comes and orders something."""
        buyer = self._somebody()
        offer = self._wanted(buyer)
        lines = offer.lines if offer else (self._tip(),)
        back = "/" + offer.lines[0].grants[0].key.partition(":")[2] if offer else "/"
        buyer.orders += 1
        if offer:
            self.taps[views.day_of(self.at), offer.lines[0].grants[0].key] += 1
        choice = next(iter(checkout.choices(lines[0].amount, buyer.reader)), None)
        if choice and choice.provider:
            return self._spend(buyer, lines, choice.provider, back)
        if choice and choice.top_up:
            more = checkout.top_up_line(str(choice.top_up), buyer.reader, settings.site_currency())
            lines = (*lines, more)
        order = checkout.start_order(buyer.reader, lines, return_to=back)
        step = checkout.pay(order.id, PROVIDER, buyer.reader, f"http://localhost{back}")
        assert isinstance(step, Redirect), "play money leads to its bank"
        payment = records.of_order(order.id)[-1]
        seconds = 4 + self.chance.lognormvariate(2.2, 0.7)
        at = self.at + timedelta(seconds=seconds)
        return self.plan(at, partial(self._at_the_bank, buyer, order, payment, step.ref))

    def _spend(self, buyer: Buyer, lines: tuple[Line, ...], provider: str, back: str) -> None:
        """Pay from what the buyer has here, by one tap."""
        checkout.buy(buyer.reader, lines, provider, return_to=back)
        self.paid += 1
        buyer.held |= {grant.key for line in lines for grant in line.grants}

    def _somebody(self) -> Buyer:
        if self.buyers and self.chance.random() < 0.46:
            recent = max(1, len(self.buyers) // 3)
            pool = self.buyers[-recent:] if self.chance.random() < 0.6 else self.buyers
            return self.chance.choice(pool)
        holder = new_id("gst")
        language = "it" if self.chance.random() < 0.7 else "en"
        buyer = Buyer(Reader(holder, (holder,), language=language))
        self.buyers.append(buyer)
        return buyer

    def _wanted(self, buyer: Buyer) -> Offer | None:
        """Return a post that the buyer does not hold; None for a tip."""
        closed = [one for one in self.offers if one.lines[0].grants[0].key not in buyer.held]
        if not closed or self.chance.random() < 0.2:
            return None
        weights = [1 / (1 + self.offers.index(one)) ** 0.6 for one in closed]
        return self.chance.choices(closed, weights)[0]

    def _tip(self) -> Line:
        amount = Money(self.chance.choice(TIPS), settings.site_currency())
        return Line("A tip", amount, "income:tips")

    def _at_the_bank(self, buyer: Buyer, order: Order, payment: Payment, ref: str) -> None:
        """The buyer pays, errs, is declined or closes the window."""
        if orders.find(order.id).state != "open":
            return None  # they paid in another window
        day, chance = (self.at - self.start).days, self.chance.random()
        if self.mistakes < 3 and day > 100 * (self.mistakes + 1):
            self.mistakes += 1
            instead = order.total.minor + (5 if self.mistakes % 2 else -5)
            return self._pay(buyer, order, payment, ref, "pay", instead)
        if chance < 0.03:
            return self._leave(order, "abandon", ref)
        if chance < 0.045:
            self._pay(buyer, order, payment, ref, "decline")
            return self._leave(order, "abandon", ref)
        if chance < 0.06:
            self._pay(buyer, order, payment, ref, "decline")
        return self._pay(buyer, order, payment, ref, "slow" if chance > 0.97 else "pay")

    def _leave(self, order: Order, how: str, ref: str) -> None:
        _bank("pay", ref, how)
        self.plan(self.at + timedelta(hours=2), partial(checkout.expire, order.id))

    def _pay(
        self, buyer: Buyer, order: Order, payment: Payment, ref: str, how: str,
        instead: int | None = None,
    ) -> None:  # fmt: skip
        _bank("pay", ref, how, instead)
        checkout.refresh(payment.id)
        if orders.find(order.id).state == "paid":
            self.paid += 1
            buyer.held |= {grant.key for line in order.lines for grant in line.grants}
            self._what_follows(buyer, order, payment, ref)
        elif how != "decline":
            self.plan(self.at + timedelta(hours=2), partial(checkout.expire, order.id))

    def _what_follows(self, buyer: Buyer, order: Order, payment: Payment, ref: str) -> None:
        at, day = self.at, (self.at - self.start).days
        due = next((one for one in self.disputes if one <= day), None)
        if due and order.total.minor >= WORTH_A_DISPUTE:
            verdict = self.disputes.pop(due)
            when = at + timedelta(hours=20)
            self.plan(when, partial(self._dispute, payment, ref, verdict))
        elif self.chance.random() < 0.021:
            later = timedelta(minutes=self.chance.lognormvariate(4, 2))
            self.plan(at + later, partial(self._refund, buyer, order))
        elif buyer.orders >= 3 and not buyer.reader.user and len(self.users) < len(NAMES):
            self.plan(at + timedelta(minutes=3), partial(self._claim, buyer))

    def _refund(self, buyer: Buyer, order: Order) -> None:
        with suppress(Refused):  # it was disputed meanwhile
            checkout.refund(
                order.id,
                {1: order.lines[0].amount.minor},
                actor="demo",
                reason=self.chance.choice(REASONS),
            )
            self.refunds += 1
            buyer.held -= {grant.key for line in order.lines for grant in line.grants}

    def _dispute(self, payment: Payment, ref: str, verdict: str) -> None:
        _bank("dispute", ref)
        checkout.refresh(payment.id)
        if verdict:
            self.plan(self.at + timedelta(days=18), partial(self._decide, payment, ref, verdict))
        elif self.at < self.until - timedelta(days=30):
            self.plan(self.at + timedelta(days=12), partial(self._decide, payment, ref, "won"))

    def _decide(self, payment: Payment, ref: str, verdict: str) -> None:
        _bank("decide", ref, verdict)
        checkout.refresh(payment.id)

    def _claim(self, buyer: Buyer) -> None:
        """A guest who came back becomes a user, who gets no mail: the address is nobody's."""
        if buyer.reader.user:
            return
        name, guest = NAMES[len(self.users)], buyer.reader.holder
        email = f"{name.lower()}@example.org"
        self.users.append(name)
        if users.by_email(email) is not None:
            return
        user = users.create(email=email, name=name, language=buyer.reader.language, actor="demo")
        users.set_messages(user, user.language, receipts=False)
        users.claim(user.id, guest)
        checkout.merge(guest, user.id)
        buyer.reader = Reader(user.id, (user.id, guest), user.id, user.language)

    def _count_views(self) -> None:
        """Leave the counts that so many taps on each post would have left."""
        counts: Counter[views.Key] = Counter()
        for (day, resource), taps in self.taps.items():
            panels = taps + round(taps * self.chance.uniform(1.5, 4))
            teasers = panels + round(panels * self.chance.uniform(0.4, 1.3))
            reads = round(taps * self.chance.uniform(1, 2.2))
            for stage, n in zip(views.STAGES, (teasers, panels, taps, reads), strict=True):
                counts[day, resource, stage] = n
        views.store(counts)


def sell(wanted: int = 2_000, seed: int = 1) -> Sold:
    """Give a site that plays a year of sales, all of it or nothing.

    Raises Refused for a site that has, or could have, live money, and for one whose past is sealed.
    """
    until = clock.now().replace(minute=0, second=0, microsecond=0)
    with transaction():
        refuse_real(until)
        refuse_sealed(until)
        sold = Year(seed, until).pass_by(wanted)
        refuse_sealed(until)  # nobody sealed the past while it was made
        figures.forget()
    return sold


def refuse_real(until: datetime) -> None:
    """Refuse a site with live money, or with sales before the present. Raises Refused."""
    live = execute("SELECT 1 FROM ledger_entry WHERE mode = 'live' LIMIT 1").fetchone()
    if live or any(one.mode != "test" for one in catalogue.providers.values()):
        raise Refused("This site has live money; a demo belongs on a site that only plays.")
    if PROVIDER not in catalogue.providers:
        raise Refused("The demo is paid with play money; switch that plugin on.")
    past = micros(until - timedelta(days=1))
    if execute("SELECT 1 FROM ledger_entry WHERE at < ? LIMIT 1", [past]).fetchone():
        raise Refused("This site has a past already; make a new one for the demo.")


def refuse_sealed(until: datetime) -> None:
    """Refuse a site whose seals stand on what happened meanwhile. Raises Refused."""
    start = micros(until - timedelta(days=DAYS)) // 1000 << 80
    for table, prefix in (("ledger_seal", "ent"), ("audit_seal", "aud")):
        sql = f"SELECT 1 FROM {table} WHERE last_id >= ? LIMIT 1"
        if execute(sql, [f"{prefix}_{start:032x}"]).fetchone():
            raise Refused("The past of this site is sealed already; make a new one for the demo.")


def offers_of_posts() -> list[Offer]:
    """Return what opens the site's closed posts now, the newest first."""
    cards = [card for _, some in each("list_resources", query=Query(limit=50)) for card in some]
    decided = [access.decide(card.resource, Reader()) for card in cards]
    return [offer for one in decided for offer in one.offers[:1]]


def _bank(command: str, *arguments: Any) -> None:
    """Do something at the bank of play money, by its own commands: core knows no plugin."""
    group: Any = current_app.cli.commands[PROVIDER]
    group.commands[command].callback(*arguments)

"""A balance is never overdrawn, loses nothing and doubles nothing, whatever happens in what order.

`OBOLO_PROOF_FACTOR=1000` runs the race of 64 a thousand times, as `make proof RACES=1000` does. Its
weak twin stands in test_races.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import checkout, entitlements, ledger, orders
from core import settings as site_settings
from core.errors import OboloError
from core.ledger import balance
from core.orders import Line
from core.payments import Status, records
from core.people import Reader, users
from core.plugins import catalogue
from core.storage import execute, is_postgres, new_id
from core.verify import verify
from plugins.wallet import statement
from plugins.wallet.statement import FAMILY
from tests.proofs.test_races import together
from tests.stand_in import StandIn, changed, charge, dispute, eur, post_line

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
CLIENTS, PRICE, PAID_IN = 64, 20, 507
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("races")]


@pytest.fixture
def shop(make_site):
    """A site with balances, whose money comes in by a provider that the test drives."""
    app = make_site("wallet", settings={"wallet.guest_most": 10**6})
    provider = StandIn()
    catalogue.providers["standin"] = provider
    with app.test_request_context():
        yield provider


def guest():
    holder = new_id("gst")
    return Reader(holder=holder, holders=(holder,))


def pay_in(provider, reader, minor, *, sale=0):
    """Order a top-up, alone or with a sale, and pay it; return the payment."""
    top_up = Line("Paid in", eur(minor), FAMILY + reader.holder)
    lines = (post_line(sale, f"post:{new_id('x')}"), top_up) if sale else (top_up,)
    order = checkout.start_order(reader, lines)
    checkout.pay(order.id, "standin", reader, "")
    payment = records.of_order(order.id)[0]
    changed(provider, payment, charge(f"ch_{payment.id}", payment.amount.minor))
    return checkout.refresh(payment.id)


def test_many_clients_spend_one_balance(shop):
    """64 clients, half of them tapping twice: what is there is spent, and each key opened once."""
    for number in range(FACTOR):
        reader = guest()
        pay_in(shop, reader, PAID_IN)

        def buy(client, reader=reader):
            return checkout.buy(reader, (post_line(PRICE, f"post:{client}"),), "wallet")

        results = together(*[lambda n=n: buy(n // 2) for n in range(CLIENTS)])
        outcomes = Counter(type(one).__name__ for one in results)
        keys = [one.key for one in entitlements.of_holders(reader.holders)]

        assert outcomes["Order"] == PAID_IN // PRICE == len(keys) == len(set(keys)), number
        assert set(outcomes) <= {"Order", "AlreadyHeld", "BoundExceeded"}, number
        assert statement.balance_of(reader) == eur(PAID_IN % PRICE), number
    assert verify() == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from([
            "pay in", "pay in and read", "spend", "spend", "have back", "refund to balance",
            "dispute", "win", "lose", "merge", "expire",
        ]),
        st.integers(0, 9),
    ),
    min_size=4, max_size=14,
)  # fmt: skip


class Story:
    """What one reader does, and what happens to their payments."""

    def __init__(self, provider):
        self.provider, self.reader = provider, guest()
        self.payments, self.spent, self.disputed = [], [], {}

    def do(self, step, n):
        """Take a step; what a rule refuses changes nothing."""
        with suppress(OboloError):
            getattr(self, step.replace(" ", "_"))(n)

    def pay_in(self, n):
        self.payments.append(pay_in(self.provider, self.reader, 300 + 50 * n))

    def pay_in_and_read(self, n):
        self.payments.append(pay_in(self.provider, self.reader, 480, sale=PRICE + n))

    def spend(self, n):
        line = post_line(PRICE * (n + 1), f"post:{new_id('x')}")
        self.spent.append(checkout.buy(self.reader, (line,), "wallet").id)

    def have_back(self, n):
        found = statement.top_ups(
            statement.movements(self.reader), statement.balance_of(self.reader)
        )
        able = [one for one in found if one.can_go_back]
        if not able:
            return
        one = able[n % len(able)]
        order = next(p for p in self.payments if p.order == one.order).order
        line = next(
            number
            for number, account in execute(
                "SELECT number, account FROM orders_line WHERE order_id = ?", [order]
            ).fetchall()
            if account.startswith(FAMILY)
        )
        checkout.refund(
            order, {line: one.unspent.minor}, actor="reader", reason="unspent", only_unspent=True
        )

    def refund_to_balance(self, n):
        order = self.spent[n % len(self.spent)] if self.spent else ""
        checkout.refund(order, {1: PRICE}, actor="staff", reason="asked", to="wallet")

    def dispute(self, n):
        payment = self.payments[n % len(self.payments)] if self.payments else None
        if payment and payment.id not in self.disputed:
            left = checkout.left(orders.find(payment.order), records.find(payment.id))
            self._disputed(payment, sum(left.values()), Status.PENDING)

    def win(self, n):
        self._end(n, Status.FAILED)

    def lose(self, n):
        self._end(n, Status.DONE)

    def _end(self, n, verdict):
        for payment, minor, status in [*self.disputed.values()]:
            if status is Status.PENDING:
                self._disputed(payment, minor, verdict)

    def _disputed(self, payment, minor, status):
        if minor:
            self.disputed[payment.id] = (payment, minor, status)
            changed(self.provider, payment, dispute(f"dp_{payment.id}", minor, status))
            checkout.refresh(payment.id)

    def merge(self, n):
        if not self.reader.user:
            user = users.create(email=f"{new_id('x')}@example.org", name="Ada", actor="test")
            users.claim(user.id, self.reader.holder)
            checkout.merge(self.reader.holder, user.id)
            self.reader = Reader(user.id, (user.id, self.reader.holder), user.id)

    def expire(self, n):
        amount = statement.balance_of(self.reader)
        lines = (
            Line("Expired", eur(-amount.minor), FAMILY + self.reader.holder),
            Line("Expired", amount, "income:expired_balances"),
        )
        checkout.start_order(self.reader, lines)

    def faults(self):
        """Yield what is wrong: each cent that came in is held, earned, or owed by the reader."""
        held = sum(-balance(FAMILY + one, "EUR").minor for one in self.reader.holders)
        owed = sum(balance(ledger.CLAIMS + one, "EUR").minor for one in self.reader.holders)
        if held < 0 or owed < 0:
            yield f"held {held}, owed {owed}"
        bought = ["", *(p.order for p in self.payments)]
        marks = ", ".join("?" * len(bought))
        came_in = execute(
            "SELECT COALESCE(SUM(leg.minor), 0) FROM ledger_leg leg JOIN ledger_entry entry "
            "ON entry.id = leg.entry_id WHERE leg.account = 'assets:standin' "
            f"AND entry.order_id IN ({marks})", bought,
        ).fetchone()[0]  # fmt: skip
        mine = ", ".join("?" * len(self.reader.holders))
        earned = execute(
            "SELECT COALESCE(SUM(-leg.minor), 0) FROM ledger_leg leg JOIN ledger_entry entry "
            "ON entry.id = leg.entry_id JOIN orders_order o ON o.id = entry.order_id "
            f"WHERE leg.account LIKE 'income:%' AND o.holder IN ({mine})", self.reader.holders,
        ).fetchone()[0]  # fmt: skip
        if came_in != held + earned - owed:
            yield f"{came_in} came in, {held} held, {earned} earned, {owed} owed"
        if held and owed:
            yield f"spends {held} while {owed} are owed"


def test_whatever_happens_reader_and_owner_are_whole(shop):
    """Any sequence of paying in, spending, refund, dispute, expiry and merging keeps the books."""
    site_settings.save("wallet.daily_cap", 10**6, actor="test")
    site_settings.save("wallet.balance_cap", 10**6, actor="test")
    site_settings.reload()

    @settings(
        max_examples=(15 if is_postgres() else 50) * FACTOR,
        suppress_health_check=list(HealthCheck),
        derandomize=FACTOR == 1,
    )
    @given(STEPS)
    def hold(steps):
        story = Story(shop)
        for step, n in steps:
            story.do(step, n)
            assert list(story.faults()) == [], (step, steps)

    hold()
    assert verify() == []


def test_a_dispute_of_a_spent_top_up_stops_spending_and_keeps_reading(shop):
    """The claim is what the balance lacks; the owner sees it; won, all is as before."""
    reader = guest()
    payment = pay_in(shop, reader, 480, sale=PRICE)
    checkout.buy(reader, (post_line(PRICE, "post:later"),), "wallet")
    changed(shop, payment, dispute("dp_1", 500))
    checkout.refresh(payment.id)

    assert statement.balance_of(reader) == eur(0)
    assert balance(ledger.CLAIMS + reader.holder, "EUR") == eur(PRICE)
    assert entitlements.holds_any(reader.holders, ["post:later"])
    with pytest.raises(OboloError, match="taken back"):
        pay_in(shop, reader, 300)
    with pytest.raises(OboloError, match="taken back"):
        checkout.buy(reader, (post_line(),), "wallet")
    changed(shop, payment, dispute("dp_1", 500, Status.FAILED))
    checkout.refresh(payment.id)

    assert statement.balance_of(reader) == eur(460)
    assert balance(ledger.CLAIMS + reader.holder, "EUR") == eur(0)
    assert verify() == []

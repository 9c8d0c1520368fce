"""A balance or a tab is never overdrawn, loses and doubles nothing, whatever happens in what order.

`OBOLO_PROOF_FACTOR=1000` runs the race of 64 a thousand times. Its weak twin stands in test_races.
"""

from __future__ import annotations

import os
import threading
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
from plugins.tab import debts, items, losses
from plugins.wallet import statement
from plugins.wallet.statement import FAMILY
from tests.proofs.test_races import together
from tests.stand_in import StandIn, changed, charge, dispute, eur, post_line

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
CLIENTS, PRICE, PAID_IN = 64, 20, 507
CAP, TABS = 200, 32
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("races")]


@pytest.fixture
def shop(make_site):
    """A site with balances, whose money comes in by a provider that the test drives."""
    plenty = {"wallet.guest_most": 10**6, "tab.network_most": 10**6, "tab.site_most": 10**6}
    app = make_site("wallet", "tab", settings=plenty)
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
    return paid_outside(provider, reader, lines)


def paid_outside(provider, reader, lines):
    """Order these lines, and pay them by the provider that brings money in."""
    order = checkout.start_order(reader, lines)
    checkout.pay(order.id, "standin", reader, "")
    payment = records.of_order(order.id)[0]
    changed(provider, payment, charge(f"ch_{payment.id}", payment.amount.minor))
    return checkout.refresh(payment.id)


@pytest.mark.parametrize("_round", range(FACTOR))
def test_many_clients_spend_one_balance(shop, _round):
    """64 clients, half of them tapping twice: what is there is spent, and each key opened once."""
    reader = guest()
    pay_in(shop, reader, PAID_IN)

    def buy(number):
        return checkout.buy(reader, (post_line(PRICE, f"post:{number}"),), "wallet")

    results = together(*[lambda n=n: buy(n // 2) for n in range(CLIENTS)])
    outcomes = Counter(type(one).__name__ for one in results)
    keys = [one.key for one in entitlements.of_holders(reader.holders)]

    assert outcomes["Order"] == PAID_IN // PRICE == len(keys) == len(set(keys))
    assert set(outcomes) <= {"Order", "AlreadyHeld", "BoundExceeded"}
    assert statement.balance_of(reader) == eur(PAID_IN % PRICE)
    assert verify() == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from([
            "pay in", "pay in and read", "spend", "spend", "have back", "refund to balance",
            "dispute", "win", "lose", "merge", "expire", "tab", "tab", "settle", "take off",
            "write off",
        ]),
        st.integers(0, 9),
    ),
    min_size=4, max_size=18,
)  # fmt: skip


class Story:
    """What one reader does, and what happens to their payments."""

    def __init__(self, provider):
        self.provider, self.reader = provider, guest()
        self.payments, self.spent, self.disputed, self.lent = [], [], {}, []

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

    def tab(self, n):
        line = post_line(PRICE * (n + 1), f"post:{new_id('x')}")
        self.lent.append(checkout.buy(self.reader, (line,), "tab"))
        if (on_it := debts.owed_by(self.reader).minor) > CAP:
            raise AssertionError(f"{on_it} are on a tab of {CAP}")

    def settle(self, n):
        lines = [
            Line("Your tab", eur(minor), debts.FAMILY + holder)
            for holder in self.reader.holders
            if (minor := debts.owed_on(holder, "EUR"))
        ]
        if n % 2:
            lines.append(Line("Paid in", eur(100 * n), FAMILY + self.reader.holder))
        if lines:
            self.payments.append(paid_outside(self.provider, self.reader, tuple(lines)))

    def take_off(self, n):
        if self.lent:
            order = self.lent[n % len(self.lent)]
            part = min(order.total.minor, PRICE * (n + 1))
            checkout.refund(order.id, {1: part}, actor="staff", reason="asked")

    def write_off(self, n):
        owed = debts.owed_by(self.reader)
        if n % 2:
            losses._undo(self.reader, owed)
        losses._write_off(self.reader)
        execute("UPDATE tab_tab SET lost = NULL")  # a year passes

    def faults(self):
        """Yield what is wrong: each cent that came in is held, earned, or owed by the reader.

        What is on a tab was earned and has not come in; what was written off never will.
        """
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
        lent, lost, aside = debts.owed_by(self.reader).minor, *(
            execute(
                "SELECT COALESCE(SUM(leg.minor), 0) FROM ledger_leg leg JOIN ledger_entry entry "
                "ON entry.id = leg.entry_id JOIN orders_order o ON o.id = entry.order_id "
                f"WHERE leg.account = ? AND o.holder IN ({mine})", [account, *self.reader.holders],
            ).fetchone()[0]
            for account in (losses.LOSSES, ledger.UNASSIGNED)
        )  # fmt: skip
        if came_in + lent + lost + aside != held + earned - owed:
            yield f"{came_in} came in, {held} held, {earned} earned, {owed} owed, {lent} lent"
        moved = items.movements(self.reader)
        unpaid = sum(one.owed.minor for one in items.unpaid(moved, eur(lent)))
        if unpaid != lent and not self.disputed:
            yield f"{lent} are owed, for {unpaid} of items"
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


def tab_once(number):
    """Put one text on the tab of one device."""
    return checkout.buy(DEVICE, (post_line(PRICE, f"post:{number}"),), "tab")


DEVICE = Reader(holder="gst_device", holders=("gst_device",))


@pytest.mark.parametrize("_round", range(FACTOR))
def test_many_tabs_of_one_device_stay_within_its_cap(shop, _round):
    """32 at the same moment, half of them tapping twice: 2.00 are owed, and no more."""
    results = together(*[lambda n=n: tab_once(n // 2) for n in range(TABS)])
    outcomes = Counter(type(one).__name__ for one in results)

    assert outcomes["Order"] == CAP // PRICE
    assert set(outcomes) <= {"Order", "AlreadyHeld", "Refused"}
    assert debts.owed_by(DEVICE) == eur(CAP)
    assert verify() == []


def test_weak_twin_that_looks_before_its_transaction_lends_too_much(shop, monkeypatch):
    """The same race finds a cap that is asked first, and not where the debt is made."""
    looked = threading.Barrier(TABS)

    def look_then_tab(number):
        fits = debts.room(DEVICE, "EUR").minor >= PRICE
        looked.wait(60)
        return tab_once(number) if fits else None

    monkeypatch.setattr(debts, "put_on", lambda holder, amount: None)
    together(*[lambda n=n: look_then_tab(n) for n in range(TABS)])

    assert debts.owed_by(DEVICE) == eur(TABS * PRICE)

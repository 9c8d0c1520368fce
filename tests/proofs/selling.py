"""A site that sells by a provider's stand-in, and what can become of a sale at that provider."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, ClassVar

from flask import Flask
from flask.testing import FlaskClient

from core import Gate, Grant, Line, Money, Offer, checkout, hookimpl, limits, now, orders
from core.plugins import loaded
from core.storage import execute
from core.testing import browser_of
from tests.plugins.paypal import fake as paypal
from tests.plugins.paypal.ledger import captures
from tests.plugins.stripe import fake_server as stripe

BOOK, THANKS = 5000, 120
"""What the two lines of each order cost, in cents."""
_numbers = itertools.count(1)


@hookimpl
def guard(resource):
    """Sell every resource, with some thanks to its author."""
    book = Line("A book", Money(BOOK, "EUR"), "income:books", (Grant(resource),))
    thanks = Line("Thanks", Money(THANKS, "EUR"), "income:tips")
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (book, thanks)),))


@dataclass
class Sale:
    """One order on its way: `ref` is the provider's name of it, `first` its first message."""

    client: FlaskClient
    ref: str
    payment: str
    order: str
    first: int
    ended: bool = False


class Shop:
    """The site and the provider's other side. Its kinds know what the provider can do."""

    name: ClassVar[str] = ""
    mark: ClassVar[str] = ""

    def __init__(self, app: Flask) -> None:
        self.app = app
        limits.set_key(bytes(32), factor=100_000)
        shop = ModuleType("shop")
        shop.guard = guard
        loaded().add("shop", shop)

    def sale(self) -> Sale:
        """Let a new reader take the offer."""
        client, resource = browser_of(self.app), f"post:{next(_numbers)}"
        form = {"resource": resource, "offer": "paywall", "return_to": "/hello"}
        first = len(self.events)
        ref = client.post("/checkout/offer", data=form).location.rpartition(self.mark)[2]
        sql = "SELECT id, order_id FROM payments_payment WHERE ref = ?"
        payment, order = execute(sql, [ref]).fetchone()
        return Sale(client, ref, payment, order, first)

    def returns(self, sale: Sale) -> int:
        """Let the reader come back to the site."""
        return sale.client.get(f"/checkout/{sale.order}").status_code

    def hears(self, number: int) -> int:
        """Deliver one of the provider's messages."""
        headers, body = self.message(number)
        client = self.app.test_client(use_cookies=False)
        path = f"/webhooks/{self.name}"
        return client.post(path, data=body, headers=headers, buffered=True).status_code

    def refund_here(self, sale: Sale, choice: int) -> None:
        """Give back some of some lines, as the owner does; nothing where nothing is left."""
        payment = checkout.refresh(sale.payment)  # whoever gives back looks at the order first
        order = orders.find(sale.order)
        left = checkout.left(order, payment) if order.state == "paid" else {}
        lines = {n: 1 + choice % minor for n, minor in left.items() if minor > 0}
        if choice % 3 and len(lines) > 1:
            lines.popitem()
        if lines and sum(lines.values()) <= self.left(sale):
            checkout.refund(sale.order, lines, actor="cli", reason="asked")

    def step(self, sale: Sale, choice: int) -> None:
        """Let one of the things happen that are possible now."""
        more = choice // 60
        if possible := self.possible(sale):
            getattr(self, f"_{possible[choice % len(possible)]}")(sale, more)

    def _refund_here(self, sale: Sale, more: int) -> None:
        self.refund_here(sale, more)

    @property
    def events(self) -> list[Any]:
        """All messages so far."""
        raise NotImplementedError

    def message(self, number: int) -> tuple[dict[str, str], bytes]:
        """Return headers and body of a message, signed now."""
        raise NotImplementedError

    def possible(self, sale: Sale) -> list[str]:
        """Name what can happen now."""
        raise NotImplementedError

    def left(self, sale: Sale) -> int:
        """Return how much of the charge neither refunds nor disputes took, in cents."""
        raise NotImplementedError

    def charges(self, sale: Sale) -> list[str]:
        """Return the provider's ids of what it charged."""
        raise NotImplementedError

    def end(self, sale: Sale) -> None:
        """Let happen what always happens in the end."""

    def move(self) -> None:
        """Let a fee of no charge be taken, money be paid out, and money be changed."""
        raise NotImplementedError

    def plant(self, sale: Sale) -> set[tuple[str, str, str]]:
        """Falsify the account by three lines; return the differences that must be named.

        A cent of a sale's charge, a refund that is missing, and a charge that nobody knows.
        """
        raise NotImplementedError


class AtStripe(Shop):
    """Fees come after the success; refunds bounce."""

    name, mark = "stripe", "/c/pay/"

    def __init__(self, app: Flask, stand: stripe.Stand) -> None:
        super().__init__(app)
        self.stand, self.fake = stand, stand.fake

    @property
    def events(self) -> list[Any]:
        return self.fake.events

    def message(self, number: int) -> tuple[dict[str, str], bytes]:
        header, body = self.fake.delivery(self.fake.events[number], stripe.SECRET)
        return {"Stripe-Signature": header, "Content-Type": "application/json"}, body

    def _intent(self, sale: Sale) -> dict[str, Any]:
        return self.fake.things.get(self.fake.things[sale.ref]["payment_intent"] or "", {})

    def _of(self, kind: str, sale: Sale) -> list[dict[str, Any]]:
        return self.fake.of_kind(kind, payment_intent=self._intent(sale).get("id", "none"))

    def possible(self, sale: Sale) -> list[str]:
        status = self._intent(sale).get("status", "requires_payment_method")
        if status == "processing":
            return ["through"]
        if status == "requires_payment_method":
            return ["pay", "pay", "decline", "slow"] if not sale.ended else []
        found = ["fees"]
        if any(one["status"] == "succeeded" for one in self._of("refund", sale)):
            found.append("bounce")
        if any(one["status"] == "needs_response" for one in self._of("dispute", sale)):
            found += ["won", "lost"]
        return [*found, "refund_here", "refund_there", "dispute"] if self.left(sale) else found

    def left(self, sale: Sale) -> int:
        charge = self.fake.things[self._intent(sale)["latest_charge"]]
        taken = sum(o["amount"] for o in self._of("dispute", sale) if o["status"] != "won")
        return int(charge["amount_captured"] - charge["amount_refunded"] - taken)

    def charges(self, sale: Sale) -> list[str]:
        return [one["id"] for one in self._of("charge", sale) if one["status"] == "succeeded"]

    def end(self, sale: Sale) -> None:
        with self.fake.lock:
            self.fake.fees_arrive()

    def move(self) -> None:
        with self.fake.lock:
            self.fake.line("fee", -30, 0, "eur", None)
            self.fake.pay_out()
        self.fake.settles_in = "usd"

    def plant(self, sale: Sale) -> set[tuple[str, str, str]]:
        with self.fake.lock:
            self.fake.settles_in = ""
            (charge,), (payout,) = self.charges(sale), self.fake.of_kind("payout")
            self.fake.things[self.fake.things[charge]["balance_transaction"]]["amount"] -= 1
            (refund,) = [o for o in self.fake.of_kind("refund") if not o["metadata"]]
            del self.fake.things[refund["balance_transaction"]]
            self.fake.line("charge", 777, 12, "eur", "ch_stranger")
        return {
            ("amount", "-0.01 EUR", f"charge:{charge}"),
            ("missing", f"-{_euro(refund['amount'])} EUR", f"refund:{refund['id']}"),
            ("payout", f"{_euro(refund['amount'] - 1)} EUR", f"payout:{payout['id']}"),
            ("unknown", "7.65 EUR", "charge:ch_stranger"),
        }

    def _pay(self, sale: Sale, _more: int) -> None:
        self.fake.person(sale.ref, "pay")

    def _decline(self, sale: Sale, _more: int) -> None:
        self.fake.person(sale.ref, "decline")

    def _slow(self, sale: Sale, _more: int) -> None:
        self.fake.person(sale.ref, "slow")

    def _through(self, sale: Sale, more: int) -> None:
        sale.ended = more % 4 == 0
        self.fake.finish_slow(sale.ref, ok=not sale.ended)

    def _fees(self, sale: Sale, _more: int) -> None:
        self.end(sale)

    def _refund_there(self, sale: Sale, more: int) -> None:
        with self.fake.lock:
            (charge,) = self.charges(sale)
            self.fake.refund({"charge": charge, "amount": 1 + more % self.left(sale)})

    def _bounce(self, sale: Sale, _more: int) -> None:
        with self.fake.lock:
            found = [one for one in self._of("refund", sale) if one["status"] == "succeeded"]
            self.fake.bounce(found[0]["id"])

    def _dispute(self, sale: Sale, more: int) -> None:
        with self.fake.lock:
            self.fake.dispute(sale.ref, 1 + more % self.left(sale), inquiry=more % 5 == 0)

    def _won(self, sale: Sale, _more: int) -> None:
        self._decide(sale, "won")

    def _lost(self, sale: Sale, _more: int) -> None:
        self._decide(sale, "lost")

    def _decide(self, sale: Sale, verdict: str) -> None:
        with self.fake.lock:
            found = [o for o in self._of("dispute", sale) if o["status"] == "needs_response"]
            self.fake.decide(found[0]["id"], verdict)


class AtPayPal(Shop):
    """What is approved is captured by the site, once; a fee is known with its capture."""

    name, mark = "paypal", "token="

    def __init__(self, app: Flask, fake: paypal.FakePayPal) -> None:
        super().__init__(app)
        self.fake, self.books = fake, fake.books

    @property
    def events(self) -> list[Any]:
        return self.books.events

    def message(self, number: int) -> tuple[dict[str, str], bytes]:
        sent = self.fake.inbound(self.books.events[number])
        return dict(sent.headers), sent.body

    def possible(self, sale: Sale) -> list[str]:
        if self.books.order(sale.ref)["status"] == "PAYER_ACTION_REQUIRED":
            return [] if sale.ended else ["pay", "pay", "pay", "decline", "slow"]
        checkout.refresh(sale.payment)  # nothing can be given back before it was captured
        if sale.ended:
            return []
        (capture,) = captures(self.books.order(sale.ref))
        if capture["status"] == "PENDING":
            return ["through"]
        found = ["won", "lost"] if self._pending(sale) else []
        return [*found, "refund_here", "refund_there", "dispute"] if self.left(sale) else found

    def _disputes(self, sale: Sale) -> list[dict[str, Any]]:
        return [
            one for one in self.books.disputes.values()
            if one["disputed_transactions"][0]["seller_transaction_id"] in self.charges(sale)
        ]  # fmt: skip

    def _pending(self, sale: Sale) -> list[str]:
        found = self._disputes(sale)
        return [str(one["dispute_id"]) for one in found if one["status"] != "RESOLVED"]

    def left(self, sale: Sale) -> int:
        payments = self.books.order(sale.ref)["purchase_units"][0]["payments"]
        gone = [one["amount"]["value"] for one in payments.get("refunds", ())]
        gone += [
            one["dispute_amount"]["value"] for one in self._disputes(sale)
            if one.get("dispute_outcome", {}).get("outcome_code") != "RESOLVED_SELLER_FAVOUR"
        ]  # fmt: skip
        return BOOK + THANKS - int(sum(Decimal(value) for value in gone) * 100)

    def charges(self, sale: Sale) -> list[str]:
        found = captures(self.books.order(sale.ref))
        return [str(one["id"]) for one in found if one["status"] != "PENDING"]

    def move(self) -> None:
        self._row("T0100", "6V1", "-0.30")
        self._row("T0400", "6V2", "-100.00")
        self._row("T0200", "6V3", "-2.00", paypal_reference_id="6V9")
        self._row("T0200", "6V4", "2.20", "USD", paypal_reference_id="6V9")

    def _row(self, code: str, id: str, value: str, currency: str = "EUR", **more: Any) -> None:
        info = {
            "transaction_event_code": code, "transaction_id": id, "transaction_status": "S",
            "transaction_amount": {"currency_code": currency, "value": value},
            "transaction_initiation_date": now().isoformat(timespec="seconds"),
        }  # fmt: skip
        self.fake.transactions.append({"transaction_info": info | more})

    def plant(self, sale: Sale) -> set[tuple[str, str, str]]:
        (charge,) = self.charges(sale)
        told = {one["transaction_info"]["transaction_id"]: one for one in self.books.rows}
        amount = {"currency_code": "EUR", "value": _euro(BOOK + THANKS - 1)}
        told[charge]["transaction_info"]["transaction_amount"] = amount
        refund = next(
            one
            for order in self.books.orders.values()
            for one in order["purchase_units"][0]["payments"].get("refunds", [])
            if "custom_id" not in one
        )
        self.books.rows.remove(told[refund["id"]])
        fee = {"currency_code": "EUR", "value": "-0.12"}
        self._row("T0006", "3CSTRANGER", "7.77", fee_amount=fee)
        return {
            ("amount", "-0.01 EUR", f"charge:{charge}"),
            ("missing", f"-{refund['amount']['value']} EUR", f"refund:{refund['id']}"),
            ("unknown", "7.65 EUR", "charge:3CSTRANGER"),
        }

    def _pay(self, sale: Sale, _more: int) -> None:
        self.books.approve(sale.ref)

    def _decline(self, sale: Sale, _more: int) -> None:
        sale.ended = True
        self.books.approve(sale.ref, "decline")

    def _slow(self, sale: Sale, _more: int) -> None:
        self.books.approve(sale.ref, "slow")

    def _through(self, sale: Sale, _more: int) -> None:
        self.books.complete(sale.ref)

    def _refund_there(self, sale: Sale, more: int) -> None:
        with self.books.lock:
            (capture,) = self.charges(sale)
            amount = {"currency_code": "EUR", "value": _euro(1 + more % self.left(sale))}
            self.books.refund(capture, {"amount": amount})

    def _dispute(self, sale: Sale, more: int) -> None:
        self.books.dispute(sale.ref, _euro(1 + more % self.left(sale)))

    def _won(self, sale: Sale, _more: int) -> None:
        self.books.decide(self._pending(sale)[0], "won")

    def _lost(self, sale: Sale, _more: int) -> None:
        self.books.decide(self._pending(sale)[0], "lost")


def _euro(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"


@contextmanager
def at_stripe(make_site: Any) -> Iterator[AtStripe]:
    """Run Stripe's stand-in and a site that sells by it; at the end nothing asked was wrong."""
    with stripe.running() as stand:
        stand.fake.late_fees = []
        yield AtStripe(make_site("stripe", settings={
            "stripe.secret_key": stripe.KEY, "stripe.webhook_secret": stripe.SECRET,
            "stripe.api_url": stand.url,
        }), stand)  # fmt: skip
        assert stand.wrong == []


@contextmanager
def at_paypal(make_site: Any) -> Iterator[AtPayPal]:
    """Run PayPal's stand-in and a site that sells by it; at the end nothing asked was wrong."""
    with paypal.running() as fake:
        yield AtPayPal(make_site("paypal", settings={
            "paypal.client_id": paypal.CLIENT, "paypal.secret": paypal.SECRET,
            "paypal.api_url": fake.url, "paypal.webhook_id": paypal.WEBHOOK,
            "paypal.merchant_id": fake.books.merchant, "paypal.fee_percent": "3.40",
            "paypal.fee_fixed": "0.35",
        }), fake)  # fmt: skip
        assert fake.mistakes == []


SHOPS = {"stripe": at_stripe, "paypal": at_paypal}

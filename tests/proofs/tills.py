"""Stripe's and PayPal's stand-ins as replays use both."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.plugins.paypal import fake as paypal
from tests.plugins.paypal.ledger import captures
from tests.plugins.stripe import fake_server as stripe


class ByStripe:
    """Stripe's stand-in."""

    name, inline = "stripe", True

    def __init__(self, stand: stripe.Stand) -> None:
        self.stand, self.fake = stand, stand.fake

    def settings(self) -> dict[str, Any]:
        """Give keys and address."""
        return {
            "stripe.secret_key": stripe.KEY, "stripe.webhook_secret": stripe.SECRET,
            "stripe.api_url": self.stand.url, "stripe.publishable_key": stripe.PUBLISHABLE,
        }  # fmt: skip

    def pays(self, ref: str) -> None:
        """Pay."""
        self.fake.person(ref, "pay")

    def declines(self, ref: str) -> None:
        """Be refused."""
        self.fake.person(ref, "decline")

    def back(self, ref: str) -> str:
        """Follow Stripe's redirect; its return address says nothing of the session."""
        return path_of(self.fake.things[ref]["success_url"])

    def taken(self) -> list[int]:
        """List the charges."""
        return [
            one["amount"] for one in self.fake.of_kind("charge") if one["status"] == "succeeded"
        ]

    def is_paid(self, ref: str) -> bool:
        """Ask what a weak handler asks."""
        return str(self.fake.things[ref]["payment_status"]) == "paid"

    def _paid(self, ref: str) -> dict[str, Any]:
        """Return what Stripe would say if it had been paid."""
        session = {**self.fake.things[ref], "status": "complete", "payment_status": "paid"}
        return {
            "id": "evt_forged", "object": "event", "type": "checkout.session.completed",
            "data": {"object": session},
        }  # fmt: skip

    def _sent(self, ref: str, secret: str) -> tuple[dict[str, str], bytes]:
        header, body = self.fake.delivery(self._paid(ref), secret)
        return {"Stripe-Signature": header}, body

    def message(self, ref: str) -> tuple[dict[str, str], bytes]:
        """Sign it by the site's secret."""
        return self._sent(ref, stripe.SECRET)

    def forged(self, ref: str) -> list[tuple[dict[str, str], bytes]]:
        """Without a signature, by another endpoint's secret, by an empty one, for another body."""
        headers, body = self.message(ref)
        return [
            ({}, body), self._sent(ref, "whsec_of_another_site"), self._sent(ref, ""),
            (headers, body.replace(b"paid", b"PAID")), ({"Stripe-Signature": "t=1,v1=x"}, body),
        ]  # fmt: skip


class ByPayPal:
    """PayPal's stand-in."""

    name, inline = "paypal", False

    def __init__(self, fake: paypal.FakePayPal) -> None:
        self.fake, self.books = fake, fake.books

    def settings(self) -> dict[str, Any]:
        """Give keys and address."""
        return {
            "paypal.client_id": paypal.CLIENT, "paypal.secret": paypal.SECRET,
            "paypal.api_url": self.fake.url, "paypal.webhook_id": paypal.WEBHOOK,
            "paypal.merchant_id": self.books.merchant, "paypal.fee_percent": "3.40",
            "paypal.fee_fixed": "0.35",
        }  # fmt: skip

    def pays(self, ref: str) -> None:
        """Approve; the site captures."""
        self.books.approve(ref)

    def declines(self, ref: str) -> None:
        """Approve with a card that is refused at the capture."""
        self.books.approve(ref, "decline")

    def back(self, ref: str) -> str:
        """Come back with PayPal's words."""
        return f"{path_of(self.books.order(ref)['context']['return_url'])}?token={ref}&PayerID=X"

    def taken(self) -> list[int]:
        """List the captures."""
        return [
            int(one["amount"]["value"].replace(".", ""))
            for order in self.books.orders.values()
            for one in captures(order)
            if one["status"] == "COMPLETED"
        ]

    def is_paid(self, ref: str) -> bool:
        """Ask what a weak handler asks."""
        return str(self.books.order(ref)["status"]) == "COMPLETED"

    def _event(self, ref: str) -> dict[str, Any]:
        order = {**self.books.order(ref), "status": "COMPLETED"}
        return {
            "id": "WH-FORGED", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": order,
            "resource_type": "checkout-order",
        }  # fmt: skip

    def _sent(self, ref: str, webhook: str) -> tuple[dict[str, str], bytes]:
        one = self.fake.inbound(self._event(ref), webhook=webhook)
        return dict(one.headers), one.body

    def message(self, ref: str) -> tuple[dict[str, str], bytes]:
        """Sign it for the site's webhook."""
        return self._sent(ref, paypal.WEBHOOK)

    def forged(self, ref: str) -> list[tuple[dict[str, str], bytes]]:
        """Without a signature, for another site's webhook, for another body, by other keys."""
        headers, body = self.message(ref)
        elsewhere = headers | {"Paypal-Cert-Url": "https://evil.example/CERT-1"}
        return [
            ({}, body), self._sent(ref, "0W_of_another_site"), (headers, body + b" "),
            (elsewhere, body), (headers | {"Paypal-Transmission-Sig": "AAAA"}, body),
        ]  # fmt: skip


def path_of(url: str) -> str:
    return urlsplit(url).path

"""Stripe keeps the provider's contract, over HTTP, against a stand-in that checks each request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from core import http
from core.money import Money
from core.payments import Inbound, Provider, State
from core.testing.provider_steps import begun, charges, ref_of
from core.testing.providers import ProviderContract
from plugins.stripe import client
from plugins.stripe.chosen import Chosen
from plugins.stripe.provider import Stripe
from plugins.stripe.signature import digest
from tests.plugins.stripe.fake_server import KEY, PUBLISHABLE, SECRET, Fault, Stand, running

AMOUNTS = (*(Money(minor, "EUR") for minor in (100, 50, 99, 333, 1999)), Money(1234, "GBP"))
NOT_OFFERED = (
    Money(-20, "EUR"), Money(49, "EUR"), Money(100_000_000, "EUR"), Money(1001, "KWD"),
)  # fmt: skip


def chosen_for(stand: Stand, **more: Any) -> Chosen:
    """Return the settings of a site that asks a stand-in."""
    return Chosen(
        **{"key": KEY, "publishable": PUBLISHABLE, "secrets": (SECRET,), "base": stand.url, **more}
    )


@dataclass
class OverHttp:
    """A site's provider, and the stand-in's other side."""

    stand: Stand
    provider: Provider
    after: int
    amounts: tuple[Money, ...] = AMOUNTS
    not_offered: tuple[Money, ...] = NOT_OFFERED
    spoiled: list[str] = field(default_factory=list)

    def person(self, ref: str, how: Any) -> None:
        """Choose it on the page."""
        self.stand.fake.person(ref, how)

    def finish_slow(self, ref: str) -> None:
        """Let the bank answer."""
        self.stand.fake.finish_slow(ref)

    def dispute(self, ref: str, minor: int) -> str:
        """Let the bank ask it back."""
        return str(self.stand.fake.dispute(ref, minor)["id"])

    def decide(self, dispute: str, verdict: Any) -> None:
        """End it."""
        self.stand.fake.decide(dispute, verdict)

    def spoil(self, operation: str, way: str, *, done: bool) -> None:
        """Spoil the next answer on the wire; a site that waits for it is no patient one."""
        if way == "timeout":
            client.TIMEOUT_SECONDS = 0.5
        self.stand.faults.append(Fault(operation, way, done))

    def deliveries(self) -> list[Inbound]:
        """Sign all that happened in this test, now."""
        return [self._signed(one) for one in self.stand.fake.events[self.after :]]

    def _signed(self, event: dict[str, Any]) -> Inbound:
        header, body = self.stand.fake.delivery(event, SECRET)
        return Inbound({"Stripe-Signature": header}, body)

    def signed(self, body: bytes, at: datetime) -> Inbound:
        """Sign a body as Stripe does, whatever it is."""
        seconds = str(int(at.timestamp()))
        header = f"t={seconds},v1={digest(SECRET, seconds, body)}"
        return Inbound({"Stripe-Signature": header}, body)

    def foreign(self) -> Inbound:
        """Let somebody pay another site on the same account."""
        fake = self.stand.fake
        marks = {"obolo_site": "another", "obolo_payment": "pay_elsewhere"}
        intent = fake.intent({"amount": 100, "currency": "eur", "metadata": marks})
        fake.charge(intent)
        return self._signed(fake.events[-1])


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    """Run one stand-in for all tests of this file; at the end nothing asked of it was wrong."""
    with running() as one:
        yield one
        assert one.wrong == []


class TestOverHttp(ProviderContract):
    """Stripe's own page, to which the reader is sent."""

    @pytest.fixture
    def contract(self, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> OverHttp:
        monkeypatch.setattr(client, "http_request", http.request)  # there is no site to declare it
        monkeypatch.setattr(client, "TIMEOUT_SECONDS", 10.0)
        settings = chosen_for(stand)
        return OverHttp(stand, Stripe(lambda: settings), len(stand.fake.events))

    def test_a_person_can_cancel(self, contract: OverHttp) -> None:
        """Stripe's page only leads back: the payment waits, until the site lets it go."""
        payment = begun(contract)
        contract.person(ref_of(payment), "cancel")
        facts = contract.provider.look_up(payment)

        assert (facts.state, charges(facts)) == (State.CUSTOMER, [])
        assert contract.stand.fake.things[ref_of(payment)]["status"] == "open"

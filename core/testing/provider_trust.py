"""The part of the provider's contract that says what is believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.clock import now
from core.errors import Forged
from core.payments import Inbound
from core.testing.provider_steps import Contract, begun, paid, ref_of


def altered(request: Inbound, change: Callable[[str], str]) -> Inbound:
    """Return a message with another value of the header that signs it."""
    plain = ("content-type", "content-length", "host", "user-agent")
    headers = {
        name: value if name.lower() in plain else change(value)
        for name, value in request.headers.items()
    }
    return Inbound(headers, request.body)


def heard(contract: Contract) -> list[str]:
    """Return the event ids of all messages so far."""
    return [hint.event for one in contract.deliveries() for hint in contract.provider.hear(one)]


class TrustRules:
    """What is believed: the signature says who speaks, and only `look_up` says what is true."""

    def test_a_genuine_message_points_to_its_payment(self, contract: Contract) -> None:
        """A message of the provider gives a hint that names the payment."""
        payment = paid(contract)
        hints = [hint for one in contract.deliveries() for hint in contract.provider.hear(one)]

        assert hints
        assert all(payment.id == hint.reference or payment.ref == hint.ref for hint in hints)

    def test_a_repeated_message_is_the_same_event(self, contract: Contract) -> None:
        """Deliveries of one event carry one event id, those of two events carry two."""
        payment = begun(contract)
        contract.person(ref_of(payment), "decline")
        contract.person(ref_of(payment), "pay")
        first, again = heard(contract), heard(contract)

        assert first == again
        assert len(set(first)) == len(first) >= 2

    def test_a_forged_message_is_refused(self, contract: Contract) -> None:
        """Another signature of the same length is no signature."""
        paid(contract)
        message = contract.deliveries()[-1]

        with pytest.raises(Forged):
            list(contract.provider.hear(altered(message, lambda text: text[:-8] + "00000000")))

    def test_a_tampered_message_is_refused(self, contract: Contract) -> None:
        """One byte more in the body breaks the signature."""
        paid(contract)
        message = contract.deliveries()[-1]

        with pytest.raises(Forged):
            list(contract.provider.hear(Inbound(message.headers, message.body + b" ")))

    @pytest.mark.parametrize("seconds", [-301, 301, -86400 * 365, 86400 * 365])
    def test_a_message_of_another_time_is_refused(self, contract: Contract, seconds: int) -> None:
        """What was signed more than five minutes ago, or will be, is refused."""
        paid(contract)
        body = contract.deliveries()[-1].body
        at = now() + timedelta(seconds=seconds + (1 if seconds > 0 else 0))

        with pytest.raises(Forged):
            list(contract.provider.hear(contract.signed(body, at)))

    @pytest.mark.parametrize("seconds", [-290, 290])
    def test_a_clock_may_be_a_little_wrong(self, contract: Contract, seconds: int) -> None:
        """Within five minutes a message is taken."""
        paid(contract)
        body = contract.deliveries()[-1].body
        message = contract.signed(body, now() + timedelta(seconds=seconds))

        assert list(contract.provider.hear(message))

    @pytest.mark.parametrize("change", [
        lambda text: "", lambda text: "=", lambda text: "t=,v1=", lambda text: "\xe9" * 80,
        lambda text: text.replace("1", "\u0661"), lambda text: f"{text},{text}" * 100,
    ])  # fmt: skip
    def test_a_malformed_signature_is_refused(self, contract: Contract, change: Any) -> None:
        """Whatever stands in the header, it is refused and breaks nothing."""
        paid(contract)

        with pytest.raises(Forged):
            list(contract.provider.hear(altered(contract.deliveries()[-1], change)))

    def test_a_message_without_a_signature_is_refused(self, contract: Contract) -> None:
        """No header, no belief."""
        paid(contract)

        with pytest.raises(Forged):
            list(contract.provider.hear(Inbound({}, contract.deliveries()[-1].body)))

    @pytest.mark.parametrize("body", [
        b"", b"\xff\xfe", b'{"id": "\xff"}', b"[]", b"{}", b"null", b'"text"', b'{"id": 1}',
        b'{"x":' + b"[" * 100_000,
    ])  # fmt: skip
    def test_a_signed_message_that_is_no_event_is_refused(
        self, contract: Contract, body: bytes
    ) -> None:
        """What cannot be read as an event is refused, not a bug, even when it is signed."""
        with pytest.raises(Forged):
            list(contract.provider.hear(contract.signed(body, now())))

    def test_a_foreign_message_gives_no_hint(self, contract: Contract) -> None:
        """A genuine message about another site's payment points to nothing here."""
        assert list(contract.provider.hear(contract.foreign())) == []

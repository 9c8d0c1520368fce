"""PayPal's answers in core's words: orders, captures, refunds, disputes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import Facts, Kind, Movement, ProviderUnknown, State, Status
from plugins.paypal.amounts import read
from plugins.paypal.records import Kept

Json = Mapping[str, Any]
STATES = {
    "CREATED": State.CUSTOMER,
    "SAVED": State.CUSTOMER,
    "PAYER_ACTION_REQUIRED": State.CUSTOMER,
    "APPROVED": State.READY,
    "VOIDED": State.CANCELLED,
    "COMPLETED": State.BANK,  # until a capture says more
}
CAPTURES = {
    "COMPLETED": Status.DONE,
    "PARTIALLY_REFUNDED": Status.DONE,
    "REFUNDED": Status.DONE,
    "DECLINED": Status.FAILED,
    "FAILED": Status.FAILED,
}
REFUNDS = {"COMPLETED": Status.DONE, "FAILED": Status.FAILED, "CANCELLED": Status.FAILED}
COMPLAINTS = frozenset({"BUYER_COMPLAINT", "CHARGEBACK"})
"""Why a capture that was done is pending again: its buyer disputes it."""
LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
"""Outcomes of a dispute that cost the site its money; PayPal itself pays RESOLVED_WITH_PAYOUT."""


def facts_of(order: Json, kept: Kept, disputes: Iterable[Json], *, mode: str, payee: str) -> Facts:
    """Say what an order, and the disputes about its captures, come to."""
    try:
        unit = order["purchase_units"][0]
        captures = captures_of(order)
        ids = {str(one["id"]) for one in captures}
        ours = [one for one in disputes if _captures_of_dispute(one) & ids]
        refunds = [_Refund.of(one) for one in refunds_of(order)]
        movements = [_capture(one) for one in captures]
        movements += [one.movement for one in _beside(refunds, ours)]
        movements += [_dispute(one) for one in ours]
        state = _state(str(order["status"]), movements, kept)
        return Facts(
            str(order["id"]), state, tuple(movements), reference=unit.get("custom_id"),
            payee=unit.get("payee", {}).get("merchant_id") if payee else None, mode=mode,
            method="paypal", failure=kept.failure or _failure(captures),
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ProviderUnknown("PayPal’s answer makes no sense.") from error


def captures_of(order: Json) -> list[Json]:
    """Return the captures of an order."""
    return [
        capture
        for unit in order.get("purchase_units", ())
        for capture in unit.get("payments", {}).get("captures", ())
    ]


def refunds_of(order: Json) -> list[Json]:
    """Return the refunds that an order lists, whoever asked for them."""
    return [
        refund
        for unit in order.get("purchase_units", ())
        for refund in unit.get("payments", {}).get("refunds", ())
    ]


def may_be_disputed(capture: Json) -> bool:
    """Tell whether a capture took money, also while a dispute has made it pending again."""
    why = (capture.get("status_details") or {}).get("reason")
    return CAPTURES.get(capture["status"]) is Status.DONE or why in COMPLAINTS


def _state(status: str, movements: Iterable[Movement], kept: Kept) -> State:
    """Say where a payment stands: what was captured counts, whatever was noted before."""
    found = {one.status for one in movements if one.kind is Kind.CHARGE}
    if Status.DONE in found:
        return State.PAID
    if Status.PENDING in found:
        return State.BANK
    if kept.cancelled:
        return State.CANCELLED
    if found or kept.failure:
        return State.FAILED
    return STATES.get(status, State.CUSTOMER)


def _failure(captures: Iterable[Json]) -> str | None:
    failed = [one for one in captures if CAPTURES.get(one["status"]) is Status.FAILED]
    details = failed[0].get("status_details", {}) if failed else {}
    return str(details.get("reason") or failed[0]["status"]) if failed else None


def _capture(one: Json) -> Movement:
    """Read a capture; what was changed into another currency came in as that, fee included."""
    amount = read(one["amount"])
    status = CAPTURES.get(one["status"], Status.PENDING)
    split = one.get("seller_receivable_breakdown") or {}  # absent while the capture is pending
    more: dict[str, Any] = {}
    if "paypal_fee" in split:
        fee = read(split["paypal_fee"])
        more = {"fee": fee.minor, "net": amount.minor - fee.minor}
    if "paypal_fee_in_receivable_currency" in split and "receivable_amount" in split:
        fee = read(split["paypal_fee_in_receivable_currency"])
        gross = read(split["receivable_amount"]) + fee
        more |= {
            "fee": fee.minor, "fee_currency": fee.currency,
            "settled_minor": gross.minor, "settled_currency": gross.currency,
        }  # fmt: skip
    return Movement(Kind.CHARGE, one["id"], amount.minor, amount.currency, status, **more)


@dataclass(frozen=True, slots=True)
class _Refund:
    """A refund that an order lists, and when it was made; an empty text where PayPal says not."""

    movement: Movement
    made: str

    @classmethod
    def of(cls, one: Json) -> _Refund:
        return cls(_refund(one), _instant(one))


def _instant(one: Json) -> str:
    """Return when something began, so that two can be compared; empty where PayPal says not."""
    text = one.get("create_time")
    return datetime.fromisoformat(text).astimezone(UTC).isoformat() if text else ""


def _beside(refunds: Iterable[_Refund], disputes: Iterable[Json]) -> list[_Refund]:
    """Leave out the refunds by which PayPal took what was disputed: that is the dispute's money.

    PayPal names no dispute in a refund. One that the site did not ask for, of the disputed amount
    and made after the dispute, is the dispute's, one for each; unless the dispute was won.
    """
    rest = sorted(refunds, key=lambda one: (one.made, one.movement.id))
    for dispute in sorted(disputes, key=lambda one: str(one["dispute_id"])):
        if _verdict(dispute) is Status.FAILED:
            continue
        amount, since = read(dispute["dispute_amount"]), _instant(dispute)
        for one in rest:
            came_later = not one.made or not since or one.made >= since
            same = (one.movement.minor, one.movement.currency) == (amount.minor, amount.currency)
            if one.movement.asked is None and came_later and same:
                rest.remove(one)
                break
    return rest


def _refund(one: Json) -> Movement:
    """Read a refund; a fee that PayPal gives back is a fee below zero."""
    amount = read(one["amount"])
    split = one.get("seller_payable_breakdown") or {}
    fee = -read(split["paypal_fee"]).minor if "paypal_fee" in split else 0
    status = REFUNDS.get(one["status"], Status.PENDING)
    own = str(one.get("custom_id") or "")
    asked = own if own.startswith("ref_") else None
    return Movement(Kind.REFUND, one["id"], amount.minor, amount.currency, status, fee, asked=asked)


def _captures_of_dispute(dispute: Json) -> set[str]:
    return {str(of.get("seller_transaction_id")) for of in dispute["disputed_transactions"]}


def _dispute(one: Json) -> Movement:
    amount = read(one["dispute_amount"])
    return Movement(
        Kind.DISPUTE, one["dispute_id"], amount.minor, amount.currency, _verdict(one), 0
    )


def _verdict(dispute: Json) -> Status:
    if dispute["status"] != "RESOLVED":
        return Status.PENDING
    outcome = (dispute.get("dispute_outcome") or {}).get("outcome_code")
    return Status.DONE if outcome in LOST else Status.FAILED

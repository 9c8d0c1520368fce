"""PayPal's answers in core's words: orders, captures, refunds, disputes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
"""Outcomes of a dispute that cost the site its money; PayPal itself pays RESOLVED_WITH_PAYOUT."""


def facts_of(order: Json, kept: Kept, disputes: Iterable[Json], *, mode: str, payee: str) -> Facts:
    """Say what an order, and the disputes about its captures, come to."""
    try:
        unit = order["purchase_units"][0]
        captures = captures_of(order)
        movements = [_capture(one) for one in captures]
        movements += [_refund(one) for one in unit.get("payments", {}).get("refunds", ())]
        movements += list(_disputes(disputes, {str(one["id"]) for one in captures}))
        state = _state(str(order["status"]), movements, kept)
        return Facts(
            str(order["id"]), state, tuple(movements), reference=unit.get("custom_id"),
            payee=unit.get("payee", {}).get("merchant_id") if payee else None, mode=mode,
            method="paypal", failure=kept.failure or _failure(captures),
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ProviderUnknown("PayPal’s answer makes no sense.") from error


def captures_of(order: Json) -> list[Json]:
    """Return the captures of an order."""
    return [
        capture
        for unit in order.get("purchase_units", ())
        for capture in unit.get("payments", {}).get("captures", ())
    ]


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


def _refund(one: Json) -> Movement:
    """Read a refund; a fee that PayPal gives back is a fee below zero."""
    amount = read(one["amount"])
    split = one.get("seller_payable_breakdown") or {}
    fee = -read(split["paypal_fee"]).minor if "paypal_fee" in split else 0
    status = REFUNDS.get(one["status"], Status.PENDING)
    own = str(one.get("custom_id") or "")
    asked = own if own.startswith("ref_") else None
    return Movement(Kind.REFUND, one["id"], amount.minor, amount.currency, status, fee, asked=asked)


def _disputes(disputes: Iterable[Json], captures: set[str]) -> Iterator[Movement]:
    for one in disputes:
        about = {str(of.get("seller_transaction_id")) for of in one["disputed_transactions"]}
        if about & captures:
            amount = read(one["dispute_amount"])
            yield Movement(
                Kind.DISPUTE, one["dispute_id"], amount.minor, amount.currency, _verdict(one), 0
            )


def _verdict(dispute: Json) -> Status:
    if dispute["status"] != "RESOLVED":
        return Status.PENDING
    outcome = (dispute.get("dispute_outcome") or {}).get("outcome_code")
    return Status.DONE if outcome in LOST else Status.FAILED

"""Decide what a machine at a closed resource is told: pay this, pay that, or why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core import (
    SPEND,
    Line,
    MachineRequest,
    Money,
    OboloError,
    Offer,
    Toll,
    draft,
    gettext,
    keeper_name,
    kept_for,
    order_of,
    site_currency,
    site_mode,
    value,
)
from plugins.machinepay import budgets, challenges, drafts
from plugins.machinepay.drafts import MARK, Draft

MOST_CHALLENGES = 5


def toll(request: MachineRequest, resource: str, offers: Sequence[Offer]) -> Toll | None:
    """Answer a machine: a receipt, a purchase, challenges, or the reason why there are none."""
    named, bearer = request.headers.get(challenges.HEADER.lower(), ""), request.bearer
    found = drafts.find(named, bearer.token) if named and bearer else None
    if found and found.resource != resource:
        found = None
    if request.open:
        return _receipt(found)
    if code := _barrier(request):
        return _refusal(code, headers=challenges.token_header(code))
    prices = {
        offer.key: draft(request.reader, offer.lines).total for offer in offers[:MOST_CHALLENGES]
    }
    code, words = _refused(request.refused)
    if named and not code:
        code = _problem(found, prices)
        if found and not code:
            return Toll(buys=_marked(found, offers), by=keeper_name())
    return _challenge(request, resource, prices, code, words)


def _receipt(found: Draft | None) -> Toll | None:
    if found is None or found.order is None:
        return None
    return Toll(headers=(challenges.receipt_of(order_of(found.order)),))


def _barrier(request: MachineRequest) -> str:
    """Return the code for why this machine can pay for nothing here; nothing where it can."""
    if request.bearer is None:
        return "token_needed"
    if SPEND not in request.bearer.scopes:
        return "scope_missing"
    if not keeper_name():
        return "no_balances"
    return "mode_differs" if request.bearer.mode != site_mode() else ""


def _refused(error: OboloError | None) -> tuple[str, str]:
    """Return code and words of what was refused just now; words of ours where a code has some."""
    if error is None:
        return "", ""
    if error.code in _words():
        return error.code, ""
    words = gettext(error.message)
    return error.code or "refused", words.format(**error.values) if error.values else words


def _problem(found: Draft | None, prices: dict[str, Money]) -> str:
    """Return the code for why the draft that was named cannot be the sale.

    What others may change meanwhile is for the sale's transaction to say: budget, balance, and
    whether the draft is sold. One that is may just have been, and then its text is open.
    """
    if found is None:
        return "draft_unknown"
    if found.order is not None:
        return "" if found.offer in prices else "draft_used"
    if found.over:
        return "draft_expired"
    if prices.get(found.offer) != found.price:
        return "price_changed"
    return _never(found.price)


def _never(price: Money) -> str:
    """Return the code for why no token spends so much; nothing where one may."""
    if price.currency != site_currency():
        return "not_for_machines"
    return "confirm_needed" if price.minor > value("checkout.confirm_above") else ""


def _too_much(request: MachineRequest, price: Money) -> str:
    """Return the code for why this token cannot spend so much now; nothing where it can."""
    assert request.bearer is not None, "the barrier is behind it"
    budget = budgets.of_token(request.bearer.token)
    if code := _never(price) or budget.refusal_of(price.minor):
        return code
    kept = kept_for(request.reader, price.currency)
    return "balance_too_low" if kept is not None and kept.minor < price.minor else ""


def _marked(found: Draft, offers: Sequence[Offer]) -> tuple[Line, ...]:
    """Return the offer's lines, the first of which names the draft: so the sale finds it."""
    first, *more = next(offer for offer in offers if offer.key == found.offer).lines
    return replace(first, data={**first.data, MARK: found.id}), *more


def _challenge(
    request: MachineRequest, resource: str, prices: dict[str, Money], code: str, words: str
) -> Toll:
    """Return a challenge for each offer that this token could pay, or why there is none."""
    assert request.bearer is not None, "the barrier is behind it"
    reasons = {key: _too_much(request, price) for key, price in prices.items()}
    made = [
        drafts.drawn(request.bearer.token, request.reader.holder, resource, key, prices[key])
        for key, reason in reasons.items()
        if not reason
    ]
    if not code:
        code = "payment_needed" if made else next(iter(reasons.values()), "not_for_machines")
    return replace(
        _refusal(code, words),
        challenges=tuple(challenges.document_of(one) for one in made),
        headers=tuple(challenges.header_of(one) for one in made),
    )


def _refusal(code: str, words: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Toll:
    return Toll(code=code, detail=words or _words()[code], headers=headers)


def _words() -> dict[str, str]:
    """Return what each code says to a reader."""
    return {
        "payment_needed": gettext(
            "This is closed. Send the request again with a challenge’s id and it is paid and open."
        ),
        "token_needed": gettext("This is closed. Show a personal token that may pay to open it."),
        "scope_missing": gettext("This token may not pay. Make one that may."),
        "no_balances": gettext("No balance is kept here, so machines cannot pay."),
        "mode_differs": gettext(
            "This token is for test money and the site takes real money, or the other way round."
        ),
        "budget_missing": gettext("This token has no budget yet. Its user sets one."),
        "budget_spent": gettext("This is more than is left of the token’s budget."),
        "day_cap_reached": gettext("This is more than the token may spend today."),
        "balance_too_low": gettext("There is not enough in the balance for this."),
        "confirm_needed": gettext("So much is paid by a person who confirms it, not by a token."),
        "not_for_machines": gettext("Nothing that opens this can be paid by a machine."),
        "draft_unknown": gettext("This token was given no such challenge for this."),
        "draft_used": gettext("This challenge was used already."),
        "draft_expired": gettext("This challenge is over. Here is a new one."),
        "price_changed": gettext("The price has changed. Here is a new challenge."),
        "questions_open": gettext("A person must answer something before this can be bought."),
    }

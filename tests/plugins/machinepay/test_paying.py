"""A program pays for what is closed: challenged, paid and answered over HTTP, as for readers."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from core import checkout
from core.hookspecs import hookimpl
from core.orders import Question, find
from core.people import tokens
from core.plugins import Refusal, loaded
from core.verify import verify
from plugins.machinepay import drafts, gatekeeping
from tests.plugins.machinepay.payer import (
    BEGUN,
    JSON,
    PAID_IN,
    PRICE,
    Payer,
    fill,
    left,
    receipt,
    sales,
)
from tests.plugins.posts.texts import bring, count, write
from tests.proofs.test_races import together

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORMS = ("/closed", "/api/v1/resources/post:closed")
"""Every address that answers a program 402."""


@pytest.fixture
def app(make_site):
    app = make_site("posts", "paywall", "wallet", "machinepay")
    for slug, price in (("closed", "0.20 EUR"), ("other", "0.20 EUR"), ("free", None)):
        offer_text(app, slug, price)
    yield app
    assert verify() == []


@pytest.fixture
def payer(app):
    payer = Payer(app)
    fill(payer.user.id)
    return payer


def offer_text(app, slug, price):
    """Put a text on the site, or another price on it."""
    folder = Path(app.extensions["obolo_config"].home) / "texts"
    text = f"For all.\n\n<!-- more -->\n\nWords of {slug} that are paid for.\n"
    write(folder, slug, text, price=price)
    bring(app, folder)


def refused(answer):
    """Return the code of a 402 that is a whole problem document and holds nothing paid for."""
    assert (answer.status_code, answer.content_type) == (402, "application/problem+json")
    assert {"type", "title", "status", "detail", "instance", "offers"} <= set(answer.json)
    assert "that are paid for" not in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.json["code"]


@pytest.mark.parametrize("path", FORMS)
def test_a_challenge_is_repeated_and_the_text_comes_in_the_same_answer(payer, path):
    """One sale from the balance, at the reader's price; once more is the same answer."""
    first = payer.get(path)
    (challenge,) = first.json["challenges"]
    assert refused(first) == "payment_needed"
    assert (challenge["minor"], challenge["currency"], challenge["intent"]) == (20, "EUR", "charge")
    assert BEGUN.findall(first.headers["WWW-Authenticate"]) == [challenge["id"]]
    done, again = (payer.get(path, challenge["id"]) for _ in range(2))
    order = find(receipt(done)["reference"])

    assert (done.status_code, again.status_code) == (200, 200)
    assert "that are paid for" in payer.get().json["html"]
    assert done.json == again.json
    assert done.headers["Payment-Receipt"] == again.headers["Payment-Receipt"]
    assert (order.holder, order.total.minor, order.state) == (payer.user.id, PRICE, "paid")
    assert order.lines[0].data[drafts.MARK] == challenge["id"]
    assert (sales(), left(payer.user.id)) == (1, PAID_IN - PRICE)
    assert (payer.budget().spent, payer.budget().today) == (PRICE, PRICE)
    assert "no-store" in done.headers["Cache-Control"]


@on_sqlite
def test_the_header_of_a_challenge_has_the_form_of_the_draft(payer):
    """id, realm, method, intent, request and expires, as draft-httpauth-payment-01 has them."""
    answer = payer.get()
    header = answer.headers["WWW-Authenticate"]
    scheme, _, parameters = header.partition(" ")
    named = dict(part.split("=", 1) for part in parameters.split(", "))
    request = named["request"].strip('"')
    asked = json.loads(base64.urlsafe_b64decode(request + "=" * (-len(request) % 4)))

    assert scheme == "Payment"
    assert set(named) == {"id", "realm", "method", "intent", "request", "expires"}
    assert asked == {"amount": "20", "currency": "eur"}
    assert named["expires"].strip('"') == answer.json["challenges"][0]["expires"]
    assert payer.challenged() == answer.json["challenges"][0]["id"], "asked again: the same draft"


@on_sqlite
def test_without_a_token_nothing_is_offered_to_pay_with(app, payer):
    """RFC 6750 says which one is wanted; a cookie is none; a false token is 401."""
    stranger = app.test_client().get("/closed", headers=JSON)
    named = app.test_client().get(
        "/closed", headers={**JSON, "Payment-Challenge": payer.challenged()}
    )
    false = payer.get(Authorization="Bearer obl_live_no")

    assert refused(stranger) == refused(named) == "token_needed"
    assert stranger.json["challenges"] == []
    assert stranger.headers["WWW-Authenticate"] == 'Bearer realm="localhost"'
    assert (false.status_code, sales()) == (401, 0)


@on_sqlite
def test_a_token_needs_its_scopes(app, payer):
    """own.spend to pay, own.view to read; a token of test money does not pay real money."""
    reading = Payer(app, user=payer.user, scopes=(tokens.OWN,))
    spending = Payer(app, user=payer.user, scopes=(tokens.SPEND,))
    playing = Payer(app, user=payer.user, mode="test")
    answer = reading.get(challenge=payer.challenged())

    assert refused(answer) == "scope_missing"
    assert 'scope="own.spend"' in answer.headers["WWW-Authenticate"]
    assert spending.get().status_code == 403
    assert refused(playing.get()) == "mode_differs"
    assert sales() == 0


def test_budget_and_day_bound_what_is_spent(app, clock):
    """Nothing before there is a budget; not more than it; not more in a day; the next day again."""
    payer = Payer(app, most=0)
    fill(payer.user.id)
    clock.shift(timedelta(seconds=1))  # so that the books know what came first
    assert refused(payer.get()) == "budget_missing"
    tight = Payer(app, user=payer.user, most=39, a_day=39)
    daily = Payer(app, user=payer.user, most=100, a_day=20)
    kept = tight.challenged("/other")
    assert tight.get(challenge=tight.challenged()).status_code == 200
    spent = tight.get("/other", kept)

    assert refused(spent) == "budget_spent"
    assert spent.json["challenges"] == []
    assert daily.get("/other", daily.challenged("/other")).status_code == 200
    offer_text(app, "third", "0.20 EUR")
    assert refused(daily.get("/third")) == "day_cap_reached"
    clock.shift(timedelta(days=1))
    assert daily.get("/third", daily.challenged("/third")).status_code == 200
    assert (daily.budget().spent, daily.budget().today) == (40, 20)
    assert sales() == 3


def test_what_is_not_in_the_balance_is_not_spent(app, monkeypatch):
    """Told before; and where it went meanwhile, the ledger's bound rolls draft and budget back."""
    payer = Payer(app)
    assert refused(payer.get()) == "balance_too_low"
    with monkeypatch.context() as blind:
        blind.setattr(gatekeeping, "kept_for", lambda *_: None)
        challenge = payer.challenged()
        answer = payer.get(challenge=challenge)

    assert refused(answer) == "balance_too_low"
    assert (sales(), payer.budget().spent) == (0, 0)
    fill(payer.user.id, PRICE)
    assert payer.get(challenge=challenge).status_code == 200


@on_sqlite
def test_a_challenge_is_of_one_token_one_resource_and_a_quarter_of_an_hour(app, payer, clock):
    """Anybody else's, another text's or an old one is refused, with a new one to pay."""
    other = Payer(app)
    fill(other.user.id)
    challenge = payer.challenged()

    assert refused(other.get(challenge=challenge)) == "draft_unknown"
    assert refused(Payer(app, user=payer.user).get(challenge=challenge)) == "draft_unknown"
    assert refused(payer.get("/other", challenge)) == "draft_unknown"
    assert refused(payer.get(challenge="drf_made_up")) == "draft_unknown"
    clock.shift(timedelta(minutes=15))
    answer = payer.get(challenge=challenge)
    assert refused(answer) == "draft_expired"
    (new,) = answer.json["challenges"]
    assert new["id"] != challenge
    assert sales() == 0
    assert payer.get(challenge=new["id"]).status_code == 200


def test_another_price_is_asked_for_again(app, payer, monkeypatch):
    """What was agreed is paid or nothing; even where it changes between the look and the sale."""
    challenge = payer.challenged()
    offer_text(app, "closed", "0.30 EUR")
    answer = payer.get(challenge=challenge)
    monkeypatch.setattr(gatekeeping, "_problem", lambda *_: "")
    late = payer.get(challenge=challenge)

    assert (refused(answer), refused(late)) == ("price_changed", "draft_used")
    assert [one["minor"] for one in (*answer.json["challenges"], *late.json["challenges"])] == [
        30, 30,
    ]  # fmt: skip
    assert (sales(), payer.budget().spent) == (0, 0)


@on_sqlite
@pytest.mark.parametrize(("hook", "answer", "code"), [
    ("ask", (Question("law.waiver", "consent", "I agree."),), "questions_open"),
    ("review", Refusal("Not today."), "refused"),
])  # fmt: skip
def test_what_a_person_must_do_is_left_to_a_person(payer, hook, answer, code):
    """An order that asks something, and what another plugin refuses, in its words."""
    challenge, module = payer.challenged(), ModuleType("strict")
    setattr(module, hook, hookimpl(lambda order: answer))
    loaded().add("strict", module)
    said = payer.get(challenge=challenge)

    assert refused(said) == code
    assert (said.json["detail"] == "Not today.") == (code == "refused")
    assert sales() == 0


@on_sqlite
def test_sums_that_a_person_confirms_are_not_paid_by_a_token(app, payer):
    """The same bound as for a balance that is spent in a browser."""
    offer_text(app, "dear", "40.00 EUR")

    assert refused(Payer(app, user=payer.user, most=5000, a_day=5000).get("/dear")) == (
        "confirm_needed"
    )


@on_sqlite
def test_who_comes_second_by_a_moment_gets_the_same_answer(payer, monkeypatch):
    """Closed when it was looked at, sold before it was paid for: open, with that receipt."""
    challenge, look, first = payer.challenged(), gatekeeping._problem, []

    def late(_, prices):
        monkeypatch.setattr(gatekeeping, "_problem", look)
        first.extend(together(lambda: payer.get(challenge=challenge)))
        return look(drafts.find(challenge, payer.token), prices)

    monkeypatch.setattr(gatekeeping, "_problem", late)
    second = payer.get(challenge=challenge)

    assert (first[0].status_code, second.status_code) == (200, 200)
    assert receipt(first[0]) == receipt(second)
    assert sales() == 1


@on_sqlite
def test_what_was_given_back_is_closed_and_its_challenge_is_used(payer):
    """A receipt is for what is open; the next sale takes a new challenge."""
    challenge = payer.challenged()
    order = receipt(payer.get(challenge=challenge))["reference"]
    checkout.refund(order, {1: PRICE}, actor="staff", reason="asked", to="wallet")
    answer = payer.get(challenge=challenge)

    assert refused(answer) == "draft_used"
    assert payer.get(challenge=answer.json["challenges"][0]["id"]).status_code == 200
    assert (sales(), left(payer.user.id)) == (2, PAID_IN - PRICE)


@on_sqlite
def test_what_is_free_or_open_costs_nothing(app, payer):
    """No challenge, no receipt, no sale, whatever is sent along; people see their pages."""
    challenge = payer.challenged()
    free = payer.get("/free", challenge)
    page = app.test_client().get("/closed")
    signed = payer.get(challenge=challenge, Accept="text/html")
    head = app.test_client().head(
        "/closed", headers={**payer.headers, "Payment-Challenge": challenge}
    )

    assert (free.status_code, page.status_code, signed.status_code) == (200, 200, 200)
    assert head.status_code == 402, "who asks for headers only buys nothing"
    assert "Payment-Receipt" not in free.headers
    assert "that are paid for" not in page.text + signed.text
    assert (sales(), payer.budget().spent) == (0, 0)


@on_sqlite
def test_a_site_without_balances_says_so(make_site):
    """And sells nothing to machines."""
    app = make_site("posts", "paywall", "machinepay")
    offer_text(app, "closed", "0.20 EUR")

    assert refused(Payer(app).get()) == "no_balances"


def test_what_came_to_nothing_is_forgotten(app, payer, clock):
    """Drafts after their time, sold ones after a month, budgets with their token."""
    payer.get(challenge=payer.challenged())
    payer.challenged("/other")
    clock.shift(timedelta(minutes=16))
    drafts.forget()
    assert (count("machinepay_draft"), count("machinepay_budget")) == (1, 1)
    clock.shift(timedelta(days=31))
    tokens.revoke(payer.token, payer.user.id, actor="test")
    drafts.forget()

    assert (count("machinepay_draft"), count("machinepay_budget")) == (0, 0)

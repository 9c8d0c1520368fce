"""Orders in the administration: found, understood, given back."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from core import checkout, orders
from core.ledger import balance
from core.payments import Facts, Kind, Movement, ProviderRefused, State, records
from tests.people import signed_in
from tests.stand_in import READER, begun, eur, paid, post_line, sold

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def form_id(page):
    return re.search(r'name="form_id" value="(ref_[0-9a-f]+)"', page.text)[1]


def give_back(person, order, **form):
    """Send the refund's form as its page is now."""
    number = form.pop("form_id", "") or form_id(person.client.get(f"/admin/orders/{order}"))
    return person.post(f"/admin/orders/{order}/refund", form_id=number, **form)


def test_an_order_is_found_by_any_of_its_numbers(client, provider):
    """Task: a reader writes a number from a bank statement; found in two taps and one field."""
    signed_in(client, "bookkeeper")
    payment = sold(provider)
    other = begun(provider, post_line(30, "post:other"))
    listed = client.get("/admin/orders/")
    found = client.get(f"/admin/orders/?q=si_{payment.id}&state=paid&provider=standin")

    assert all(f'href="/admin/orders/{one.order}"' in listed.text for one in (payment, other))
    assert f'href="/admin/orders/{payment.order}"' in found.text
    assert f'href="/admin/orders/{other.order}"' not in found.text
    assert "No order is like this." in client.get("/admin/orders/?q=ord_none").text


@on_sqlite
def test_the_list_comes_as_a_file(client, provider):
    """Task: hand the orders to an accountant, in two taps; amounts are plain numbers."""
    signed_in(client, "bookkeeper")
    payment = sold(provider)
    checkout.refund(payment.order, {1: 5}, actor="cli", reason="asked")
    (row,) = csv.DictReader(io.StringIO(client.get("/admin/orders/?format=csv").text))

    assert (row["order"], row["total"], row["refunded"]) == (payment.order, "0.20", "0.05")
    assert (row["state"], row["mode"], row["provider"]) == ("paid", "live", "standin")


def test_one_order_tells_its_story_and_its_books(client, provider):
    """Task: say to a reader what became of their money, in one tap from the list."""
    signed_in(client, "owner")
    payment = sold(provider)
    checkout.refund(payment.order, {1: 5}, actor="cli", reason="Bought <twice>")
    page = client.get(f"/admin/orders/{payment.order}").text

    for words in (
        "Ordered", "Payment begun", "Charged", "Given back", "Bought &lt;twice&gt;",
        "income:posts", "standin:charge:ch", "post:hello", f"si_{payment.id}",
    ):  # fmt: skip
        assert words in page
    assert client.get("/admin/orders/ord_none").status_code == 404


def test_an_amount_of_a_line_goes_back_once(client, provider):
    """Task: give part of a sale back, in three taps, an amount and a reason.

    A form that is sent twice, as an impatient finger or a reload does, moves money once.
    """
    boss = signed_in(client, "owner")
    payment = sold(provider)
    number = form_id(client.get(f"/admin/orders/{payment.order}"))
    form = {"line-1": "0.05", "reason": "Bought twice", "form_id": number}
    answers = [give_back(boss, payment.order, **form) for _ in range(2)]
    (refund,) = records.refunds(payment)

    assert [one.status_code for one in answers] == [303, 303]
    assert (refund.id, refund.amount, refund.state, refund.reason) == (
        number, eur(5), "done", "Bought twice",
    )  # fmt: skip
    assert balance("income:posts", "EUR") == eur(-15)
    assert "€0.15 of €0.20 are left" in client.get(f"/admin/orders/{payment.order}").text
    again = {"line-1": "0.15", "reason": "All of it"}
    assert give_back(boss, payment.order, **again).status_code == 303
    assert balance("income:posts", "EUR") == eur(0)


def test_money_goes_back_to_what_keeps_it_for_the_reader(client, provider):
    """Where the site has such a provider, the form asks where it goes."""
    boss = signed_in(client, "owner")
    payment = sold(provider)
    give_back(boss, payment.order, to="purse", reason="Rather a balance", **{"line-1": "0.20"})

    assert balance(f"liabilities:purse:{READER.holder}", "EUR") == eur(-20)


WRONG = (
    ({"line-1": "0.21", "reason": "x"}, "has not that much left"),
    ({"line-1": "many", "reason": "x"}, "many"),
    ({"line-1": "-0.05", "reason": "x"}, "has not that much left"),
    ({"line-1": "", "reason": "x"}, "for at least one line"),
    ({"line-1": "0.05", "reason": " "}, "Please write why"),
    ({"line-1": "0.05", "reason": "x" * 301}, "Please write why"),
    ({"line-1": "0.05", "reason": "x", "to": "nobody"}, "cannot keep money"),
    ({"line-1": "0.05", "reason": "x", "form_id": "ref_1"}, "too old"),
)


@on_sqlite
def test_a_wrong_refund_is_told_with_what_was_typed(client, provider):
    """Nothing is given back, and nothing has to be typed again."""
    boss = signed_in(client, "owner")
    payment = sold(provider)
    for form, words in WRONG:
        answer = give_back(boss, payment.order, **form)
        assert answer.status_code == 422, form
        assert words in answer.text, form
        assert f'value="{form["line-1"]}"' in answer.text, form
    assert records.refunds(payment) == []


@on_sqlite
def test_what_the_provider_refuses_is_told(client, provider):
    """The next try has another form, so that it is not taken for the one that failed."""
    boss = signed_in(client, "owner")
    payment = sold(provider)
    provider.error = ProviderRefused("the card is closed")
    answer = give_back(boss, payment.order, reason="x", **{"line-1": "0.05"})
    provider.error = None
    again = {"line-1": "0.05", "form_id": form_id(answer)}

    assert answer.status_code == 422
    assert "the card is closed" in answer.text
    assert give_back(boss, payment.order, reason="x", **again).status_code == 303
    assert [one.state for one in records.refunds(payment)] == ["failed", "done"]


@on_sqlite
def test_an_unpaid_order_has_nothing_to_give_back(client, provider):
    """Neither a form, nor a way around it; nor has a role that may only look."""
    boss = signed_in(client, "owner")
    payment = begun(provider)
    page = client.get(f"/admin/orders/{payment.order}")
    answer = boss.post(
        f"/admin/orders/{payment.order}/refund", form_id=checkout.new_refund_id(), reason="x",
        **{"line-1": "0.05"},
    )  # fmt: skip

    assert "/refund" not in page.text
    assert answer.status_code == 422
    assert orders.find(payment.order).state == "open"


@on_sqlite
def test_a_refund_asks_once_more_who_it_is(client, provider):
    """Moving money needs a proof of the last ten minutes."""
    late = signed_in(client, "owner", proved=False)
    payment = sold(provider)
    answer = give_back(late, payment.order, reason="x", **{"line-1": "0.05"})

    assert answer.location.startswith("/account/confirm")
    assert records.refunds(payment) == []


@pytest.fixture
def holding(client, provider):
    """Return an owner, and an order for which money is held."""
    provider.can = frozenset({"hold", "refund"})
    order = checkout.start_order(READER, (replace(post_line(900), data={"hold": True}),))
    checkout.pay(order.id, provider.name, READER, "")
    (payment,) = records.of_order(order.id)
    provider.facts[payment.id] = Facts(payment.ref, State.READY, reference=payment.id)
    checkout.refresh(payment.id)
    return signed_in(client, "owner"), order.id


@pytest.mark.parametrize(("decision", "state"), [("capture", "paid"), ("release", "closed")])
def test_held_money_is_taken_or_set_free(holding, provider, decision, state):
    """Task: decide about a reservation, in two taps; a second tap changes nothing."""
    boss, order = holding
    page = boss.client.get(f"/admin/orders/{order}").text
    answers = [boss.post(f"/admin/orders/{order}/decide", decision=decision) for _ in range(2)]

    assert "€9.00 are reserved at standin" in page
    assert [answer.status_code for answer in answers] == [303, 422]
    assert "decided about already" in answers[1].text
    assert orders.find(order).state == state
    assert balance("assets:standin", "EUR") == eur(900 if state == "paid" else 0)
    assert boss.post(f"/admin/orders/{order}/decide", decision="x").status_code == 400


def test_a_refund_made_at_the_provider_is_given_its_lines(client, provider):
    """Task: say what a refund was for that nobody here asked for, in two taps and two fields."""
    boss = signed_in(client, "owner")
    payment = sold(provider)
    back = Movement(Kind.REFUND, "re_1", 20, "EUR", fee=0)
    checkout.settle(provider, payment.id, paid(payment, back, warning="early_fraud_warning"))
    address = f"/admin/orders/{payment.order}"
    before = client.get(address).text
    wrong = boss.post(
        f"{address}/name", movement="re_1", reason="Bought twice", **{"line-1": "0.1"}
    )
    done = boss.post(f"{address}/name", movement="re_1", reason="Bought twice", **{"line-1": "0.2"})
    after = client.get(address).text

    assert "Given back at the provider" in before
    assert "The provider suspects a fraud: early_fraud_warning" in before
    assert wrong.status_code == 422
    assert "must come to what went back" in wrong.text
    assert 'value="0.1"' in wrong.text
    assert done.status_code == 303
    assert "Given back at the provider" not in after
    assert "Bought twice" in after
    assert balance("income:posts", "EUR") == eur(0)

"""Money: from the books to a page and a file."""

from __future__ import annotations

import csv
import io
import re

import pytest

from core import checkout
from core.clock import now
from core.ledger import Leg, post
from core.money import Money
from core.orders import Line
from core.payments import StatementLine, Status, lines, records
from core.payments.lines import Difference
from core.people import Reader
from core.storage import transaction
from core.web.admin.money import account_name
from tests.people import signed_in
from tests.stand_in import READER, begun, charge, dispute, eur, paid, post_line, sold

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def rows(client, table, days=7):
    text = client.get(f"/admin/money/{table}.csv?days={days}").text
    return list(csv.DictReader(io.StringIO(text)))


def test_a_bookkeeper_sees_what_came_in_and_what_it_cost(client, provider):
    """Task: know what is left of what came in, in one tap; other days are one tap more."""
    signed_in(client, "bookkeeper")
    payment = sold(provider)
    checkout.refund(payment.order, {1: 5}, actor="test", reason="asked")
    page = client.get("/admin/money/").text
    week = client.get("/admin/money/?days=7").text

    for words in ("€0.15", "-€0.05", "standin", "post:hello", "Income by kind", "Unlocks"):
        assert words in page
        assert words in week
    assert 'href="/admin/money/?days=365"' in page
    assert page.count('role="img"') == 2


def test_figures_are_for_the_days_that_are_offered(client):
    """Any other number is refused in words."""
    signed_in(client, "owner")

    assert "No money moved in these days." in client.get("/admin/money/?days=90").text
    for days in ("31", "-7", "7.0", "x", ""):
        assert client.get(f"/admin/money/?days={days}").status_code == 400
    assert client.get("/admin/money/made-up.csv").status_code == 404


def test_unassigned_money_says_what_is_wrong(client, provider):
    """Task: find out where money came from that belongs to no sale, in two taps."""
    signed_in(client, "owner")
    payment = begun(provider)
    checkout.settle(provider, payment.id, paid(payment, charge("ch_odd", 35)))
    page = client.get("/admin/money/").text
    (row,) = rows(client, "unassigned")

    assert "It is another amount than was asked." in page
    assert f'href="/admin/orders/{payment.order}"' in page
    assert (row["amount"], row["wrong"], row["payment"]) == ("0.35", "amount", payment.id)


def test_balances_are_owed_to_somebody(client, provider):
    """Task: see what readers keep here, in sum in one tap and by reader in two."""
    owner = signed_in(client, "owner", name="Ada <b>")
    with client.application.app_context():
        for holder, minor in ((READER.holder, 500), (owner.user.id, 700)):
            buyer = Reader(holder=holder, holders=(holder,))
            line = Line("Top-up", Money(minor, "EUR"), f"liabilities:purse:{holder}")
            order = checkout.start_order(buyer, (line,))
            checkout.pay(order.id, "standin", buyer, "")
            (payment,) = records.of_order(order.id)
            checkout.settle(provider, payment.id, paid(payment, charge(f"ch_{minor}", minor)))
    page = client.get("/admin/money/owed").text

    assert page.index("Ada &lt;b&gt;") < page.index(READER.holder)
    assert "€12.00" in page
    assert "€12.00" in client.get("/admin/money/").text
    assert [(row["holder"], row["amount"]) for row in rows(client, "owed")] == [
        (owner.user.id, "7.00"), (READER.holder, "5.00"),
    ]  # fmt: skip
    assert account_name("liabilities:vat:IT") == "VAT to pay: IT"


def test_an_owner_sees_who_owes_the_site_and_what_is_lost(client, provider):
    """Task: by reader, with the order and the sum, in two taps, and as a file."""
    owner = signed_in(client, "owner", name="Ada <b>")
    nothing = client.get("/admin/money/owed").text
    with client.application.app_context():
        buyer = Reader(holder=owner.user.id, holders=(owner.user.id,))
        line = Line("Top-up", eur(500), f"liabilities:purse:{owner.user.id}")
        order = checkout.start_order(buyer, (line,))
        checkout.pay(order.id, "standin", buyer, "")
        (payment,) = records.of_order(order.id)
        checkout.settle(provider, payment.id, paid(payment, charge("ch_up", 500)))
        checkout.buy(buyer, (post_line(130),), "purse")
        checkout.settle(provider, payment.id, paid(payment, dispute("dp", 500)))
    page = client.get("/admin/money/owed").text
    (row,) = rows(client, "claims")
    with client.application.app_context():
        checkout.settle(provider, payment.id, paid(payment, dispute("dp", 500, Status.DONE)))
    lost = re.search("Of these lost</dt><dd[^>]*>([^<]+)<", client.get("/admin/money/owed").text)

    assert "No reader owes anything." in nothing
    assert "Readers owe the site €1.30" in client.get("/admin/money/").text
    assert "Ada &lt;b&gt;" in page
    assert f'href="/admin/orders/{order.id}"' in page
    assert "€1.30" in page
    assert "Of these lost" not in page
    assert lost is not None
    assert lost[1] == "€1.30"
    assert (row["amount"], row["state"], row["orders"]) == ("1.30", "disputed", order.id)


def test_the_days_and_what_sells_come_as_files(client, provider):
    """Task: take the figures to a spreadsheet, in two taps; nothing in them is a formula."""
    signed_in(client, "bookkeeper")
    sold(provider, post_line(20, "=post:evil"))
    days, (sale,) = rows(client, "days"), rows(client, "resources")

    assert len(days) == 7
    assert days[-1] == {
        "day": f"{now():%Y-%m-%d}", "posts": "0.20", "net": "0.20", "currency": "EUR",
    }  # fmt: skip
    assert (sale["resource"], sale["sold"], sale["income"]) == ("'=post:evil", "1", "0.20")


def test_others_see_no_money(client):
    """Authors and editors write."""
    signed_in(client, "editor")

    for address in ("/admin/money/", "/admin/money/owed", "/admin/money/days.csv"):
        assert client.get(address).status_code == 403


def test_an_owner_sees_what_remains_of_a_price(client, provider):
    """Task: find a price that is worth it. One field, without a script; what is none is told."""
    signed_in(client, "owner")
    provider.fee = 5
    page = client.get("/admin/money/?price=0.20").text
    wrong = client.get("/admin/money/?price=nothing").text

    assert "€0.15" in page
    assert "not offered: from €0.50 on" in page
    assert "is not an amount" in wrong
    assert 'value="nothing"' in wrong


def test_payments_and_fees_come_as_files(client, provider):
    """Task: hand the year to the accountant: gross, fee, VAT and net of each payment."""
    signed_in(client, "bookkeeper")
    sold(provider, post_line(20))
    (payment,), (fee,) = rows(client, "payments"), rows(client, "fees")

    assert (payment["gross"], payment["fee"], payment["vat"], payment["net"]) == (
        "0.20", "0.00", "0.00", "0.20",
    )  # fmt: skip
    assert (fee["provider"], fee["paid"], fee["share"]) == ("standin", "0.20", "0.0000")


def test_payouts_and_what_is_not_explained_stand_there(client, provider):
    """Task: know when the money comes to the bank, and whether all of it is explained."""
    signed_in(client, "bookkeeper")
    empty = client.get("/admin/money/").text
    payout = StatementLine("payout", "po_1", now(), -1234, 0, "EUR")
    legs = [Leg("assets:bank", eur(1234)), Leg("assets:standin", eur(-1234))]
    odd = Difference("standin", now().date(), "charge:ch_9", "unknown", eur(7))
    with transaction():
        lines.keep("standin", [payout])
        post("standin:payout:po_1", legs, reason="payout of the account")
        lines.put_differences("standin", odd.day, [odd])
    page = client.get("/admin/money/").text

    assert "Payouts" not in empty
    for words in ("po_1", "€12.34", "charge:ch_9", "the books do not.", "€0.07"):
        assert words in page

"""Holes of other shops, tried on this one: each is refused here, and succeeds on a weak handler.

CASES lists all of them in the order of the reference by which they were chosen: which test refuses
one, which weak twin shows that the attack is one, or why it does not apply yet. Where another proof
has both, it is named; what is sent to a page stands in test_replays_of_input.py, money below.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flask import request

from core import orders
from core.checkout import settling
from core.payments import records
from core.storage import execute, transaction
from tests.conftest import browser_of
from tests.proofs.conftest import weakly
from tests.stand_in import StandIn, begun, charge, eur, paid, plugged, post_line, sold

pytestmark = pytest.mark.proof

HERE = "tests/proofs/test_replays.py"
SENT = "tests/proofs/test_replays_of_input.py"
MATRIX = "tests/paths/test_access_matrix.py"
RACES = "tests/proofs/test_races.py"
BY_PROVIDERS = "tests/proofs/test_replays_of_providers.py"
FORGED = "tests/proofs/test_forgeries.py"
HISTORIES = "tests/proofs/test_webhooks.py"
EVERYBODY = f"{MATRIX}::test_a_route_answers_whom_it_is_meant_for_and_nobody_else"
NO_WALL = f"{MATRIX}::test_weak_twin_of_the_wall_is_caught"
NOT_ASKED = f"{MATRIX}::test_weak_twin_that_shows_others_orders_is_caught"

CASES: dict[int, tuple[str, ...]] = {
    1: (EVERYBODY, NO_WALL),
    2: (EVERYBODY, NO_WALL),
    3: (f"{SENT}::test_3_what_one_reader_sends_changes_no_others_page",),
    4: (f"{SENT}::test_4_a_header_is_nobodys_identity",),
    5: (
        f"{FORGED}::test_what_is_not_the_banks_is_refused_and_changes_nothing",
        f"{FORGED}::test_weak_twin_that_checks_no_signature_is_caught",
        f"{BY_PROVIDERS}::test_5_what_the_provider_did_not_sign_for_this_site_is_refused",
    ),
    6: (
        f"{HERE}::test_6_a_genuine_payment_of_something_else_opens_nothing",
        f"{BY_PROVIDERS}::test_6_a_message_that_claims_payment_is_only_a_hint",
    ),
    7: (
        f"{HERE}::test_7_one_charge_settles_one_order",
        f"{BY_PROVIDERS}::test_7_one_provider_object_pays_one_order",
    ),
    8: (
        f"{HERE}::test_8_a_price_in_a_form_is_not_read",
        f"{BY_PROVIDERS}::test_8_the_price_is_the_sites_own",
    ),
    9: (
        f"{HERE}::test_9_a_return_address_grants_nothing",
        f"{BY_PROVIDERS}::test_9_a_leaked_return_address_is_nobody_elses",
        f"{BY_PROVIDERS}::test_9_a_return_that_is_repeated_takes_and_opens_nothing_more",
        f"{BY_PROVIDERS}::test_9_who_leaves_another_ones_page_lets_nothing_go",
    ),
    10: (
        f"{RACES}::test_processes_that_race_for_one_balance_spend_what_is_there_and_no_more",
        f"{RACES}::test_weak_twin_that_reads_before_it_writes_overdraws",
    ),
    12: (
        f"{HISTORIES}::test_all_histories_of_one_truth_end_in_one_state",
        f"{HISTORIES}::test_weak_twin_that_lets_the_last_message_win_is_caught",
    ),
    14: (
        f"{RACES}::test_threads_that_race_for_one_balance_spend_what_is_there_and_no_more",
        f"{RACES}::test_weak_twin_that_reads_before_it_writes_overdraws",
    ),
    15: (EVERYBODY, NOT_ASKED),
    16: (EVERYBODY, NOT_ASKED),
    17: (EVERYBODY, NOT_ASKED),
    18: (f"{SENT}::test_18_a_right_that_was_taken_is_gone_with_the_next_request",),
    19: (f"{SENT}::test_19_what_is_sent_is_never_an_object",),
    20: (f"{SENT}::test_20_a_name_is_shown_and_never_run",),
    21: (f"{SENT}::test_21_what_is_sent_is_never_a_statement",),
    23: (
        f"{SENT}::test_23_no_page_sends_a_reader_elsewhere",
        f"{BY_PROVIDERS}::test_23_nobody_is_led_elsewhere_after_paying",
    ),
    24: (EVERYBODY, NO_WALL),
    25: (f"{HERE}::test_25_a_message_that_comes_again_changes_nothing",),
    26: (
        f"{BY_PROVIDERS}::test_26_cards_are_tried_by_one_door_whatever_leads_there",
        f"{BY_PROVIDERS}::test_26_declined_tries_count_and_one_button_ends_all",
    ),
}
NOT_YET = {
    11: "nobody is paid out by the site yet",
    13: "no way to pay takes a network's fee from the site yet",
    22: "nothing can be uploaded over HTTP yet; files come in by the command line",
}


def test_every_case_is_refused_or_said_why_not():
    """26 cases: a test and its twin, or a reason; what is named exists."""
    root = Path(__file__).parents[2]

    assert sorted([*CASES, *NOT_YET]) == list(range(1, 27))
    for names in CASES.values():
        for name in names:
            path, _, function = name.partition("::")
            found = {
                node.name
                for node in ast.parse((root / path).read_text()).body
                if isinstance(node, ast.FunctionDef)
            }
            assert function in found, name


def opened(payment):
    """Tell whether what a payment was for is open."""
    return orders.find(payment.order).state == "paid"


def of_something(payment, minor=20, currency="EUR", **rest):
    """Return the report of a payment with a charge of its own."""
    return paid(payment, charge(f"ch_{payment.id}", minor, currency), **rest)


ANOTHERS = {
    "amount": {"minor": 1},
    "currency": {"currency": "USD"},
    "payee": {"payee": "another shop"},
    "mode": {"mode": "test"},
    "reference": {"reference": "pay_other"},
}


@pytest.mark.parametrize("what", ANOTHERS)
def test_6_a_genuine_payment_of_something_else_opens_nothing(db, monkeypatch, what):
    """What the provider reports is compared with what was asked, in all of its parts."""
    provider = StandIn()
    with plugged(provider):
        payment = begun(provider)
        settling.settle(provider, payment.id, of_something(payment, **ANOTHERS[what]))
        assert not opened(payment)

        monkeypatch.setattr(settling, "wrong", lambda *_: "")
        monkeypatch.setattr(settling.standing, "pays", lambda *_: True)
        monkeypatch.setattr(settling.standing, "follow", lambda *_: None)
        weak = begun(provider, post_line(20, "post:weak"))
        settling.settle(provider, weak.id, of_something(weak, **ANOTHERS[what]))
        assert opened(weak)


def test_7_one_charge_settles_one_order(db, monkeypatch):
    """A provider's object that paid for one order is no payment of another one."""
    provider = StandIn()
    with plugged(provider):
        sold(provider)
        second = begun(provider)
        settling.settle(provider, second.id, paid(second, charge("ch", 20)))
        assert not opened(second)

        monkeypatch.setattr(records, "own", lambda payment, movement: True)
        monkeypatch.setattr(settling.booking, "book", lambda *_: None)
        third = begun(provider, post_line(20, "post:weak"))
        settling.settle(provider, third.id, paid(third, charge("ch", 20)))
        assert opened(third)


PRICES = (
    "amount",
    "price",
    "minor",
    "total",
    "own",
    "line",
    "unit_price",
    "price[]",
    "offer.price",
)


def test_8_a_price_in_a_form_is_not_read(shop):
    """A form names an offer; what it costs is asked for again by the site."""
    client, cheap = browser_of(shop), dict.fromkeys(PRICES, "1")
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    assert client.post("/checkout/offer", data={**form, **cheap}).status_code == 303
    (order,) = [orders.find(row[0]) for row in execute("SELECT id FROM orders_order").fetchall()]
    weak = weakly(shop, lambda: request.form["amount"])

    assert order.total == eur(300)
    assert client.post(weak, data=cheap).text == "1"


CLAIMS = (
    "?status=paid&state=paid&paid=1&payment=pay_x&token=x&success=true&redirect_status=succeeded"
)


def test_9_a_return_address_grants_nothing(shop):
    """Coming back with the words of success opens nothing that the provider does not know of."""
    client = browser_of(shop)
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    client.post("/checkout/offer", data=form)
    order = execute("SELECT id FROM orders_order").fetchone()[0]

    def weak():
        if request.args.get("status") == "paid":
            with transaction():
                orders.mark(orders.find(order), "paid")
        return ""

    address = weakly(shop, weak)
    client.get(f"/checkout/{order}{CLAIMS}")
    assert orders.find(order).state == "open"
    client.get(address + CLAIMS)
    assert orders.find(order).state == "paid"
    with transaction():
        orders.mark(orders.find(order), "open")


def test_25_a_message_that_comes_again_changes_nothing(db):
    """What a provider reports is known by the movement it names, not by when it was told."""
    provider = StandIn()
    count = "SELECT COUNT(*) FROM ledger_entry"
    with plugged(provider):
        payment = sold(provider)
        before = execute(count).fetchone()[0]
        for _ in range(3):
            settling.settle(provider, payment.id, paid(payment, charge("ch", 20)))
        assert execute(count).fetchone()[0] == before

        weakly_named = paid(payment, charge("delivery 2", 20))  # by the message, not the money
        settling.settle(provider, payment.id, weakly_named)
        assert execute(count).fetchone()[0] == before + 1

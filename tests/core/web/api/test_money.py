"""Orders, refunds, entitlements and books for machines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import audit, ledger
from core.clock import now
from core.payments import ProviderRefused, ProviderUnknown
from core.people import users
from core.storage import execute, transaction
from core.web.api import answers
from tests.core.web.api.machines import Machine, machine_of, sold, stand_in, text_for
from tests.people import at_once, make_user
from tests.stand_in import PURSE, eur


@pytest.fixture
def app(make_site):
    return make_site(settings={"checkout.confirm_above": 500})


@pytest.fixture
def machine(app):
    return machine_of(app, "orders.view", "orders.refund", role="bookkeeper")


@pytest.fixture
def provider(app):
    return stand_in()


WANTED = {"lines": [{"number": 1, "minor": 40}], "reason": "Bought twice"}


def test_an_order_is_shown_with_all_that_became_of_it(machine, provider):
    """Lines, payments with their movements, refunds, entitlements; money and instants in form."""
    order = sold(provider, "gst_a")
    machine.post(f"/orders/{order}/refunds", WANTED, key="k1")
    shown = machine.get(f"/orders/{order}").json

    assert (shown["id"], shown["state"], shown["holder"]) == (order, "paid", "gst_a")
    assert shown["total"] == {"minor": 100, "currency": "EUR"}
    assert shown["created"].endswith("Z")
    assert shown["lines"][0]["grants"] == [{"key": "post:x", "seconds": None}]
    (payment,) = shown["payments"]
    assert payment["id"] == shown["payment"]
    kinds = {one["kind"]: one["amount"]["minor"] for one in payment["movements"]}
    assert kinds == {"charge": 100, "refund": 40}
    (refund,) = shown["refunds"]
    assert (refund["state"], refund["lines"]) == ("done", [{"number": 1, "minor": 40}])
    assert [one["key"] for one in shown["entitlements"]] == ["post:x"]


def test_lists_go_on_after_their_last(machine, provider):
    """Newest first, each once, however small the pages; filters hold on every page."""
    made = [sold(provider, f"gst_{n % 2}", key=f"post:{n}") for n in range(5)]
    found, after = [], ""
    for _ in range(3):
        page = machine.get(f"/orders?limit=2&after={after}").json
        found += [one["id"] for one in page["data"]]
        after = page["next"]

    assert found == made[::-1]
    assert after is None
    own = machine.get("/orders?holder=gst_1&state=paid").json["data"]
    assert [one["id"] for one in own] == [made[3], made[1]]
    assert machine.get("/orders?state=closed").json["data"] == []


def test_entries_and_balances_are_the_books(machine, provider):
    """Entries oldest first with legs that sum to nothing; balances are the sums of the legs."""
    orders = [sold(provider, key=f"post:{n}") for n in range(3)]
    first = machine.get("/entries?limit=2").json
    rest = machine.get(f"/entries?limit=2&after={first['next']}").json
    entries = first["data"] + rest["data"]

    assert [one["order"] for one in entries] == orders
    assert all(sum(leg["amount"]["minor"] for leg in one["legs"]) == 0 for one in entries)
    assert machine.get(f"/entries?order={orders[1]}").json["data"] == [entries[1]]
    assert len(machine.get("/entries?account=income:posts").json["data"]) == 3
    first = machine.get("/balances?limit=1").json
    rest = machine.get(f"/balances?after={first['next']}").json
    assert [(one["account"], one["amount"]["minor"]) for one in first["data"] + rest["data"]] == [
        ("assets:standin", 300), ("income:posts", -300),
    ]  # fmt: skip
    assert len(machine.get("/balances?family=income:").json["data"]) == 1


def test_entitlements_of_a_holder_come_with_what_they_claimed(machine, provider):
    """As the user's own library shows them; pages go on in between."""
    user, _ = make_user()
    users.claim(user.id, "gst_b")
    holders = ("gst_b", user.id, "gst_other")
    with machine.app.app_context():
        orders = [sold(provider, one, key=f"post:{n}") for n, one in enumerate(holders)]
    first = machine.get(f"/entitlements?holder={user.id}&limit=1").json
    rest = machine.get(f"/entitlements?holder={user.id}&after={first['next']}").json

    assert [one["order"] for one in first["data"] + rest["data"]] == [orders[1], orders[0]]
    own = Machine(machine.app, text_for(user)).get("/library").json["data"]
    assert own == first["data"] + rest["data"]


def test_ones_own_balances_are_those_of_all_holders(machine):
    """And nobody else's."""
    user, _ = make_user()
    users.claim(user.id, "gst_b")
    ledger.declare_bounds(PURSE)
    with transaction():
        for holder, minor in ((user.id, 500), ("gst_b", 70), ("gst_c", 9)):
            legs = [
                ledger.Leg("assets:standin", eur(minor)),
                ledger.Leg(f"liabilities:purse:{holder}", eur(-minor)),
            ]
            ledger.post(f"top-up:{holder}", legs, reason="top-up")
    own = Machine(machine.app, text_for(user)).get("/library/balances").json["data"]

    assert [(one["account"], one["amount"]["minor"]) for one in own] == [
        (f"liabilities:purse:{user.id}", -500), ("liabilities:purse:gst_b", -70),
    ]  # fmt: skip


def test_test_money_is_seen_by_test_tokens_alone(app, machine, provider):
    """And live money by live ones: orders, entries, balances, and one order."""
    provider.mode = "test"
    order = sold(provider)
    test = machine_of(app, "orders.view", mode="test")
    for path in ("/orders", "/entries", "/balances"):
        assert machine.get(path).json["data"] == []
        assert len(test.get(path).json["data"]) > 0
    assert machine.get(f"/orders/{order}").status_code == 404
    assert test.get(f"/orders/{order}").status_code == 200
    assert {one["account"] for one in test.get("/balances").json["data"]} == {
        "assets:standin", "income:posts",
    }  # fmt: skip


def test_the_same_key_refunds_once_and_answers_the_same(machine, provider):
    """The same content again is the same answer; other content under the key is a conflict."""
    order = sold(provider)
    path = f"/orders/{order}/refunds"
    first, again = (machine.post(path, WANTED, key="k1") for _ in range(2))
    other = machine.post(path, {**WANTED, "reason": "Another"}, key="k1")
    elsewhere = machine.post(f"/orders/{sold(provider, key='post:y')}/refunds", WANTED, key="k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert (other.status_code, elsewhere.status_code) == (409, 409)
    assert len(machine.get(f"/orders/{order}").json["refunds"]) == 1
    assert len([one for one in provider.asked if one[0] == "act"]) == 1
    assert machine.post(path, WANTED, key="k2").status_code == 201
    assert audit.events(action="orders.refund")[0].data["reason"] == "Bought twice"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_request_sent_twice_at_once_refunds_once(machine, provider):
    """Whoever comes second waits for the order, and finds that refund."""
    order = sold(provider)
    path = f"/orders/{order}/refunds"
    sent = at_once(lambda _: machine.post(path, WANTED, key="k1"), 4)

    assert [answer.status_code for answer in sent] == [201] * 4
    assert len({answer.data for answer in sent}) == 1
    assert len(machine.get(f"/orders/{order}").json["refunds"]) == 1


def test_a_key_is_its_users_own(app, machine, provider):
    """Two machines that count from one do not meet."""
    order = sold(provider)
    other = machine_of(app, "orders.refund")
    for one in (machine, other):
        assert one.post(f"/orders/{order}/refunds", WANTED, key="1").status_code == 201

    assert len(machine.get(f"/orders/{order}").json["refunds"]) == 2


def test_an_answer_that_was_lost_is_found_again(machine, provider):
    """The process died between refund and answer: the same key finds that refund."""
    order = sold(provider)
    path = f"/orders/{order}/refunds"
    first = machine.post(path, WANTED, key="k1").json
    execute("UPDATE api_answer SET status = NULL, body = NULL")

    assert machine.post(path, WANTED, key="k1").json == first
    assert len(machine.get(f"/orders/{order}").json["refunds"]) == 1


def test_a_refund_of_unknown_outcome_is_asked(machine, provider):
    """It stays so in the answer of its key; the order says what became of it."""
    order = sold(provider)
    provider.error = ProviderUnknown("slow")
    answer = machine.post(f"/orders/{order}/refunds", WANTED, key="k1")

    assert (answer.status_code, answer.json["state"]) == (201, "asked")


def test_what_is_refused_leaves_the_key_free(machine, provider):
    """Too much of a line, an unpaid order; a provider's refusal stays with its key."""
    order = sold(provider)
    path = f"/orders/{order}/refunds"
    too_much = {**WANTED, "lines": [{"number": 1, "minor": 101}]}
    twice = {**WANTED, "lines": [{"number": 1, "minor": 1}] * 2}
    assert machine.post(path, too_much, key="k1").status_code == 403
    assert machine.post(path, twice, key="k1").status_code == 400
    provider.error = ProviderRefused("no")
    refused = [machine.post(path, WANTED, key="k2").status_code for _ in range(2)]
    provider.error = None

    assert refused == [403, 403]
    assert machine.post(path, WANTED, key="k2").status_code == 403
    assert machine.post(path, WANTED, key="k1").status_code == 201


def test_more_than_a_token_may_is_for_a_person(machine, provider):
    """Above the limit of the step-up, all refunds of an order together."""
    order = sold(provider, minor=1_000)
    path = f"/orders/{order}/refunds"

    def ask(minor, key):
        body = {**WANTED, "lines": [{"number": 1, "minor": minor}]}
        return machine.post(path, body, key=key).status_code

    assert ask(501, "a") == 403
    assert ask(300, "b") == 201
    assert ask(201, "c") == 403
    assert ask(200, "d") == 201
    assert ask(300, "b") == 201, "what was done is answered, whatever was done since"


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({**WANTED, "amount": 5}, 422, ""),
        ({"lines": [{"number": 1, "minor": "40"}], "reason": "x"}, 422, "/lines/0/minor"),
        ({"lines": [{"number": 1, "minor": -1}], "reason": "x"}, 422, "/lines/0/minor"),
        ({"lines": [], "reason": "x"}, 422, "/lines"),
        ({"lines": [{"number": 1, "minor": 1}], "reason": "a\nb"}, 422, "/reason"),
    ],
)
def test_what_is_not_taken_is_named_with_its_place(machine, provider, body, status, pointer):
    """A field that is not known, a text for a number, less than nothing."""
    answer = machine.post(f"/orders/{sold(provider)}/refunds", body, key="k")

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    (error,) = answer.json["errors"]
    assert error["pointer"] == pointer
    assert error["detail"]


def test_a_body_says_that_it_is_json_and_a_key_is_sent(machine, provider):
    """415 for a form, 400 for what is no JSON or comes without a key."""
    path = f"/orders/{sold(provider)}/refunds"
    key = {"Idempotency-Key": "k"}

    assert machine.ask("POST", path, data="a=b", headers=key).status_code == 415
    broken = machine.ask("POST", path, data="{", content_type="application/json", headers=key)
    assert broken.status_code == 400
    assert machine.post(path, WANTED).status_code == 400
    assert machine.post(path, WANTED, key="k" * 101).status_code == 400


def test_old_answers_are_forgotten(machine, provider):
    """Nobody repeats a request after a month."""
    machine.post(f"/orders/{sold(provider)}/refunds", WANTED, key="k1")

    assert answers.forget(now() - timedelta(days=1)) == 0
    assert answers.forget(now() + timedelta(days=1)) == 1


def test_a_reader_of_nothing_is_refused(app):
    """A reader's token has no order to see but its own."""
    user, _ = make_user()
    machine = Machine(app, text_for(user))

    assert machine.get("/orders").status_code == 403
    assert machine.get("/library").json == {"data": [], "next": None}

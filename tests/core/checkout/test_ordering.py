"""Drafting an order stores nothing; writing it down stores all of it or nothing."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
import time_machine

from core import checkout, entitlements, hookimpl, orders, settings
from core.checkout import Unanswered
from core.errors import BadInput, Conflict, PluginFailed, Refused
from core.ledger import CLAIMS, Bound, BoundExceeded, Leg, balance, declare_bounds, legs_of, post
from core.orders import Grant, Line, Question
from core.people import Reader
from core.plugins import Refusal, caller
from core.storage import execute, in_transaction, transaction
from core.verify import verify
from tests.conftest import ROOT
from tests.stand_in import READER, eur, post_line

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
TABLES = re.findall(
    r"CREATE TABLE (\w+)", (ROOT / "core" / "migrations" / "0001_initial.py").read_text()
)
WAIVER = Question("waiver", "consent", "I lose the right to withdraw.")
CODE = Question("tax_code", "text", "Codice fiscale", required=False)
SIZE = Question("size", "choice", "Which size?", choices=("S", "M"))


@pytest.fixture
def enabled(db):
    """Enable plugins, each a dictionary of hooks, in this order."""

    def enable(*plugins):
        modules = []
        for number, hooks in enumerate(plugins, 1):
            module = ModuleType(f"plugin_{number}")
            for name, function in hooks.items():
                setattr(module, name, hookimpl(function))
            modules.append((f"plugin{number}", module))
        assert caller.load(modules) == {}

    declare_bounds({"liabilities:purse:": Bound(least=0)})
    yield enable
    caller.load([])
    assert verify() == []


def rows():
    """Count the rows of every table."""
    return {name: execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in TABLES}


def line(minor, account="income:posts", **rest):
    return Line("Line", eur(minor), account, **rest)


def debtor():
    """Let the site have a claim against the reader."""
    legs = [Leg(CLAIMS + READER.holder, eur(5)), Leg("assets:till", eur(-5))]
    with transaction():
        post("claim", legs, reason="test")


def test_a_draft_is_pure(enabled):
    """However often it is asked for, with plugins that add lines, no table has one row more."""
    enabled({"add_lines": lambda order: [line(4)], "ask": lambda order: [WAIVER]})
    before = rows()
    drafts = [checkout.draft(READER, [post_line()], return_to="/x") for _ in range(3)]

    assert rows() == before
    assert drafts[0] == drafts[1] == drafts[2]
    assert (drafts[0].id, drafts[0].return_to, drafts[0].total) == ("", "/x", eur(24))


def test_a_reader_without_a_holder_may_ask_what_it_would_cost(enabled):
    """A guest gets a holder by the first purchase, not by looking at a price."""
    assert checkout.draft(Reader(), [post_line()]).total == eur(20)


def test_plugins_add_lines_in_the_order_of_the_enabled_list(enabled):
    """Each sees the lines of the reader and of the plugins before it, numbered on."""
    seen = []

    def discount(order):
        seen.append([one.label for one in order.lines])
        return [Line("Half price", eur(-order.total.minor // 2), "income:posts", part_of=1)]

    def tip(order):
        seen.append([one.label for one in order.lines])
        return [Line("Tip", eur(3), "income:tips")]

    enabled({"add_lines": discount}, {"add_lines": tip}, {"add_lines": lambda order: None})
    first = checkout.draft(READER, [post_line()])
    enabled({"add_lines": tip}, {"add_lines": discount})
    second = checkout.draft(READER, [post_line()])

    assert seen == [
        ["Read this post"], ["Read this post", "Half price"],
        ["Read this post"], ["Read this post", "Tip"],
    ]  # fmt: skip
    assert [(one.number, one.amount.minor) for one in first.lines] == [(1, 20), (2, -10), (3, 3)]
    assert [(one.number, one.amount.minor) for one in second.lines] == [(1, 20), (2, 3), (3, -12)]


def test_an_order_cannot_cost_less_than_nothing(enabled):
    """A discount that is larger than the price is refused, and a start stores nothing."""
    enabled({"add_lines": lambda order: [line(-21, part_of=1)]})
    before = rows()
    with pytest.raises(BadInput, match="less than nothing"):
        checkout.draft(READER, [post_line()])
    with pytest.raises(BadInput, match="less than nothing"):
        checkout.start_order(READER, [post_line()])

    assert rows() == before


def test_a_started_order_is_the_draft_with_an_id_and_a_time(enabled):
    """What the reader saw is what is stored, for as many minutes as the owner set."""
    enabled({"add_lines": lambda order: [line(4)]})
    reader = replace(READER, language="it")
    settings.save("checkout.order_minutes", 15, actor="test")
    settings.reload()
    with time_machine.travel(START, tick=False):
        draft = checkout.draft(reader, [post_line()], return_to="/hello")
        made = checkout.start_order(reader, [post_line()], return_to="/hello")

    assert made == replace(draft, id=made.id, created=START, expires=START + timedelta(minutes=15))
    assert orders.find(made.id) == made
    assert (made.state, made.mode, made.holder, made.language) == (
        "open", "live", READER.holder, "it",
    )  # fmt: skip


def test_whoever_buys_has_a_holder(enabled):
    """To start an order without one is a bug."""
    with pytest.raises(AssertionError, match="holder"):
        checkout.start_order(Reader(), [post_line()])


def test_questions_are_asked_before_an_order_is_made(enabled):
    """Nothing is stored, and the page gets the questions of all plugins in their order."""
    enabled({"ask": lambda order: [WAIVER, CODE]}, {"ask": lambda order: [SIZE]})
    before = rows()
    with pytest.raises(Unanswered) as caught:
        checkout.start_order(READER, [post_line()])

    assert caught.value.status == 422
    assert caught.value.questions == [WAIVER, CODE, SIZE]
    assert rows() == before


def test_every_required_question_wants_a_real_answer(enabled):
    """Blanks are none, and a choice is one of the choices."""
    enabled({"ask": lambda order: [WAIVER, CODE, SIZE]})

    for answers in (
        {},
        {"waiver": "", "size": "S"},
        {"waiver": "  ", "size": "S"},
        {"waiver": "yes"},
        {"waiver": "yes", "size": "L"},
        {"waiver": "yes", "size": "s"},
        {"tax_code": "x", "size": "S"},
    ):
        with pytest.raises(Unanswered):
            checkout.start_order(READER, [post_line()], answers=answers)


def test_answers_are_kept_as_proof(enabled):
    """Text, answer and time of what was asked; what was not asked is not kept."""
    enabled({"ask": lambda order: [WAIVER, CODE, SIZE]})
    given = {"waiver": "yes", "size": "M", "tax_code": "", "colour": "red"}
    with time_machine.travel(START, tick=False):
        order = checkout.start_order(READER, [post_line()], answers=given)
    kept = execute("SELECT order_id, key, text, at FROM orders_answer ORDER BY key")
    at = (START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert [tuple(row) for row in kept.fetchall()] == [
        (order.id, "size", "Which size?", at),
        (order.id, "waiver", "I lose the right to withdraw.", at),
    ]
    assert {key: given for key, (_, given) in orders.find(order.id).answers.items()} == {
        "size": "M", "waiver": "yes",
    }  # fmt: skip


def test_an_answer_that_was_no_choice_is_no_proof(enabled):
    """Where a choice need not be made, an invented one is refused or left out, never kept."""
    enabled({"ask": lambda order: [replace(SIZE, required=False)]})
    with suppress(Unanswered, BadInput):
        checkout.start_order(READER, [post_line()], answers={"size": "XXL"})

    assert execute("SELECT COUNT(*) FROM orders_answer").fetchone()[0] == 0


def test_a_question_may_depend_on_the_lines(enabled):
    """Plugins see the whole order, with what others added."""
    enabled(
        {"add_lines": lambda order: [line(100)]},
        {"ask": lambda order: [WAIVER] if order.total.minor > 100 else []},
    )

    with pytest.raises(Unanswered):
        checkout.start_order(READER, [post_line()])


def test_a_review_refuses_in_words_for_the_reader(enabled):
    """The first refusal counts, braces and all, and nothing is stored."""
    enabled(
        {"review": lambda order: None},
        {"review": lambda order, reader: Refusal(f"Not to {reader.holder} {{today}}.")},
        {"review": lambda: pytest.fail("nobody else is asked")},
    )
    before = rows()
    with pytest.raises(Refused, match=r"Not to gst_reader \{today\}\."):
        checkout.start_order(READER, [post_line()])

    assert rows() == before


def test_a_review_sees_the_answers(enabled):
    """A plugin may judge what the reader said."""
    seen = []
    enabled({"ask": lambda order: [SIZE]}, {"review": lambda order: seen.append(order.answers)})
    checkout.start_order(READER, [post_line()], answers={"size": "M"})

    assert seen == [{"size": ("Which size?", "M")}]


@pytest.mark.parametrize("hook", ["add_lines", "ask", "review", "reserve"])
def test_a_plugin_that_fails_makes_no_order(enabled, hook):
    """Nothing is guessed: the request stops and nothing is stored."""
    enabled({hook: lambda order: 1 / 0})
    before = rows()
    with pytest.raises(PluginFailed, match=f"plugin1 failed in {hook}"):
        checkout.start_order(READER, [post_line()])

    assert rows() == before


def test_what_is_reserved_is_stored_with_the_order(enabled):
    """In one transaction, after the order, so that a plugin may refer to it."""

    def reserve(order):
        assert in_transaction()
        assert orders.find(order.id) == order
        execute("INSERT INTO site_generation VALUES (?, 1)", [order.id])

    enabled({"reserve": reserve})
    order = checkout.start_order(READER, [post_line()])

    assert execute("SELECT name FROM site_generation").fetchall() == [(order.id,)]


@pytest.mark.parametrize("error", [Refused("The last seat is gone."), RuntimeError("database")])
@pytest.mark.parametrize("minor", [20, 0])
def test_a_refused_reservation_takes_the_order_along(enabled, error, minor):
    """Seats that other plugins took for it as well; of an order of nothing too."""

    def seat():
        execute("INSERT INTO site_generation VALUES ('seat', 1)")

    def refuse():
        raise error

    enabled({"reserve": seat}, {"reserve": refuse})
    before = rows()
    with pytest.raises((Refused, PluginFailed)):
        checkout.start_order(READER, [post_line(minor)])

    assert rows() == before


def test_an_order_of_nothing_is_settled_at_once(enabled):
    """Without a provider: its legs balance, its keys are granted, plugins are told."""
    told = []
    enabled({"on_order_paid": lambda order: told.append(order.id)})
    lines = [
        line(120, "liabilities:purse:gst_x", grants=(Grant("seat:1"),)),
        line(-120, "income:expired", data={"why": "old"}),
        line(0, grants=(Grant("pass", timedelta(days=1)),)),
    ]
    order = checkout.start_order(READER, lines)

    assert (order.state, order.payment) == ("paid", None)
    assert orders.find(order.id) == order
    assert legs_of(f"order:{order.id}") == [
        Leg("liabilities:purse:gst_x", eur(-120)), Leg("income:expired", eur(120)),
    ]  # fmt: skip
    assert entitlements.holds_any(READER.holders, ["seat:1"])
    assert entitlements.of_holders(READER.holders)[-1].state == "active"
    cause = execute("SELECT cause FROM notices_notice").fetchone()[0]
    assert cause == f"{order.id}:paid"


def test_a_gift_needs_no_entry(enabled):
    """Lines of zero post no legs and grant their keys."""
    order = checkout.start_order(READER, [post_line(0)])

    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == 0
    assert order.state == "paid"
    assert entitlements.holds_any(READER.holders, ["post:hello"])


def test_an_order_of_nothing_keeps_bounds(enabled):
    """It is no fact: what an account does not have is refused, and all of it rolled back."""
    before = rows()
    lines = [line(-5, "liabilities:purse:gst_x"), line(5)]
    with pytest.raises(BoundExceeded):
        checkout.start_order(READER, lines)

    assert rows() == before


def test_an_order_of_nothing_may_be_for_trying_out(enabled):
    """Test money stays under `test:`."""
    checkout.start_order(READER, [line(5), line(-5, "income:tips")], mode="test")

    assert balance("income:posts", "EUR") == eur(0)
    assert balance("income:posts", "EUR", "test") == eur(-5)


def test_a_debtor_reads_and_buys_by_card_but_fills_no_balance(enabled):
    """While a payment was taken back, no line may earn one of the reader's own accounts."""
    debtor()
    checkout.start_order(READER, [post_line()])
    with pytest.raises(Conflict, match="taken back"):
        checkout.start_order(READER, [line(500, f"liabilities:purse:{READER.holder}")])
    other = Reader(holder="usr_ada", holders=("usr_ada", READER.holder))
    with pytest.raises(Conflict, match="taken back"):
        checkout.start_order(other, [line(500, "liabilities:purse:usr_ada")])

    assert checkout.start_order(other, [line(500, "liabilities:purse:usr_eve")]).state == "open"


def test_a_debtor_may_pay_what_it_owes(enabled):
    """The claim itself is settled by an order, or the reader could never spend again."""
    debtor()

    assert checkout.start_order(READER, [line(5, CLAIMS + READER.holder)]).state == "open"


def test_the_same_lines_ordered_again_are_the_same_order(enabled):
    """Two tabs pay once, while the first order is open and its time is not over."""
    with time_machine.travel(START, tick=False) as clock:
        first = checkout.start_order(READER, [post_line()], return_to="/a")
        assert checkout.start_order(READER, [post_line()], return_to="/a") == first
        assert checkout.start_order(READER, [post_line()], return_to="/b").id != first.id
        assert checkout.start_order(READER, [post_line(21)], return_to="/a").id != first.id
        stranger = Reader(holder="gst_eve", holders=("gst_eve",))
        assert checkout.start_order(stranger, [post_line()], return_to="/a").id != first.id
        clock.move_to(START + timedelta(minutes=60))
        later = checkout.start_order(READER, [post_line()], return_to="/a")

    assert later.id != first.id


def test_lines_that_open_nothing_may_be_ordered_twice(enabled):
    """Two tips are two tips."""
    first, second = (checkout.start_order(READER, [line(50)]) for _ in range(2))

    assert first.id != second.id


def test_what_was_answered_otherwise_is_another_order(enabled):
    """Whoever goes back and corrects an answer gets an order that has the correction."""
    enabled({"ask": lambda order: [CODE]})
    checkout.start_order(READER, [post_line()], answers={"tax_code": "WRONG"})
    second = checkout.start_order(READER, [post_line()], answers={"tax_code": "RIGHT"})

    assert [given for _, given in orders.find(second.id).answers.values()] == ["RIGHT"]


def test_what_is_for_trying_out_is_another_order(enabled):
    """A live order never becomes one of test money, nor the other way round."""
    live = checkout.start_order(READER, [post_line()])
    test = checkout.start_order(READER, [post_line()], mode="test")

    assert test.id != live.id
    assert test.mode == "test"

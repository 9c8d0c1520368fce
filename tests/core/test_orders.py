"""Orders: lines are numbered, stored and read back as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core import orders
from core.errors import NotFound
from core.money import Money
from core.orders import Grant, Line, Order
from core.storage import Unreadable, execute, new_id, transaction
from tests.stand_in import eur, post_line

START = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def order(*lines, **fields):
    """Return an order that can be stored."""
    made = {"id": new_id("ord"), "created": START, "expires": START + timedelta(hours=1)}
    return replace(Order("gst_reader", (), "EUR"), **{**made, **fields}).with_lines(
        lines or [post_line()]
    )


def stored(*lines, **fields):
    made = order(*lines, **fields)
    with transaction():
        orders.store(made)
    return made


@pytest.fixture
def whole():
    return order(
        Line(
            "Lettera d’amore “a\\b” 🎈", eur(120), "income:posts",
            (Grant("post:hello"), Grant("pass:month", timedelta(days=30))),
            tax_class="ebook", data={"seats": 2, "names": ["Ada", None], "deep": {"x": True}},
        ),
        Line("VAT", eur(-20), "income:posts", part_of=1),
        Line("VAT", eur(20), "liabilities:vat:IT", part_of=1),
        return_to="/hello?x=1&y=%20", language="it", state="paid", mode="test", payment="pay_1",
    )  # fmt: skip


def test_an_order_is_read_back_as_it_was_stored(db, whole):
    """Every field of an order and of its lines survives the database."""
    with transaction():
        orders.store(whole)

    assert orders.find(whole.id) == whole


def test_the_answers_of_an_order_are_read_back(db):
    """What the reader answered is part of the order that plugins are told of."""
    made = stored(answers={"tax_code": ("Codice fiscale", "RSSMRA80A01H501U")})

    assert orders.find(made.id).answers == made.answers


def test_a_question_is_kept_with_its_text_and_time(db):
    """The proof is what was asked, in the words that were shown, what was answered, and when."""
    made = stored(answers={"waiver": ("I lose the right to withdraw.", "yes")})
    rows = execute("SELECT order_id, key, text, at FROM orders_answer").fetchall()

    assert [tuple(row) for row in rows] == [
        (made.id, "waiver", "I lose the right to withdraw.", 1_795_348_800_123_456)
    ]
    assert orders.find(made.id).answers["waiver"][1] == "yes"


def test_an_answer_is_stored_sealed(db):
    """The database shows no tax code, and no answer can be moved to another question."""
    made = stored(answers={"tax_code": ("Codice fiscale", "RSSMRA80A01H501U")})
    ((cell,),) = execute("SELECT answer FROM orders_answer").fetchall()
    assert b"RSSMRA" not in bytes(cell)
    execute("UPDATE orders_answer SET key = 'waiver'")

    with pytest.raises(Unreadable):
        orders.find(made.id)


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_an_order_has_the_currency_of_its_lines(db, currency):
    """The total is the sum of all lines, in the order's currency."""
    line = replace(post_line(), amount=Money(5, currency))
    made = stored(line, replace(line, amount=Money(-2, currency)), currency=currency)

    assert orders.find(made.id).total == Money(3, currency)


def test_lines_are_numbered_on_from_the_last():
    """Whatever number a line came with, it gets the next one."""
    made = Order("gst_x", (), "EUR").with_lines([post_line(1), replace(post_line(2), number=9)])
    longer = made.with_lines([replace(post_line(3), number=1)])

    assert [line.number for line in longer.lines] == [1, 2, 3]
    assert [line.amount.minor for line in longer.lines] == [1, 2, 3]
    assert [line.number for line in made.lines] == [1, 2]
    assert longer.with_lines([]) == longer


def test_a_group_is_a_line_and_what_is_part_of_it(whole):
    """Tax and discount belong to their line; another line's do not."""
    longer = whole.with_lines([post_line(7), replace(post_line(1), part_of=4)])

    assert [line.number for line in longer.group(1)] == [1, 2, 3]
    assert [line.number for line in longer.group(4)] == [4, 5]
    assert [line.number for line in longer.group(2)] == [2]
    assert longer.group(9) == ()


def test_an_order_that_is_not_there_is_not_found(db):
    """Looking for it, locked or not, raises NotFound."""
    with pytest.raises(NotFound):
        orders.find("ord_nothing")
    with transaction(), pytest.raises(NotFound):
        orders.find("ord_nothing", lock=True)


def test_only_open_orders_whose_time_is_over_expire(db):
    """At the very instant an order's time is over; paid and closed ones have no time."""
    first = stored(expires=START + timedelta(minutes=10))
    second = stored(expires=START + timedelta(minutes=5))
    stored(expires=START + timedelta(minutes=5), state="paid")
    stored(expires=START + timedelta(minutes=5), state="closed")
    before = START + timedelta(minutes=5) - timedelta(microseconds=1)

    assert orders.expired(before) == []
    assert orders.expired(START + timedelta(minutes=5)) == [second.id]
    assert orders.expired(START + timedelta(days=1)) == [second.id, first.id]


def test_holders_see_what_they_paid_newest_first(db):
    """Neither what was left unpaid nor what is another's."""
    old = stored(state="paid")
    new = stored(state="paid", holder="usr_reader")
    taken_back = stored(state="closed", payment="pay_1")
    stored()
    stored(state="closed")
    stored(state="paid", holder="gst_other")

    found = orders.of_holders(("gst_reader", "usr_reader"))

    assert [one.id for one in found] == [taken_back.id, new.id, old.id]
    assert orders.of_holders([]) == []
    assert orders.of_holders(("gst_nobody",)) == []


def test_a_mark_changes_state_and_what_settled_it_and_nothing_else(db):
    """What is not given stays as it is."""
    made = stored()
    with transaction():
        paid = orders.mark(made, "paid", payment="pay_1", mode="test")
        closed = orders.mark(paid, "closed")

    assert paid == replace(made, state="paid", payment="pay_1", mode="test")
    assert closed == replace(paid, state="closed") == orders.find(made.id)


def test_a_grant_lasts_as_long_as_it_says_or_for_ever(db):
    """Whole seconds, however long."""
    grants = (Grant("a", timedelta(seconds=1)), Grant("b", timedelta(days=36500)), Grant("c"))
    made = stored(replace(post_line(), grants=grants))

    assert orders.find(made.id).lines[0].grants == grants


def test_what_was_ordered_and_sold_is_counted_by_what_it_opens(db):
    """An order that may still be paid holds a key as a paid one does; a closed one does not."""
    month = Line("A month", eur(300), "income:passes", (Grant("pass:month"), Grant("post:a")))
    stored(post_line(20, "post:a"), month, state="paid")
    stored(post_line(20, "post:a"), state="paid")
    stored(post_line(20, "post:open"))
    stored(post_line(20, "post:closed"), state="closed")

    assert orders.times_sold(["post:a", "post:open", "post:closed"]) == {
        "post:a": 3, "post:open": 0, "post:closed": 0,
    }  # fmt: skip
    for key, ordered in (("post:a", True), ("post:open", True), ("pass:month", True),
                         ("post:closed", False), ("post:", False), ("post:_", False)):  # fmt: skip
        assert orders.is_ordered(key) == ordered, key

"""Passes, the most of a day, what counts toward a pass, and bundles, over HTTP and in the books."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine

from core import AlreadyHeld, Conflict, Gate, checkout, decide, holds_any, new_id, now, settings
from core.ledger import balance
from core.orders import Line
from core.payments import records
from core.people import Reader, users
from core.plugins import ResourceCard, catalogue, loaded
from core.storage import execute
from core.testing.trying import PlayMoney
from core.verify import verify
from plugins.passes import guard, pricing
from tests.people import make_user, slowed
from tests.proofs.test_races import together
from tests.stand_in import StandIn, changed, charge, dispute, eur

BANK = PlayMoney()
README = Path(__file__).parents[3] / "plugins" / "passes" / "README.md"
OFFER = {"offer": "paywall", "return_to": "/library/"}
SET = {
    "passes.day_price": 100, "passes.month_price": 600, "passes.day_cap": 50,
    "passes.bundles": "Essays = 1.00 EUR",
}  # fmt: skip


@pytest.fixture
def app(make_site):
    yield make_site("paywall", "wallet", "passes", "takeback", "playmoney", settings=SET)
    assert verify() == []


@pytest.fixture(autouse=True)
def texts(cards):
    for slug in ("one", "two", "three", "four", "note", "last"):
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title=f"Text {slug}", url=f"/{slug}",
            language="en", tags=() if slug in ("note", "last") else ("Essays",),
            fields={"price": "0.20 EUR"},
        ))  # fmt: skip


@pytest.fixture
def rich(client):
    """A guest who has paid in and opened one text, with 4.80 left."""
    BANK.pay(client, buy(client, "one", top_up="480"))
    return client


def change(**values):
    for name, value in values.items():
        settings.save(f"passes.{name}", value, actor="test")
    settings.reload()


def buy(client, slug, offer="paywall", **more):
    form = {"resource": f"post:{slug}", **OFFER, "offer": offer, **more}
    return client.post("/checkout/offer", data=form)


def from_balance(client, slug, offer="paywall"):
    return buy(client, slug, offer, provider="wallet")


def panel_of(client, slug="note"):
    return re.sub(r"\s+", " ", client.get(f"/go/post:{slug}").text)


def orders():
    return execute("SELECT id, total FROM orders_order ORDER BY total DESC, id").fetchall()


def totals():
    return [total for _, total in orders()]


def test_a_pass_opens_all_that_is_sold_until_it_ends(rich, clock):
    """One tap; the library says until when; nothing is renewed, and the panel says that before."""
    page = panel_of(rich)
    assert page.index("Pay €0.20 from your balance") < page.index("Day pass: everything")
    assert "It ends by itself: nothing is renewed" in page
    bought = from_balance(rich, "note", "passes-day")
    again = from_balance(rich, "two", "passes-day")
    library = rich.get("/library/").text

    assert (bought.status_code, again.status_code, totals()) == (303, 303, [500, 100])
    assert balance("income:passes", "EUR", "test").minor == -100
    assert "Pass for all posts" in library
    assert re.search(r"Until [^<]*, \d\d:\d\d UTC", library)
    assert 'id="open"' not in panel_of(rich, "three")
    clock.shift(timedelta(days=1, seconds=1))
    assert 'id="open"' in panel_of(rich, "three")
    assert 'id="open"' not in panel_of(rich, "one"), "what was bought singly stays"


def test_a_pass_for_a_tag_opens_that_tag_whatever_is_sold_later(rich):
    """Others stay shut and are not offered it; who has it keeps it when the owner changes all."""
    change(tag="essays")
    assert "Day pass" not in panel_of(rich, "note")
    from_balance(rich, "two", "passes-day")
    change(tag="", day_price=0, bundles="")

    assert 'id="open"' not in panel_of(rich, "three")
    assert 'id="open"' in panel_of(rich, "note")
    assert "All posts under “essays”" in rich.get("/library/").text


def test_the_second_tap_of_a_pass_pays_nothing(rich):
    """Two taps at once: the second one finds the pass under the holder's lock."""
    access = decide("post:two", reader_of(rich))
    lines = next(one.lines for one in access.offers if one.key == "passes-day")
    done = [outcome(checkout.buy, reader_of(rich), lines, "wallet") for _ in range(2)]

    assert [type(one).__name__ for one in done] == ["Order", "AlreadyHeld"]
    assert issubclass(AlreadyHeld, Conflict)


def test_no_day_costs_more_than_its_most(rich, clock):
    """0.50 a day: 0.20, 0.20, 0.10, nothing; the panel says so before, and midnight ends it."""
    clock.move_to(tomorrow_noon())
    first = panel_of(rich, "two")
    from_balance(rich, "two")
    from_balance(rich, "three")
    rest = panel_of(rich, "four")
    from_balance(rich, "four")
    free = panel_of(rich, "note")
    opened = buy(rich, "note")

    assert "€0.50 today at most" in first
    assert "Pay €0.10 from your balance" in rest
    assert "the rest of today’s €0.50" in rest
    assert "Have it now, for nothing" in free
    assert "You have paid today’s €0.50" in free
    assert (opened.status_code, opened.location) == (303, "/library/")
    assert totals() == [500, 20, 20, 10, 0]
    assert balance("income:posts", "EUR", "test").minor == -70
    receipts = [rich.get(f"/library/{id}").text for id, _ in orders()[3:]]
    assert "More than today’s most" in receipts[0]
    assert ["/x/takeback/" in one for one in receipts] == [True, False]
    clock.shift(timedelta(days=1))
    change(day_price=0, month_price=0, bundles="")
    assert "Pay €0.20" in panel_of(rich, "last")


def tomorrow_noon():
    return (now() + timedelta(days=1)).replace(hour=12)


def test_what_was_spent_counts_once_toward_a_month(rich, clock):
    """0.40 less; the same cents count for no bundle afterwards; what is too old counts no more."""
    from_balance(rich, "note")
    page = panel_of(rich, "two")
    assert "What you spent lately counts: -€0.40" in page
    assert "Pay €5.60" in page
    BANK.pay(rich, buy(rich, "two", "passes-month"))
    line = execute("SELECT data FROM orders_line WHERE minor = -40").fetchone()[0]
    assert line.count("ord_") == 2
    assert "Text one" in rich.get("/library/").text
    clock.shift(timedelta(days=31))
    page = panel_of(rich, "two")

    assert totals() == [560, 500, 20]
    assert "Pay €1.00 from your balance" in page, "the bundle at its whole price"
    assert "counts:" not in page


def test_a_bundle_takes_off_what_was_bought_singly(rich):
    """All posts of a tag for ever; a text of another tag takes nothing off."""
    from_balance(rich, "note")
    assert "What you bought singly counts: -€0.20" in panel_of(rich, "two")
    from_balance(rich, "two", "passes-tag-Essays")

    assert totals() == [500, 80, 20]
    assert 'id="open"' not in panel_of(rich, "four")
    assert "For ever" in rich.get("/library/").text


def test_what_was_given_back_or_is_disputed_does_not_count(rich, clock):
    """Neither for the day, nor toward a month: whole, in part, or while a bank looks into it."""
    clock.move_to(tomorrow_noon())
    from_balance(rich, "two")
    from_balance(rich, "three")
    checkout.refund(orders()[1][0], {1: 20}, actor="test", reason="asked")
    checkout.refund(orders()[2][0], {1: 5}, actor="test", reason="asked")

    assert "What you spent lately counts: -€0.35" in panel_of(rich, "note")
    from_balance(rich, "note")
    assert "Pay €0.15 from your balance" in panel_of(rich, "four")


def test_a_draft_and_its_order_agree_and_a_form_names_no_price(client):
    """What the panel shows is what is stored, and what is stored is the same open order again."""
    BANK.pay(client, buy(client, "one", top_up="480"))
    reader = reader_of(client)
    for resource, key in (("post:two", "paywall"), ("post:two", "passes-month")):
        offer = next(one for one in decide(resource, reader).offers if one.key == key)
        draft = checkout.draft(reader, offer.lines)
        order, again = (checkout.start_order(reader, offer.lines) for _ in range(2))
        assert order.id == again.id
        assert order.lines == draft.lines
        execute("UPDATE orders_order SET state = 'closed' WHERE state = 'open'")


def test_a_guest_who_becomes_a_user_keeps_what_counts(rich, app):
    """Reads ask for all holders of a user, and so do the rules."""
    user, _ = make_user("ada@example.org")
    with app.test_request_context():
        reader = Reader(user.id, (user.id, reader_of(rich).holder), user.id)
        offers = decide("post:two", reader).offers
        lines = next(one.lines for one in offers if one.key == "passes-month")
        before = checkout.draft(reader, lines).total
        users.claim(user.id, reader_of(rich).holder)

        assert (before, checkout.draft(reader, lines).total) == (eur(600), eur(580))


def test_nothing_counts_of_test_money_where_real_money_moves(rich, monkeypatch):
    """A site that only played begins anew."""
    monkeypatch.setattr("plugins.passes.spending.site_mode", lambda: "live")

    assert "counts" not in panel_of(rich)


def test_the_owner_is_told_what_remains_of_each_price(sign_in):
    """Beside the settings: by each way, and the price from which on a pass can be paid alone."""
    page = sign_in("owner").client.get("/admin/plugins/passes").text

    assert "What remains of these prices" in page
    assert re.search(r"A pass is worth it from €\d\.\d\d on", page)
    assert "All of “Essays”" in page


def test_who_reads_what_is_open_waits_for_nothing_more(rich, app, monkeypatch):
    """One statement, as without passes: tags are remembered for a second, offers are not drawn."""
    monkeypatch.setattr("core.storage.recent.SECONDS", 60.0)
    asked = []
    reader = reader_of(rich)
    with app.test_request_context():
        decide("post:one", reader)
        monkeypatch.setattr("plugins.passes.selling.sold", lambda: asked.append("sold"))
        monkeypatch.setattr("plugins.passes.keys.card_of", asked.append)
        held = decide("post:one", reader)

    assert (held.open, held.held, asked) == (True, True, [])
    assert guard("post:one", reader, None) is None, "what nobody sells is opened by no pass"
    assert guard("seat:1", reader, Gate(frozenset({"seat:1"}))) is None


def reader_of(client):
    holder = execute("SELECT holder FROM orders_order ORDER BY id LIMIT 1").fetchone()[0]
    return Reader(holder=holder, holders=(holder,))


def outcome(act, *arguments, **more):
    try:
        return act(*arguments, **more)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error


# Several tabs

TABS = ("one", "two", "three", "four")


@pytest.fixture
def shop(app):
    """A reader with a balance, at noon."""
    provider = StandIn()
    catalogue.providers["standin"] = provider
    holder = new_id("gst")
    reader = Reader(holder=holder, holders=(holder,))
    with app.test_request_context(), time_machine.travel(tomorrow_noon()):
        order = checkout.start_order(
            reader, (Line("Paid in", eur(500), f"liabilities:wallet:{holder}"),)
        )
        checkout.pay(order.id, "standin", reader, "")
        pay(provider, order)
        yield reader, provider


def pay(provider, order):
    (payment,) = records.of_order(order.id)
    changed(provider, payment, charge(f"ch_{payment.id}", payment.amount.minor))
    checkout.refresh(payment.id)
    return records.find(payment.id)


def race(app, reader):
    """Open four texts in four tabs, all of which are drawn before one of them is paid."""

    def tab(slug):
        def act():
            with app.test_request_context():
                line = decide(f"post:{slug}", reader).offers[0].lines
                return checkout.buy(reader, line, "wallet")

        return act

    with pytest.MonkeyPatch.context() as patch:
        slowed(patch, pricing, "lines_for")
        together(*map(tab, TABS))


def spent_today():
    return -balance("income:posts", "EUR", "live").minor


def test_tabs_at_the_most_of_a_day_pay_no_more_together(app, shop):
    """The price is asked again under the holder's lock: who comes later reads another one."""
    reader, _ = shop
    race(app, reader)
    for slug in TABS:
        if not holds_any(reader.holders, [f"post:{slug}"]):
            (line, *_more) = decide(f"post:{slug}", reader).offers[0].lines
            total = checkout.draft(reader, (line,)).total
            act = (checkout.buy, reader, (line,), "wallet")
            outcome(*(act if total else (checkout.start_order, reader, (line,))))

    assert all(holds_any(reader.holders, [f"post:{slug}"]) for slug in TABS)
    assert spent_today() == 50


def test_weak_twin_that_does_not_ask_again_takes_more(app, shop, monkeypatch):
    """Without the second look each tab pays what its page said."""
    monkeypatch.setattr(pricing, "refuse_changed", lambda order: None)
    race(app, shop[0])

    assert spent_today() == 80


def test_what_is_not_paid_yet_counts_as_if_it_were(app, shop):
    """Three orders wait at a bank; a fourth that would pass the most with them is refused."""
    reader, provider = shop
    made = []
    for slug in ("one", "two"):
        made.append(checkout.start_order(reader, decide(f"post:{slug}", reader).offers[0].lines))
        checkout.pay(made[-1].id, "standin", reader, "")
    third = outcome(checkout.start_order, reader, decide("post:three", reader).offers[0].lines)
    for order in made:
        payment = pay(provider, order)
    rest = checkout.start_order(reader, decide("post:three", reader).offers[0].lines)

    assert isinstance(third, Conflict)
    assert "not paid yet" in str(third)
    assert (rest.total, spent_today()) == (eur(10), 40)
    changed(provider, payment, dispute("dp_1", 20))
    checkout.refresh(payment.id)
    assert checkout.draft(reader, decide("post:four", reader).offers[0].lines).total == eur(20)


# Strangers


def test_a_rule_of_a_strangers_stands_beside_these(app, rich, clock):
    """The example of the README runs: it stands above passes, which see its lines."""
    (source,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    found = {}
    exec(compile(source, str(README), "exec"), found)
    loaded().add("early", SimpleNamespace(add_lines=found["add_lines"]))
    clock.move_to(tomorrow_noon().replace(hour=6))
    lines = decide("post:two", reader_of(rich)).offers[0].lines

    assert len(source.strip().splitlines()) <= 14
    assert checkout.draft(reader_of(rich), lines).total == eur(10)
    clock.move_to(tomorrow_noon())
    assert checkout.draft(reader_of(rich), lines).total == eur(20)

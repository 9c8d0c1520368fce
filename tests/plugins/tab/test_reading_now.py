"""A reader opens a text by one request and pays later, within bounds; then settles at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from core import checkout, settings
from core.clock import now
from core.errors import OboloError
from core.ledger import CLAIMS, Leg, balance, post
from core.orders import Line
from core.people import Reader, users
from core.plugins import ResourceCard
from core.storage import execute, transaction
from core.testing import browser_of
from core.testing.people import signed_in
from core.testing.trying import PlayMoney
from core.verify import verify
from tests.stand_in import eur, post_line

BANK = PlayMoney()
SLUGS = ("one", "two", "dear")
OFFER = {"offer": "paywall", "return_to": "/library/"}


@pytest.fixture
def app(make_site, request):
    wallet = [] if request.node.originalname.startswith("test_without_a_balance") else ["wallet"]
    yield make_site("paywall", *wallet, "takeback", "tab", "playmoney")
    assert verify() == []


@pytest.fixture(autouse=True)
def texts(cards):
    for slug in SLUGS:
        price = "1.90 EUR" if slug == "dear" else "0.20 EUR"
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title=f"Text {slug}", url=f"/{slug}",
            language="en", fields={"price": price},
        ))  # fmt: skip


def newest():
    return execute("SELECT id, holder FROM orders_order ORDER BY id DESC LIMIT 1").fetchone()


def owed(of=None):
    return balance(f"assets:tab:{of or newest()[1]}", "EUR", "test").minor


def put(client, slug, **more):
    form = {"resource": f"post:{slug}", **OFFER, "provider": "tab", **more}
    return client.post("/checkout/offer", data=form)


def panel_of(client, slug="two"):
    return client.get(f"/go/post:{slug}").text


def setting(name, value):
    settings.save(name, value, actor="test")
    settings.reload()


def test_a_text_opens_by_one_request_and_is_owed(client):
    """The button says that it is paid later, the panel how full the tab is, the page what is on it.

    A top-up stands beside it, and the second tap costs nothing.
    """
    page = panel_of(client, "one")
    assert "Pay €0.20 later" in page
    assert "On your tab then: €0.20 of €2.00" in page
    assert page.index("Pay €0.20 later") < page.index("Pay €5.00")
    opened, again = put(client, "one"), put(client, "one")

    assert (opened.status_code, opened.location, again.status_code) == (303, "/library/", 303)
    assert owed() == 20
    assert balance("income:posts", "EUR", "test").minor == -20
    assert "On your tab then: €0.40 of €2.00" in panel_of(client)
    assert 'href="/x/tab/?back=' in panel_of(client)
    shown = client.get("/x/tab/").text
    assert "Text one" in shown or "Read" in shown
    assert "</span> €0.20" in shown
    assert "€0.20 of €2.00" in shown
    assert "not paid yet" in client.get(f"/library/{newest()[0]}").text


def test_what_does_not_fit_is_neither_offered_nor_taken(client):
    """At the cap nothing is written, whatever a form says; what is paid in one go goes on."""
    put(client, "dear")
    assert "later" not in panel_of(client)
    refused = put(client, "two")

    assert refused.status_code == 403
    assert "Settle it, and go on" in refused.text
    assert owed() == 190
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 1


def test_one_payment_settles_it_and_leaves_a_balance(client):
    """One order of two lines: 5.00 are paid, 1.90 settle the tab, 3.10 stay; then spent first."""
    put(client, "dear")
    page = client.get("/x/tab/?back=/two").text
    assert "€1.90 settle your tab, €3.10 stay here as your balance." in page
    form = dict(re.findall(r'name="(back|top_up)" value="([^"]*)"', page)[:2])
    settled = BANK.pay(client, client.post("/x/tab/", data=form))

    assert (settled.location, owed()) == ("/two", 0)
    lines = execute("SELECT minor FROM orders_line WHERE order_id = ?", [newest()[0]]).fetchall()
    assert sorted(lines) == [(190,), (310,)]
    assert balance("liabilities:wallet:" + newest()[1], "EUR", "test").minor == -310
    assert "Settled" in client.get("/x/tab/").text
    first = execute("SELECT MIN(id) FROM orders_order").fetchone()[0]
    assert "not paid yet" not in client.get(f"/library/{first}").text
    page = panel_of(client)
    assert "from your balance" in page
    assert "later" not in page, "a balance comes first, and alone"


def test_without_a_balance_it_is_settled_alone(client):
    """Where nobody keeps money the tab is one payment once it is worth its fee."""
    setting("tab.cap", 1000)
    setting("checkout.most_fee_share", 20)
    put(client, "one")
    assert "cannot be paid by itself yet" in client.get("/x/tab/").text
    put(client, "dear")
    assert "The tab alone." in client.get("/x/tab/").text
    BANK.pay(client, client.post("/x/tab/", data={}))

    assert owed() == 0
    assert client.post("/x/tab/", data={}).location == "/x/tab/", "nothing is owed any more"


def test_a_tab_never_pays_a_debt_or_a_balance(client, app):
    """What is lent settles no tab and fills no balance, by whatever form."""
    put(client, "one")
    _, holder = newest()
    for path, form in (("/x/tab/", {}), ("/x/wallet/", {"minor": "100"})):
        assert client.post(path, data={**form, "provider": "tab"}).status_code == 403
    reader = Reader(holder, (holder,))
    with app.test_request_context():
        order = checkout.draft(reader, (Line("In", eur(100), f"liabilities:wallet:{holder}"),))
        assert "tab" not in [way.provider.name for way in checkout.ways_for(order, reader)]
    assert owed() == 20


@pytest.mark.parametrize(("name", "bound"), [("tab.network_most", 30), ("tab.site_most", 30)])
def test_new_devices_of_one_place_share_a_bound(client, app, name, bound):
    """Who deletes cookies begins anew, and still owes from the same network, or to the site."""
    setting(name, bound)
    put(client, "one")
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    statuses = [
        put(browser_of(app), "one").status_code,
        browser_of(app).post(
            "/checkout/offer", environ_overrides=elsewhere,
            data={"resource": "post:one", **OFFER, "provider": "tab"},
        ).status_code,
    ]  # fmt: skip

    assert statuses == [403, 303 if name == "tab.network_most" else 403]
    assert execute("SELECT COUNT(DISTINCT network) FROM tab_tab").fetchone()[0] == len(
        {*statuses, 403}
    )


def test_debtors_put_nothing_on_a_tab_but_may_settle_it(client, app):
    """A claim stops borrowing; paying what one owes is no spending, and pays the claim as well."""
    put(client, "dear")
    _, holder = newest()
    with transaction():
        legs = [Leg(CLAIMS + holder, eur(5)), Leg("assets:bank", eur(-5))]
        post("lost", legs, reason="before", mode="test")
    assert "later" not in panel_of(client)
    assert put(client, "two").status_code == 409
    setting("checkout.allow_loss", value=True)
    BANK.pay(client, client.post("/x/tab/", data={}))

    assert balance(CLAIMS + holder, "EUR", "test").minor == 0
    assert owed(holder) == 5


def test_a_refund_comes_off_the_tab_and_later_goes_to_the_balance(client):
    """While it is owed nothing is paid back; once it was settled, the money is kept for them."""
    for slug in ("one", "two"):
        put(client, slug)
    first, second = (row[0] for row in execute("SELECT id FROM orders_order ORDER BY id"))
    assert "go back the way you paid" in client.get(f"/x/takeback/{first}").text
    assert client.post(f"/x/takeback/{first}").status_code == 303

    assert owed() == 20
    assert balance("income:posts", "EUR", "test").minor == -20
    assert "Taken off" in client.get("/x/tab/").text
    assert client.get("/library/").text.count("Given back") == 1
    BANK.pay(client, client.post("/x/tab/", data={"top_up": "480"}))
    with pytest.raises(OboloError, match="settled meanwhile"):
        checkout.refund(second, {1: 20}, actor="test", reason="asked")
    client.post(f"/x/takeback/{second}")
    assert balance("liabilities:wallet:" + newest()[1], "EUR", "test").minor == -500


def test_a_refund_after_claiming_comes_off_the_users_tab(client):
    """Merging moved the debt, also beyond the cap; the guest's items and rows are found there."""
    for slug in ("one", "two"):
        put(client, slug)
    order, guest = newest()
    person = signed_in(client, "reader")
    users.claim(person.user.id, guest)
    checkout.merge(guest, person.user.id)
    checkout.refund(order, {1: 20}, actor="test", reason="asked")

    assert (owed(guest), owed(person.user.id)) == (0, 20)
    page = client.get("/x/tab/").text
    assert "€0.20 of €2.00" in page
    assert page.count("/library/ord_") == 4, "one is unpaid, two were put on, one came off"
    setting("tab.network_most", 30)
    assert put(client, "two").status_code == 403, "it still counts where it was opened"


def test_a_merge_beyond_the_cap_is_kept_and_stops_the_tab(app):
    """Moving is no new debt, so it never fails; there is room again once it is settled."""
    user = users.create(email="ada@example.org", name="Ada", actor="test")
    with app.test_request_context():
        for holder in ("gst_a", user.id):
            checkout.buy(Reader(holder, (holder,)), (post_line(190, f"p:{holder}"),), "tab")
        users.claim(user.id, "gst_a")
        checkout.merge("gst_a", user.id)
        reader = Reader(user.id, (user.id, "gst_a"), user.id)

        assert owed(user.id) == 380
        with pytest.raises(OboloError, match="fit"):
            checkout.buy(reader, (post_line(5),), "tab")


def test_who_let_a_tab_lapse_is_told_why_there_is_none(client):
    """Within a year nothing is lent to them, and their page says so; all else is open to them."""
    put(client, "one")
    BANK.pay(client, client.post("/x/tab/", data={"top_up": "300"}))
    lapsed = int(now().timestamp() * 1e6)
    execute("UPDATE tab_tab SET lost = ?, minor = 20", [lapsed])

    assert "An earlier tab was not settled" in client.get("/x/tab/").text
    assert put(client, "dear").status_code == 403
    assert "from your balance" in panel_of(client)


def test_a_stranger_sees_nothing_of_it(client, app, clock):
    """The page is one's own; nobody who owes nothing sees a word of tabs in the navigation."""
    put(client, "one")
    clock.shift(timedelta(minutes=1))
    page = browser_of(app).get("/x/tab/").text

    assert "€0.00 of €2.00" in page
    assert "/library/ord_" not in page
    assert 'class="balance"' not in page

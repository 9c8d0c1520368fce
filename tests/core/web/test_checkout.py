"""What the checkout asks of people: an address for the receipt, a step-up before larger sums."""

from __future__ import annotations

import pytest

from core import checkout, decide, limits, settings
from core.people import contacts
from core.storage import execute
from core.verify import verify
from plugins.playmoney.chosen import local_bank
from tests import people
from tests.conftest import ROOT, browser_of
from tests.people import EMAIL, PASSWORD, signed_in
from tests.stand_in import READER

FORM = {"resource": "bench:1", "offer": "bench", "provider": "till", "return_to": "/library/"}


@pytest.fixture
def site(make_site):
    """A site on which what the benchmark sells costs 20 cents and is settled at once."""
    folder = str(ROOT / "tests" / "bench" / "plugins")
    wished = {"checkout.allow_loss": True}
    yield make_site("till", "playmoney", plugin_folders=(folder,), settings=wished)
    assert verify() == []


@pytest.fixture
def client(site):
    return browser_of(site)


@pytest.fixture
def outbox(monkeypatch):
    return people.watched_mail(monkeypatch)


def confirm_above(minor):
    settings.save("checkout.confirm_above", minor, actor="test")


def paid():
    return execute("SELECT COUNT(*) FROM orders_order WHERE state = 'paid'").fetchone()[0]


def test_a_small_sum_needs_no_step_up(client):
    """One tap, also for somebody who signed in long ago."""
    signed_in(client, proved=False)
    answer = client.post("/checkout/offer", data=FORM)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/library/")
    assert paid() == 1


def test_a_sum_above_the_owners_limit_asks_who_is_there(client):
    """The order waits; after the step-up it is paid by the same button, once."""
    confirm_above(10)
    ada = signed_in(client, proved=False, password=PASSWORD)
    order = client.post("/checkout/offer", data=FORM).headers["Location"]
    assert paid() == 0
    away = client.post(f"{order}/pay", data={"provider": "till"})
    assert away.headers["Location"].startswith("/account/confirm")
    assert paid() == 0
    ada.post("/account/confirm", secret=PASSWORD, to=order)
    client.post(f"{order}/pay", data={"provider": "till"})

    assert paid() == 1


def test_a_tap_too_many_sells_nothing_and_each_tap_counts_once(client, monkeypatch):
    """Counted with the sale itself: what is sold, what is theirs already, what is not there."""
    door = limits.Door(site=(limits.Limit(4, 86_400),), fails_closed=True)
    monkeypatch.setitem(limits.DOORS, "checkout", door)
    wished = ["bench:1", "bench:2", "bench:1", "nothing:1", "bench:3", "bench:4"]
    answers = [client.post("/checkout/offer", data={**FORM, "resource": one}) for one in wished]

    assert [answer.status_code for answer in answers] == [303, 303, 303, 303, 429, 429]
    assert paid() == 2


def test_no_sale_is_made_while_the_door_cannot_be_counted(client):
    """It fails closed, and nothing of the sale is left."""
    execute("ALTER TABLE limits_hit RENAME TO limits_gone")
    try:
        refused = client.post("/checkout/offer", data=FORM)
    finally:
        execute("ALTER TABLE limits_gone RENAME TO limits_hit")

    assert refused.status_code == 503
    assert paid() == 0


def test_a_guest_has_nothing_to_confirm_by(client):
    """Whoever holds the browser is all that is known."""
    confirm_above(10)
    client.post("/checkout/offer", data=FORM)

    assert paid() == 1


def test_the_receipt_goes_where_a_user_reads_mail(client, outbox):
    """With lines, total, order and the way back; unless they do not want any."""
    ada = signed_in(client)
    client.post("/checkout/offer", data=FORM)
    letter = outbox.last(EMAIL)
    assert "€0.20" in letter.subject
    assert "/sign-in" in letter.body
    outbox.clear()
    ada.post("/account/", name="", language="en")
    client.post("/checkout/offer", data={**FORM, "resource": "bench:2"})

    assert paid() == 2
    assert outbox.letters == []


def test_a_guest_names_an_address_before_paying(site, client, outbox):
    """On the page of the order; the receipt goes there, and nobody else can name one."""
    confirm_above(0)
    client.post("/checkout/offer", data={**FORM, "provider": ""})
    order = execute("SELECT id, holder FROM orders_order").fetchone()
    page = f"/checkout/{order[0]}"
    assert browser_of(site).post(f"{page}/contact", data={"email": EMAIL}).status_code == 404
    assert client.post(f"{page}/contact", data={"email": "nothing"}).status_code == 400
    answer = client.post(f"{page}/contact", data={"email": EMAIL})

    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert contacts.of_holder(order[1]) == (EMAIL, "en")
    assert EMAIL in client.get(page).text
    client.post(f"{page}/pay", data={"provider": "till"})
    assert outbox.last(EMAIL).holder == order[1]


def test_a_user_gives_no_second_address_for_receipts(client):
    """Theirs is proved."""
    confirm_above(0)
    signed_in(client, proved=False)
    order = client.post("/checkout/offer", data=FORM).headers["Location"]

    assert client.post(f"{order}/contact", data={"email": EMAIL}).status_code == 403
    assert checkout.recipient("gst_nobody") is None


def test_the_only_way_is_no_way_round_the_step_up(make_site):
    """What is begun at once elsewhere waits here for who is there."""
    folder = str(ROOT / "tests" / "bench" / "plugins")
    site = make_site("till", plugin_folders=(folder,), settings={"checkout.confirm_above": 10})
    client = browser_of(site)
    signed_in(client, proved=False)
    client.post("/checkout/offer", data={**FORM, "provider": ""})

    assert paid() == 0


SCRIPT = {"Accept": "application/json"}
EXPRESS = {**FORM, "provider": "playmoney", "inline": "1"}


def test_a_script_orders_pays_on_the_page_and_goes_on(client):
    """It gets what `Inline` answered; the price is the order's, and the text is open afterwards."""
    answer = client.post("/checkout/offer", data={**EXPRESS, "minor": "1"}, headers=SCRIPT)
    said = answer.get_json()
    payment = execute("SELECT order_id, ref, minor, inline FROM payments_payment").fetchone()

    assert (answer.status_code, set(said)) == (200, {"order", "address", "ref", "data"})
    assert (said["order"], said["ref"], 20, 1) == tuple(payment)
    assert said["address"] == f"http://localhost/checkout/{said['order']}"
    assert answer.headers["Cache-Control"] == "private, no-store"
    client.post(said["data"]["pay"], data={"how": "pay"})
    assert client.get(said["address"]).headers["Location"] == "/library/"
    assert paid() == 1
    again = client.post("/checkout/offer", data=EXPRESS, headers=SCRIPT).get_json()
    assert (again["address"], again["data"]) == ("/library/", {})


def test_the_page_of_an_order_is_paid_by_a_script_too(client):
    """The same answer; and without it, or asked for by a form, the reader is led to the bank."""
    order = client.post("/checkout/offer", data={**FORM, "provider": ""}).headers["Location"]
    data = {"provider": "playmoney", "inline": "1"}
    said = client.post(f"{order}/pay", data=data, headers=SCRIPT).get_json()
    led = client.post(f"{order}/pay", data=data)

    assert order.endswith(said["order"])
    assert said["data"]["pay"].endswith(said["ref"])
    assert "/x/playmoney/pay/" in led.headers["Location"]
    assert not led.headers["Location"].endswith(said["ref"])
    assert execute("SELECT COUNT(*) FROM payments_payment").fetchone()[0] == 2


def test_what_a_script_is_refused_is_a_problem_document(site, client):
    """In the reader's language; another site's script, another's order, and what nobody offers."""
    order = client.post("/checkout/offer", data={**FORM, "provider": ""}).headers["Location"]
    data = {"provider": "playmoney", "inline": "1"}
    italian = {**SCRIPT, "Accept-Language": "it"}
    elsewhere = {**SCRIPT, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answers = [
        client.post(f"{order}/pay", data=data, headers=elsewhere),
        browser_of(site).post(f"{order}/pay", data=data, headers=SCRIPT),
        client.post(f"{order}/pay", data={**data, "provider": "nobody"}, headers=SCRIPT),
        client.post(f"{order}/pay", data={**data, "provider": "till"}, headers=italian),
    ]

    assert [answer.status_code for answer in answers] == [403, 404, 403, 403]
    assert {answer.mimetype for answer in answers} == {"application/problem+json"}
    assert answers[-1].get_json()["detail"].startswith("Questo metodo di pagamento")


@pytest.mark.parametrize(("language", "words"), [
    ("en", "Play money does not answer right now"),
    ("it", "Denaro di prova non risponde in questo momento"),
])  # fmt: skip
def test_a_provider_that_is_down_is_said_and_the_others_still_work(client, language, words):
    """It is not asked again while the reader waits for the page."""
    faults = local_bank().faults
    faults.add("begin", "timeout")
    order = client.post("/checkout/offer", data={**FORM, "provider": ""}).headers["Location"]
    speaks = {"Accept-Language": language}
    back = client.post(f"{order}/pay", data={"provider": "playmoney"}, headers=speaks)
    faults.add("look_up", "timeout")
    page = client.get(back.headers["Location"], headers=speaks)

    assert words in page.text
    assert 'value="till"' in page.text
    assert faults.take("look_up") is not None
    assert client.post(f"{order}/pay", data={"provider": "till"}).status_code == 303
    assert paid() == 1


def test_a_script_hears_that_a_provider_is_down(client):
    """And that nothing was taken."""
    local_bank().faults.add("begin", "timeout")
    answer = client.post("/checkout/offer", data=EXPRESS, headers=SCRIPT)

    assert answer.status_code == 503
    assert "Nothing was taken" in answer.get_json()["detail"]


def test_the_button_of_a_provider_comes_before_all_others(site, client):
    """Where the owner wants it, for an order and for an offer; each time with core's own words."""
    order = client.post("/checkout/offer", data={**FORM, "provider": ""}).headers["Location"]
    assert "data-playmoney" not in client.get(order).text
    settings.save("playmoney.express", value=True, actor="test")
    page = client.get(order).text

    assert page.index("data-playmoney") < page.index('name="provider"')
    assert "Pay €0.20 · Play money" in page
    with site.test_request_context("/"):
        panel = site.jinja_env.get_template("macros.html").module.panel
        drawn = panel("bench:9", decide("bench:9", READER).offers, "/back")
    assert drawn.index("data-playmoney") < drawn.rindex("and read")

"""From the offer to the confirmed line: what readers and staff see, and what is booked."""

from __future__ import annotations

import io
from types import ModuleType

import pytest

from core import Gate, Grant, Line, Money, Offer, hookimpl
from core.checkout import refund
from core.clock import now
from core.ledger import balance
from core.plugins import catalogue, loaded
from core.reconcile import reconcile
from core.storage import execute
from core.testing.people import csrf_of, signed_in
from core.verify import verify
from plugins.banktransfer import lines, records
from plugins.banktransfer.accounts import grouped
from tests.conftest import browser_of
from tests.plugins.banktransfer.statement_files import IBAN, camt, table

ACCOUNT = {"banktransfer.iban": grouped(IBAN).lower(), "banktransfer.holder": "Ada Bianchi"}
DESK = "/admin/transfers/"


@hookimpl
def guard(resource):
    """Sell every resource for ten euro."""
    line = Line("A long evening", Money(1000, "EUR"), "income:posts", (Grant(resource),))
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def site(make_site):
    app = make_site("banktransfer", settings=ACCOUNT)
    shop = ModuleType("shop")
    shop.guard = guard
    loaded().add("shop", shop)
    yield app
    assert verify() == []


app = site


@pytest.fixture
def desk(sign_in):
    """Somebody who keeps the books."""
    return sign_in("bookkeeper").client


def order(client, language: str = "en") -> records.Transfer:
    """Order, choose the transfer, and return what is waited for."""
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    headers = {"Accept-Language": language}
    page = client.post("/checkout/offer", data=form, headers=headers).location
    answer = client.post(f"{page}/pay", data={"provider": "banktransfer"}, headers=headers)
    assert answer.status_code == 303
    found = records.find(answer.location.rpartition("/")[2])
    assert found is not None
    return found


def send(desk, content: bytes, name: str = "file.xml"):
    """Import a file."""
    data = {"csrf": csrf_of(desk), "file": (io.BytesIO(content), name)}
    return desk.post(f"{DESK}import", data=data, content_type="multipart/form-data")


def press(desk, path: str, **form: str):
    """Press a button of the page."""
    return desk.post(f"{DESK}{path}", data={"csrf": csrf_of(desk), **form})


def states() -> list[str]:
    return [row[0] for row in execute("SELECT state FROM orders_order ORDER BY id")]


def test_a_transfer_opens_what_it_pays_once_it_is_confirmed(site, desk):
    """Instructions, a statement, one tap; the money is in the account at the bank."""
    reader = browser_of(site)
    transfer = order(reader)
    page = reader.get(f"/x/banktransfer/{transfer.id}").text
    assert grouped(IBAN) in page
    assert grouped(transfer.reference) in page
    assert "<svg" in page
    assert desk.get(f"/x/banktransfer/{transfer.id}").status_code == 404
    assert send(desk, camt(("10.00", transfer.reference))).location.endswith("new=1&known=0")
    assert "reached the bank" in reader.get(f"/x/banktransfer/{transfer.id}").text
    (match,) = lines.waiting()
    assert match.how == "exact"
    assert press(desk, f"lines/{match.line.id}/book").location.endswith("done=paid")

    assert states() == ["paid"]
    assert balance("assets:bank", "EUR").minor == 1000
    assert reader.get(transfer.back).location == "/hello"
    assert press(desk, f"lines/{match.line.id}/book").status_code == 409


def test_a_line_is_never_taken_twice(site, desk):
    """The same statement again, and a longer one, add only what is new; twins stay two."""
    first = table(("02/03/2026", "5,00", "mancia"), ("02/03/2026", "5,00", "mancia"))
    answer = send(desk, first, "a.csv")
    columns = {
        "day": "Data",
        "amount": "Importo",
        "words": "Causale",
        "payer": "Ordinante",
        "id": "",
    }
    path = answer.location.removeprefix(DESK)
    assert "Leo Rossi" in desk.get(answer.location).text
    assert press(desk, path, day="Data").status_code == 422
    assert press(desk, path, **columns).location.endswith("new=2&known=0")
    longer = table(*[("02/03/2026", "5,00", "mancia")] * 3)

    assert send(desk, longer, "b.csv").location.endswith("new=1&known=2")
    assert execute("SELECT COUNT(*) FROM banktransfer_file").fetchone()[0] == 0
    cells = execute("SELECT payer, words FROM banktransfer_line").fetchall()
    assert not [cell for row in cells for cell in row if b"Rossi" in bytes(cell)]


@pytest.mark.parametrize(("amount", "how"), [("9.00", "less"), ("11.00", "more")])
def test_a_wrong_amount_is_kept_apart(site, desk, amount, how):
    """It is booked as money that nobody asked for, and opens nothing."""
    transfer = order(browser_of(site))
    send(desk, camt((amount, transfer.reference)))
    (match,) = lines.waiting()
    assert match.how == how
    assert press(desk, f"lines/{match.line.id}/book").location.endswith("done=apart")

    assert states() == ["open"]
    assert balance("liabilities:unassigned", "EUR").minor == -int(float(amount) * 100)


def test_an_order_waits_for_its_transfer_and_no_longer(site, desk, clock):
    """An hour is over soon; the fourteen days are kept. What comes later is kept apart."""
    transfer = order(browser_of(site))
    clock.shift(13 * 86400)
    reconcile(now())
    assert states() == ["open"]
    clock.shift(2 * 86400)
    reconcile(now())
    assert states() == ["closed"]
    desk = desk_again(site)
    send(desk, camt(("10.00", transfer.reference)))
    (match,) = lines.waiting()
    assert match.how == "late"
    press(desk, f"lines/{match.line.id}/book")

    assert states() == ["closed"]
    assert balance("liabilities:unassigned", "EUR").minor == -1000


def test_a_line_without_a_reference_is_confirmed_by_hand_or_set_aside(site, desk):
    """Whoever forgot it is found by the reference that staff type; the rest has a reason."""
    transfer = order(browser_of(site))
    send(desk, camt(("10.00", "thanks"), ("3.00", "rent")))
    by_words = {match.line.words.split()[0]: match.line.id for match in lines.waiting()}
    wrong = press(desk, f"lines/{by_words['thanks']}/book", reference="RF00AAAAAAAA")
    assert wrong.status_code == 400
    assert press(desk, f"lines/{by_words['rent']}/aside", reason=" ").status_code == 400
    press(desk, f"lines/{by_words['thanks']}/book", reference=grouped(transfer.reference).lower())
    press(desk, f"lines/{by_words['rent']}/aside", reason="Rent of the flat")

    assert states() == ["paid"]
    assert lines.waiting() == []
    assert balance("assets:bank", "EUR").minor == 1000


def test_a_refund_waits_until_staff_have_sent_it(site, desk, sign_in):
    """Asked from the order, sent at the bank, noted here."""
    transfer = order(browser_of(site))
    send(desk, camt(("10.00", transfer.reference)))
    press(desk, f"lines/{lines.waiting()[0].line.id}/book")
    (id,) = execute("SELECT id FROM orders_order").fetchone()
    asked = refund(id, {1: 400}, actor="test", reason="Half of it")
    assert balance("assets:bank", "EUR").minor == 1000
    assert "I have sent it" in desk.get(DESK).text
    assert press(desk, f"refunds/{asked.id}/sent").location.endswith("done=sent")

    assert balance("assets:bank", "EUR").minor == 600
    assert "I have sent it" not in desk.get(DESK).text


def test_the_instructions_go_out_by_mail_once(site, mailbox):
    """Whoever left an address has them there too, in their language."""
    reader = browser_of(site)
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    headers = {"Accept-Language": "it"}
    page = reader.post("/checkout/offer", data=form, headers=headers).location
    reader.post(f"{page}/contact", data={"email": "leo@example.org"}, headers=headers)
    for _ in range(2):
        reader.post(f"{page}/pay", data={"provider": "banktransfer"}, headers=headers)
    (letter,) = mailbox.to("leo@example.org")

    assert "10,00" in letter.subject
    assert grouped(IBAN) in letter.body
    assert "Causale: RF" in letter.body


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE x><x/>", b"\x00\x01", b"a;b"])
def test_a_wrong_file_is_said_on_the_page(site, desk, content):
    """Nothing is kept, and the page says what is wrong."""
    answer = send(desk, content)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert lines.waiting() == []


def test_a_huge_file_is_refused(site, desk):
    """Ten megabytes are the most."""
    form = {
        "data": b"a" * (10 * 1024 * 1024 + 1),
        "content_type": "multipart/form-data; boundary=x",
    }

    assert desk.post(f"{DESK}import", **form).status_code == 413


def test_nothing_is_offered_without_an_account_or_below_the_least(make_site):
    """A wrong IBAN is no account; small sums are not worth the work."""
    make_site("banktransfer", settings=ACCOUNT)
    provider = catalogue.providers["banktransfer"]
    assert provider.quote(Money(499, "EUR"), country="IT") is None
    assert provider.quote(Money(500, "EUR"), country="IT") is not None
    make_site("banktransfer", settings=ACCOUNT | {"banktransfer.iban": IBAN[:-1] + "7"})

    assert provider.quote(Money(500, "EUR"), country="IT") is None


def desk_again(site):
    """Sign in anew: two weeks later the session is over."""
    return signed_in(browser_of(site), "bookkeeper", email="again@example.org").client

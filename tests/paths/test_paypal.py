"""A person pays by PayPal in a real browser; the site is connected to a PayPal on loopback."""

from __future__ import annotations

import pytest

from core.money import Money
from tests.paths.conftest import people_site
from tests.paths.people import somebody
from tests.plugins.paypal.fake import CLIENT, SECRET, WEBHOOK, running
from tests.plugins.paypal.ledger import captures

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("paypal")]
FEES = {"OBOLO_PAYPAL__FEE_PERCENT": "3.40", "OBOLO_PAYPAL__FEE_FIXED": "0.35"}
CHEAP = {"OBOLO_CHECKOUT__ALLOW_LOSS": "true"}
"""Small prices are sold by PayPal here, which no shop would let happen."""
ORDER = "**/checkout/ord_*"


@pytest.fixture(scope="module")
def fake():
    with running() as fake:
        yield fake
    assert fake.mistakes == []


@pytest.fixture(scope="module")
def site(fake, tmp_path_factory):
    """Yield a site whose PayPal is the fake; it is told of everything that happens there."""
    keys = {
        "OBOLO_PLUGINS": "posts,paywall,playmoney,paypal", "OBOLO_PAYPAL__CLIENT_ID": CLIENT,
        "OBOLO_PAYPAL__SECRET": SECRET, "OBOLO_PAYPAL__API_URL": fake.url,
        "OBOLO_PAYPAL__WEBHOOK_ID": WEBHOOK, **FEES, **CHEAP,
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        with people_site(tmp_path_factory.mktemp("paypal") / "instance") as site:
            fake.site = site.address
            yield site
            fake.site = ""


@pytest.fixture
def guest(request, browser, site):
    """Yield somebody with a phone, in Italian, unless the test asks for another."""
    size, language, scripts = getattr(request, "param", ("phone", "it", True))
    with somebody(browser, site, size, language, scripts=scripts) as one:
        yield one


without_scripts = pytest.mark.parametrize("guest", [("desktop", "en", False)], indirect=True)


def to_paypal(guest) -> str:
    """Open a closed post, choose PayPal, and return PayPal's id of the order."""
    guest.opens(f"/{guest.closed}")
    guest.page.locator("#open .primary").click()
    guest.page.wait_for_url(ORDER)
    choose(guest.page)
    return token_of(guest.page)


def choose(page) -> None:
    """Press PayPal's button on the order's page."""
    way = page.locator("form.way", has=page.locator("input[value=paypal]"))
    way.locator("button").click()
    page.wait_for_url("**/checkoutnow?token=*")


def token_of(page) -> str:
    return page.url.rpartition("token=")[2]


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def decided(guest) -> str:
    """Return the heading of an order's page once the bank has answered; a reader looks again.

    PayPal tells the site at the same moment, and whoever asks second is told to wait.
    """
    for _ in range(50):
        if guest.says("The payment is on its way") not in guest.page.inner_text("h1"):
            break
        guest.page.wait_for_timeout(100)
        guest.page.reload()
    return guest.page.inner_text("h1")


def taken(fake, order: str) -> list[str]:
    """Return the amounts that PayPal took for an order."""
    return [one["amount"]["value"] for one in captures(fake.books.order(order))]


def test_who_pays_reads(guest, fake):
    """Approve at PayPal, come back, and the text is open: one capture of what it costs."""
    order = to_paypal(guest)
    press(guest.page, "Pay")
    guest.page.wait_for_url(f"**/{guest.closed}#opened")

    assert guest.can_read()
    assert taken(fake, order) == [str(Money(20, "EUR").decimal)]


@without_scripts
@pytest.mark.parametrize(
    ("button", "says"),
    [("Decline", "The payment was declined"), ("Cancel", "The payment was cancelled")],
)
def test_what_is_not_paid_ends_in_a_clear_page_and_can_be_tried_again(guest, fake, button, says):
    """Nothing was taken; the next try is another order at PayPal, and pays once."""
    order = to_paypal(guest)
    press(guest.page, button)
    guest.page.wait_for_url(ORDER)
    assert guest.says(says) in decided(guest)
    assert taken(fake, order) == []
    choose(guest.page)
    again = token_of(guest.page)
    assert again != order
    press(guest.page, "Pay")
    guest.page.wait_for_url(f"**/{guest.closed}#opened")

    assert taken(fake, order) == []
    assert len(taken(fake, again)) == 1


def test_who_closes_the_window_after_approving_has_paid(guest, fake):
    """PayPal tells the site; the reader finds the text open when they are back."""
    order = to_paypal(guest)
    fake.books.approve(order)
    for _ in range(100):
        if taken(fake, order) and guest.can_read():
            break
        guest.page.wait_for_timeout(100)

    assert len(taken(fake, order)) == 1
    assert guest.can_read()


@without_scripts
def test_the_back_button_leads_to_the_same_payment(guest, fake):
    """Back to the order and on again is the same order at PayPal; paid twice it is charged once."""
    order = to_paypal(guest)
    guest.page.go_back()
    choose(guest.page)
    assert token_of(guest.page) == order
    press(guest.page, "Pay")
    guest.page.wait_for_url(f"**/{guest.closed}#opened")
    guest.page.go_back()
    guest.opens(f"/{guest.closed}")

    assert guest.can_read()
    assert len(taken(fake, order)) == 1


def test_two_tabs_are_one_charge(guest, fake):
    """Both tabs stand on PayPal's page; what both approve is captured once."""
    order = to_paypal(guest)
    second = guest.page.context.new_page()
    second.goto(guest.page.url)
    press(guest.page, "Pay")
    guest.page.wait_for_url(f"**/{guest.closed}#opened")
    press(second, "Pay")
    second.wait_for_url(f"**/{guest.closed}*")

    assert len(taken(fake, order)) == 1

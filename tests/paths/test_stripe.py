"""A reader pays by Stripe in a browser: on its page or by an express button, and each end is clear.

Stripe is a stand-in on this machine, and its script a stub that checks in which order it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.clock import now
from core.reconcile import reconcile
from core.storage import execute
from core.testing import browser_of
from core.testing.browser import opened
from core.testing.people import SESSION_COOKIE, signed_in
from core.verify import verify
from tests.paths.people import SCREENS
from tests.paths.stripe_in_the_browser import SCRIPT, WALLET
from tests.plugins.posts.texts import bring, write
from tests.plugins.stripe.fake_server import KEY, PUBLISHABLE, Stand, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("stripe"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
SETTINGS = {"stripe.secret_key": KEY, "stripe.publishable_key": PUBLISHABLE}
AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
STRIPE_JS = "https://js.stripe.com/**"


@dataclass
class Shop:
    """A site that sells a post for one euro by Stripe, somebody's browser, and the stand-in."""

    page: Page
    stand: Stand
    app: Flask

    def goes_to_stripe(self) -> None:
        """Press the one button of the closed post."""
        self.page.goto("/closed")
        self.page.get_by_role("button", name=re.compile("Pay €1.00")).click()
        self.page.wait_for_url("**/c/pay/*")

    def chooses(self, label: str) -> None:
        """Press a button on Stripe's page."""
        self.page.get_by_role("button", name=label, exact=True).click()

    def reads(self) -> None:
        """See the paid text."""
        self.page.wait_for_url("**/closed#opened")
        expect(self.page.locator("main")).to_contain_text("Only for those who paid.")

    def charges(self) -> int:
        """Count what was charged."""
        return len([c for c in self.stand.fake.of_kind("charge") if c["status"] == "succeeded"])

    def states(self) -> list[str]:
        """Return how the orders stand."""
        return [row[0] for row in execute("SELECT state FROM orders_order ORDER BY id").fetchall()]


@pytest.fixture
def shop(make_site: Any, tmp_path: Path) -> Iterator[Shop]:
    """Open the site and the stand-in; in the end the books are right, and nothing asked was wrong.

    The stand-in's page is on this machine, so the browser minds no policy here: the test of the
    express button does.
    """
    with running() as stand:
        app = sold_by_stripe(make_site, tmp_path, stand)
        with opened(app) as page:
            yield Shop(unbound(page), stand, app)
        assert stand.wrong == []
        assert verify() == []


def sold_by_stripe(make_site: Any, folder: Path, stand: Stand) -> Flask:
    """Return a site with one post for one euro, which only Stripe sells."""
    settings = {**SETTINGS, "stripe.api_url": stand.url, "checkout.most_fee_share": 30}
    app: Flask = make_site("posts", "paywall", "stripe", settings=settings)
    text = "For all.\n\n<!-- more -->\n\nOnly for those who paid.\n"
    write(folder / "texts", "closed", text, price="1.00 EUR")
    bring(app, folder / "texts")
    return app


def base_of(page: Page) -> str:
    """Return the address of the site that a page finds by paths alone."""
    page.goto("/healthz")
    return page.url.removesuffix("/healthz")


def unbound(page: Page) -> Page:
    """Return a page of the same browser that minds no policy."""
    context = page.context.browser.new_context(
        base_url=base_of(page), bypass_csp=True, locale="en-GB"
    )
    context.set_default_timeout(15_000)
    return context.new_page()


def test_a_card_opens_the_post(shop):
    """One button, Stripe's page, the text."""
    shop.goes_to_stripe()
    shop.chooses("Pay")
    shop.reads()

    assert (shop.charges(), shop.states()) == (1, ["paid"])


def test_a_declined_card_can_be_followed_by_another(shop):
    """Stripe keeps the reader on its page; 3-D Secure that fails and then succeeds pays once."""
    shop.goes_to_stripe()
    shop.chooses("Card declined")
    expect(shop.page.locator("#said")).to_have_text("Your card was declined.")
    shop.chooses("3-D Secure")
    shop.chooses("Fail authentication")
    shop.chooses("3-D Secure")
    shop.chooses("Complete authentication")
    shop.reads()

    assert (shop.charges(), shop.states()) == (1, ["paid"])


def test_who_comes_back_without_paying_can_go_on(shop):
    """Cancelled, or the back button: the same order leads to the same visit."""
    shop.goes_to_stripe()
    visit = shop.page.url
    shop.page.get_by_role("link", name="Back to the site").click()
    shop.page.wait_for_url("**/checkout/ord_*")
    shop.page.get_by_role("button", name=re.compile("€1.00")).click()
    shop.page.wait_for_url("**/c/pay/*")
    again = shop.page.url
    shop.page.go_back()
    shop.page.go_forward()
    shop.chooses("Pay")
    shop.reads()

    assert again == visit
    assert (shop.charges(), shop.states()) == (1, ["paid"])


def test_who_closes_the_window_after_paying_has_paid(shop):
    """Stripe took the money, nobody came back: the site asks by itself, and the text is open."""
    shop.goes_to_stripe()
    ref, context = shop.page.url.rpartition("/")[2], shop.page.context
    shop.page.close()
    shop.stand.fake.person(ref, "pay")
    with shop.app.app_context():
        reconcile(now() + timedelta(minutes=2))
    shop.page = context.new_page()
    shop.page.goto("/closed")
    expect(shop.page.locator("main")).to_contain_text("Only for those who paid.")

    assert (shop.charges(), shop.states()) == (1, ["paid"])


def test_two_tabs_pay_one_order_once(shop):
    """Whoever pays in one tab finds the other one paid."""
    shop.goes_to_stripe()
    second = shop.page.context.new_page()
    second.goto(shop.page.url)
    shop.chooses("Pay")
    shop.reads()
    second.get_by_role("button", name="Pay", exact=True).click()
    second.wait_for_url("**/closed#opened")
    second.close()

    assert (shop.charges(), shop.states()) == (1, ["paid"])


def test_an_express_button_pays_under_the_policy(make_site, tmp_path):
    """Apple Pay in the panel: submit, then the site's own amount, then Stripe; one charge."""
    with running() as stand, opened(sold_by_stripe(make_site, tmp_path, stand)) as page:
        problems: list[str] = []
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else "")
        page.route(STRIPE_JS, lambda route: route.fulfill(
            body=SCRIPT, content_type="text/javascript"))  # fmt: skip
        page.expose_function("payAtStripe", lambda ref: stand.fake.person(ref, "pay"))
        page.add_init_script(WALLET)
        policy = page.goto("/closed").headers["content-security-policy"]
        page.get_by_role("button", name="Apple Pay").click()
        page.wait_for_url(re.compile(r"/closed.*#opened$"))
        expect(page.locator("main")).to_contain_text("Only for those who paid.")
        (intent,) = stand.fake.of_kind("payment_intent")

        assert (intent["amount"], intent["status"]) == (100, "succeeded")
        assert "https://js.stripe.com" in policy
        assert "form-action 'self' https://checkout.stripe.com" in policy
        assert problems == []
        assert stand.wrong == []
        assert verify() == []


def test_without_a_wallet_there_is_no_express_button(make_site, tmp_path):
    """The place stays hidden, with scripts and without, and the form is there."""
    with running() as stand, opened(sold_by_stripe(make_site, tmp_path, stand)) as page:
        asked: list[str] = []
        base, browser = base_of(page), page.context.browser
        for scripts in (True, False):
            other = browser.new_context(base_url=base, java_script_enabled=scripts).new_page()
            other.route(STRIPE_JS, lambda route: (asked.append(route.request.url), route.fulfill(
                body=SCRIPT, content_type="text/javascript")))  # fmt: skip
            other.goto("/closed", wait_until="networkidle")

            assert other.locator("[data-stripe-express]").is_hidden()
            assert other.get_by_role("button", name=re.compile("Pay €1.00")).is_visible()
        assert len(asked) == 1


def test_the_owners_page_keeps_nobody_out(make_site, tmp_path, cheap_hashes):
    """Axe finds nothing in the steps nor in what the check says, in light and dark."""
    with running() as stand, opened(app := sold_by_stripe(make_site, tmp_path, stand)) as page:
        owner, base = signed_in(browser_of(app), "owner"), base_of(page)
        for scheme in ("light", "dark"):
            context = page.context.browser.new_context(
                base_url=base, bypass_csp=True, color_scheme=scheme, **SCREENS["phone"]
            )
            cookie = {"name": SESSION_COOKIE, "value": owner.token, "url": base}
            context.add_cookies([cookie])
            other = context.new_page()
            other.goto("/admin/stripe/?check=1")
            other.evaluate(AXE.read_text())
            found = other.evaluate("async () => (await axe.run()).violations.map(one => one.id)")

            expect(other.get_by_role("status")).to_contain_text("Stripe answers")
            assert found == []

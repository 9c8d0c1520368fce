"""A person pays by bank transfer in a real browser, and staff confirm what came in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.paths.conftest import people_site
from tests.paths.people import somebody
from tests.paths.test_people_pages import page_faults
from tests.plugins.banktransfer.statement_files import IBAN, camt

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("banktransfer")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Yield a site with an account at a bank."""
    account = {
        "OBOLO_PLUGINS": "posts,paywall,playmoney,banktransfer,paypal",
        "OBOLO_BANKTRANSFER__IBAN": IBAN,
        "OBOLO_BANKTRANSFER__HOLDER": "Ada Bianchi", "OBOLO_BANKTRANSFER__LEAST": "1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in account.items():
            patch.setenv(name, value)
        with people_site(tmp_path_factory.mktemp("transfer") / "instance") as site:
            yield site


def test_a_transfer_is_made_and_confirmed(browser, site):
    """Instructions on a phone in Italian, the statement and one tap at the desk, and the text."""
    with (
        somebody(browser, site, "phone", "it") as guest,
        somebody(browser, site, "desktop", "en") as owner,
    ):
        guest.opens(f"/{guest.closed}")
        guest.page.locator("#open .primary").click()
        way = guest.page.locator("form.way", has=guest.page.locator("input[value=banktransfer]"))
        way.locator("button").click()
        guest.page.wait_for_url("**/x/banktransfer/*")
        reference = guest.page.locator(".reference dd").first.inner_text()
        assert re.fullmatch(r"RF\d\d [A-Z]{4} [A-Z]{4}", reference)
        assert page_faults(guest.page, "the instructions") == []
        owner.opens(site.set_up_link())
        owner.types("E-mail address", "owner@example.com")
        owner.presses("Go on")
        owner.adds_app()
        owner.opens("/admin/transfers/")
        statement = {"name": "s.xml", "mimeType": "text/xml", "buffer": camt(("0.20", reference))}
        owner.page.locator("input[type=file]").set_input_files(statement)
        owner.page.locator(".upload button").click()
        expect(owner.page.locator(".badge.good")).to_be_visible()
        assert page_faults(owner.page, "the desk") == []
        owner.page.get_by_role("button", name="Confirm", exact=True).first.click()
        expect(owner.page.locator(".notice").first).to_contain_text("The order is paid.")

        assert guest.can_read()
        owner.opens("/admin/paypal/?check=1")
        assert page_faults(owner.page, "the steps to connect PayPal") == []

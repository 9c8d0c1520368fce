"""The fixtures that authors' tests ask for, in a test of a site with bundled plugins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import ResourceCard, card_of, mail, storage
from core.access import decide
from core.clock import now
from core.ledger import balance
from core.people import Reader

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.plugins("paywall", "tipjar", "playmoney"),
]


def test_a_reader_pays_with_play_money(app, client, playmoney):
    """`playmoney.pay` goes to the bank and comes back; a decline earns nothing."""
    done = playmoney.pay(client, client.post("/x/tipjar/", data={"minor": "200"}))
    playmoney.pay(client, client.post("/x/tipjar/", data={"minor": "500"}), "decline")

    assert done.location.startswith("/x/tipjar/thanks")
    assert balance("income:tips", "EUR", "test").minor == -200


def test_a_card_is_a_resource_of_the_site(app, cards):
    """So a gate can be tried without the plugin whose resource it closes."""
    cards.add(ResourceCard("post:x", "post", "X", "/x", fields={"price": "0.20 EUR"}))
    with app.test_request_context("/"):
        assert card_of("post:x").title == "X"
        assert not decide("post:x", Reader()).open


def test_people_sign_in_each_with_a_client_of_their_own(app, sign_in, user):
    """`user` is a reader; `sign_in` makes anybody else."""
    owner = sign_in("owner", email="bo@example.org")

    assert user.client.get("/account/").status_code == 200
    assert owner.client.get("/admin/team").status_code in (200, 308)
    assert user.client.get("/admin/team/", follow_redirects=True).status_code == 403


def test_time_passes_when_the_clock_says_so(app, clock):
    """And stands still until then."""
    start = now()
    clock.shift(timedelta(days=1))

    assert now() - start == timedelta(days=1)


def test_the_mailbox_holds_what_was_sent(app, mailbox):
    """Messages that were rolled back were never sent."""
    with app.app_context(), storage.transaction():
        mail.send("ada@example.org", "Hello", "Words", "en")

    assert (mailbox.last().subject, len(mailbox.letters)) == ("Hello", 1)


@pytest.mark.browser
def test_a_real_browser_opens_the_site(app, browser_page):
    """By paths alone; skipped loudly where there is no Chromium."""
    browser_page.goto("/x/tipjar/")

    assert browser_page.locator("h1").inner_text() == "Leave a tip"

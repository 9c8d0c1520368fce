"""What waits behind the pages, and a push for it."""

from __future__ import annotations

import pytest

from core import audit, mail, notices
from core.clock import now
from core.payments import Hint, inbox, records
from core.storage import execute, transaction
from tests.people import signed_in
from tests.stand_in import begun, sold

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def boss(client):
    return signed_in(client, "owner")


def again(boss, kind, **form):
    return boss.post(f"/admin/jobs/{kind}", **form)


def test_a_delivery_that_failed_is_settled_anew(client, boss, provider):
    """Task: a provider's message failed while something was broken; pushed in two taps."""
    payment = begun(provider)
    inbox.keep("standin", Hint("ev_1", payment.id, "", ""))
    inbox.failed("standin", "ev_1", "<b>no answer</b>")
    page = client.get("/admin/jobs/").text
    assert "&lt;b&gt;no answer" in page
    assert again(boss, "delivery", whose="standin", id="ev_1").status_code == 303

    assert inbox.unsettled() == []
    assert "Settle again" in client.get("/admin/jobs/").text
    (event,) = audit.events(action="delivery.replay")
    assert (event.actor, event.subject) == (boss.user.id, "ev_1")


def test_a_plugin_is_told_anew(client, boss, provider):
    """Task: a plugin was broken when something happened; told in two taps once it is well."""
    payment = sold(provider)
    execute(
        "INSERT INTO notices_notice (id, cause, plugin, hook, data, created, attempts, error) "
        "VALUES ('not_1', 'pay:ch', 'mailer', 'on_order_paid', ?, 1, 8, 'KeyError')",
        [f'{{"order":"{payment.order}"}}'],
    )
    assert "KeyError" in client.get("/admin/jobs/").text
    again(boss, "notice", whose="mailer", id="pay:ch")

    assert notices.untold()[0][3:] == (1, "plugin mailer is off or no longer listens")


def test_a_message_that_was_given_up_is_sent_anew(client, boss):
    """Task: the mail server was wrong for a day; sent in two taps.

    What a message says and to whom is shown to who may see people.
    """
    with transaction():
        id = mail.send("ada@example.org", "Your receipt", "Body", "en")
    execute("UPDATE mail_message SET sent = NULL, next_try = NULL, attempts = 6, error = 'full'")
    page = client.get("/admin/jobs/").text
    assert "Your receipt" in page
    assert "given up" in page
    assert again(boss, "message", id=id).status_code == 303

    assert execute("SELECT sent FROM mail_message").fetchone()[0] is not None
    assert again(boss, "message", id=id).status_code == 409


def test_a_payment_is_asked_about_at_once(client, boss, provider):
    """Task: a reader says that they paid; the provider is asked in two taps."""
    payment = begun(provider)
    assert payment.order in client.get("/admin/jobs/").text
    before = len(provider.asked)
    again(boss, "payment", id=payment.id)

    assert [what for what, _, _ in provider.asked[before:]] == ["look_up"]
    assert records.looked_at(5)[0][1] > now()


def test_what_does_not_wait_is_not_pushed(boss):
    """Something made up, and a kind that there is not."""
    kinds = ("delivery", "notice", "message", "payment", "everything")

    assert [again(boss, kind, whose="x", id="x").status_code for kind in kinds] == [409] * 4 + [404]
    assert audit.events(action="delivery.replay") == []


def test_periodic_work_says_when_it_was_done(client, boss):
    """Task: see in one tap whether anybody works behind the pages."""
    assert "<code>reconcile</code></dt><dd>not yet" in client.get("/admin/jobs/").text
    execute("INSERT INTO tasks_slot (name, slot, at) VALUES ('reconcile', 1, 1000000)")

    assert "1 Jan 1970" in client.get("/admin/jobs/").text

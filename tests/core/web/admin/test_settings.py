"""Settings: one is changed in two taps and its text; what cannot be used is told beside it."""

from __future__ import annotations

import re

import pytest

from core import audit, settings
from core.settings import Setting
from core.web.admin.settings import fields
from tests.conftest import browser_of
from tests.people import signed_in

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def owner(make_site):
    return signed_in(browser_of(make_site("tipjar", "playmoney")), "owner")


def test_a_setting_is_saved_and_counts_at_once(owner):
    """Two taps: the section, and Save. Money is typed as one reads it."""
    sent = {
        "checkout.order_minutes": "90", "checkout.confirm_above": "12.50",
        "checkout.allow_loss": "on",
    }  # fmt: skip
    answer = owner.post("/admin/settings/checkout", **sent)

    assert (answer.status_code, answer.location) == (303, "/admin/settings/?done=1")
    assert settings.value("checkout.order_minutes") == 90
    assert settings.value("checkout.confirm_above") == 1250
    assert settings.value("checkout.allow_loss") is True
    saved = [event.subject for event in audit.events(action="settings.save")]
    assert set(saved) == {*sent}
    assert "12.50" in owner.client.get("/admin/settings/").text


@on_sqlite
def test_each_price_that_stands_in_a_form_says_what_remains_of_it(make_site):
    """By each way to pay, and from which price on one is worth it; also in a list of tags."""
    owner = signed_in(browser_of(make_site("tipjar", "paywall", "wallet", "playmoney")), "owner")
    prices = "essays = 0.20 EUR\nletters = 4.00 EUR\nodd = 1.00 USD\nnews = free"
    owner.post("/admin/plugins/paywall/settings", **{"paywall.tag_prices": prices})
    tags = owner.client.get("/admin/plugins/paywall").text
    tips = owner.client.get("/admin/plugins/tipjar").text

    assert re.findall(r"What remains of ([^<]+)<", tags) == ["€0.20", "€4.00"]
    assert "From a balance, by €5.00 paid in" in tags
    assert "not offered: from €2.9" in tags
    assert re.findall(r"What remains of ([^<]+)<", tips) == ["€1.00", "€2.00", "€5.00", "€0.50"]


@on_sqlite
def test_what_cannot_be_used_saves_nothing_and_keeps_what_was_typed(owner):
    """One wrong field: the others are not half saved, and each error stands beside its field."""
    sent = {"checkout.order_minutes": "2", "checkout.confirm_above": "x", "checkout.allow_loss": ""}
    answer = owner.post("/admin/settings/checkout", **sent)

    assert answer.status_code == 422
    assert "This must be at least 5." in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="x"' in answer.text
    assert settings.value("checkout.order_minutes") == 60
    assert owner.post("/admin/settings/nothing").status_code == 404


@on_sqlite
def test_the_environment_wins_and_says_so(owner, monkeypatch):
    """What is fixed outside cannot be typed, and a form that sends it anyway changes nothing."""
    monkeypatch.setenv("OBOLO_SITE__TAGLINE", "From outside")
    page = owner.client.get("/admin/settings/").text
    owner.post("/admin/settings/site", **{"site.name": "Other", "site.tagline": "From inside"})

    assert "OBOLO_SITE__TAGLINE" in page
    assert settings.value("site.tagline") == "From outside"
    assert settings.value("site.name") == "Other"


def test_a_secret_is_never_shown_and_stays_unless_it_is_replaced_or_forgotten(owner):
    """Write-only: no page holds it, an empty field keeps it."""
    address = "/admin/plugins/playmoney/settings"
    sent = {"playmoney.payee": "site"}
    owner.post(address, **sent, **{"playmoney.secret": "whsec_sesame"})
    assert settings.value("playmoney.secret") == "whsec_sesame"
    owner.post(address, **sent)

    assert settings.value("playmoney.secret") == "whsec_sesame"
    page = owner.client.get("/admin/plugins/playmoney").text
    assert "whsec_sesame" not in page
    assert "Kept; type to replace it" in page
    owner.post(address, **sent, forget="playmoney.secret")
    assert settings.value("playmoney.secret") == ""


@on_sqlite
def test_a_text_may_differ_from_language_to_language(owner, monkeypatch):
    """Where nobody wrote one, the site's own language counts."""
    thanks = Setting(name="test.thanks", kind="text", per_language=True, label={"en": "Thanks"})
    hint = Setting(name="test.hint", kind="text", visible_if={"mode": "fixed", "on": True})
    monkeypatch.setattr(settings, "_declared", dict(settings._declared))
    settings.declare([thanks, hint])
    settings.save("test.thanks", "Thanks", "test")
    settings.save("test.thanks", "Grazie", "test", language="it")

    assert settings.value("test.thanks") == settings.value("test.thanks", "en") == "Thanks"
    assert settings.value("test.thanks", "it") == "Grazie"
    with owner.client.application.test_request_context():
        shown = [(one.name, one.text) for one in fields([thanks])]
        assert shown == [("test.thanks", "Thanks"), ("test.thanks@it", "Grazie")]
        assert fields([hint])[0].condition == "test.mode=fixed test.on=on"

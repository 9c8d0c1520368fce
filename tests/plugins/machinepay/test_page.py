"""Where a user says how much their tokens may spend, and what the site keeps of it."""

from __future__ import annotations

import pytest

from core.doors.leaving import erase, gathered
from core.people import Reader, tokens, users
from core.testing import browser_of
from plugins.machinepay import budgets
from tests.people import signed_in
from tests.plugins.machinepay.payer import Payer, fill, sales
from tests.plugins.posts.texts import SVG, bring, count, media_names, write

PAGE = "/x/machinepay/"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(make_site, tmp_path):
    app = make_site("posts", "paywall", "wallet", "machinepay")
    text = "For all.\n\n<!-- more -->\n\nPaid.\n\n![A circle](paid.svg)\n"
    write(tmp_path, "closed", text, price="0.20 EUR")
    (tmp_path / "paid.svg").write_text(SVG.format(fill="red"))
    bring(app, tmp_path)
    return app


@pytest.fixture
def person(app):
    return signed_in(browser_of(app))


@pytest.fixture
def payer(app, person):
    return Payer(app, most=0, user=users.find(person.user.id))


def allow(person, token, most="5.00", most_a_day="1.00"):
    return person.post(PAGE + token, most=most, most_a_day=most_a_day)


def test_a_user_sets_a_budget_and_sees_what_was_bought(person, payer):
    """Both pages name it; then the token pays, and the purchase leads to its receipt."""
    before = person.client.get("/account/tokens/").text
    done = allow(person, payer.token)
    fill(person.user.id)
    order = payer.get(challenge=payer.challenged()).headers["Payment-Receipt"]
    page = person.client.get(done.location)

    assert "Set a budget" in before
    assert (done.status_code, page.status_code, bool(order)) == (303, 200, True)
    assert page.headers["Cache-Control"] == "private, no-store"
    for words in (
        "The budget is saved.",
        "€4.80",
        "· Crawler",
        'value="5.00"',
        'value="1.00"',
        "/library/ord_",
    ):
        assert words in page.text
    assert "€4.80 left of a budget of €5.00" in person.client.get("/account/tokens/").text
    assert sales() == 1
    allow(person, payer.token, most="0")
    assert payer.budget() == budgets.Budget(0, 100, 20, 20)


@on_sqlite
@pytest.mark.parametrize("typed", ["", "x", "-1", "1000.01", "0.001", "1,5.0", "1e3"])
def test_what_is_no_budget_comes_back_with_the_error(person, payer, typed):
    """422, announced, with what was typed; nothing is stored."""
    page = allow(person, payer.token, most=typed)

    assert page.status_code == 422
    assert f'value="{typed}" aria-invalid="true"' in page.text
    assert 'role="alert"' in page.text
    assert payer.budget() == budgets.Budget()


@on_sqlite
def test_only_ones_own_tokens_that_may_pay_get_a_budget(app, person, payer):
    """Not a stranger's, not one that only reads, not one that was taken away."""
    stranger = Payer(app, most=0)
    reading = Payer(app, most=0, user=payer.user, scopes=(tokens.OWN,))
    tokens.revoke(payer.token, payer.user.id, actor="test")

    for token in (stranger.token, reading.token, payer.token, "tok_made_up"):
        assert allow(person, token).status_code == 404
    assert count("machinepay_budget") == 0
    assert "None of your tokens may pay." in person.client.get(PAGE).text


@on_sqlite
def test_it_speaks_italian(person, payer):
    """Amounts too are read and written as a language does."""
    person.client.post("/language", data={"language": "it", "back": "/"})
    done = allow(person, payer.token, most="2,50", most_a_day="1")
    page = person.client.get(PAGE).text

    assert done.status_code == 303
    assert "Quanto possono spendere i programmi" in page
    assert 'value="2,50"' in page


@on_sqlite
def test_a_page_that_answers_programs_takes_their_token_and_no_cookie_then(app, person, payer):
    """Who shows a token is its user, whatever the browser's cookies say of somebody else."""
    budgets.save(payer.token, payer.user.id, budgets.read("1", "en"), budgets.read("1", "en"))
    fill(payer.user.id)
    stranger = Payer(app)
    text = payer.get(challenge=payer.challenged()).json["html"]
    (picture,) = media_names(text, "closed")
    shown = person.client.get("/closed", headers=stranger.headers)

    assert (shown.status_code, shown.json["code"]) == (402, "balance_too_low")
    assert payer.get(f"/closed/media/{picture}").status_code == 200
    assert stranger.get(f"/closed/media/{picture}").status_code == 403
    assert person.client.get("/closed", headers={"Accept": "application/json"}).status_code == 200
    assert "Payment" not in person.client.get("/x/wallet/", headers=payer.headers).headers


@on_sqlite
def test_a_user_takes_it_along_and_has_it_forgotten(app, person, payer):
    """Budgets and purchases are in the file; erased, neither table names them."""
    allow(person, payer.token)
    fill(payer.user.id)
    payer.get(challenge=payer.challenged())
    reader = Reader(payer.user.id, (payer.user.id,), payer.user.id)
    with app.test_request_context():
        kept = gathered(reader)
        erase(payer.user.id, actor="test")

    assert "post:closed" in str(kept)
    assert (count("machinepay_budget"), count("machinepay_draft")) == (0, 0)

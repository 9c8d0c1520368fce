"""Which language a reader gets."""

from __future__ import annotations

import pytest

from core.web.languages import choose_language, use_language
from tests.conftest import browser_of


@pytest.fixture
def site(make_site):
    return make_site(language="it", languages=("en", "it"))


@pytest.mark.parametrize(("header", "language"), [
    ("", "it"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("it-IT", "it"), ("de,fr", "it"),
    ("de, en;q=0.4, it;q=0.6", "it"), ("*", "it"), ("nonsense;q=x", "it"),
])  # fmt: skip
def test_the_browser_is_heard_and_the_site_has_the_last_word(site, header, language):
    """What the site does not speak is answered in its own language."""
    with site.test_request_context(headers={"Accept-Language": header}):
        assert choose_language() == language


def test_a_choice_stands_above_the_browser(site):
    """It is kept in a cookie that says nothing else."""
    client = browser_of(site)
    done = client.post("/language", data={"language": "en", "back": "/library/"})
    page = client.get("/library/", headers={"Accept-Language": "it"})

    assert (done.status_code, done.location) == (303, "/library/")
    assert done.headers["Set-Cookie"].startswith("language=en;")
    assert '<html lang="en"' in page.text


@pytest.mark.parametrize("language", ["de", "", "../en"])
def test_a_language_that_is_not_offered_is_not_kept(site, language):
    """Nothing else gets into the cookie."""
    done = browser_of(site).post("/language", data={"language": language})

    assert "Set-Cookie" not in done.headers


def test_a_choice_leads_nowhere_else(site):
    """The address to go back to is a path of this site."""
    done = browser_of(site).post("/language", data={"language": "en", "back": "//evil.example"})

    assert done.location == "/"


def test_a_made_up_cookie_is_not_believed(site):
    """It falls back to what the browser asks for."""
    with site.test_request_context(headers={"Cookie": "language=xx", "Accept-Language": "en"}):
        assert choose_language() == "en"


def test_a_page_can_set_its_language(site):
    """For that request only, and only to one that the site has."""
    with site.test_request_context(headers={"Accept-Language": "it"}):
        use_language("de")
        assert choose_language() == "it"
        use_language("en")
        assert choose_language() == "en"


def test_work_behind_the_pages_speaks_the_sites_language(site):
    """There is no browser to ask."""
    with site.app_context():
        assert choose_language() == "it"

"""What the administration leads to, for each role."""

from __future__ import annotations

import pytest

from core.people import roles
from core.people.readers import Reader
from core.plugins import catalogue
from core.web.admin import navigation
from core.web.admin.navigation import PAGES, SECTIONS, allowed_places, sections
from core.web.callers import callers_of
from tests.architecture.tree import PLUGINS

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def at(make_site, monkeypatch):
    """Return what asks for a page as somebody of a role."""
    app = make_site(*(path.name for path in PLUGINS))

    def ask(path, role="owner", language="en"):
        reader = Reader(permissions=roles.permissions_of(role), language=language)
        monkeypatch.setattr(navigation, "current_reader", lambda: reader)
        return app.test_request_context(path, headers={"Accept-Language": language})

    return ask


@on_sqlite
def test_every_page_leads_to_a_view_that_asks_for_the_same_permission(at):
    """Nobody is shown a way that ends at a refusal, and every section has its name."""
    with at("/admin/") as context:
        app = context.app
        adapter = app.create_url_adapter(context.request)
        asked = {
            (address.section, callers_of(app, adapter.match(address.address)[0]))
            for address in allowed_places()
        }
    core = {(section, permission) for section, _, _, permission in PAGES}
    plugins = {
        (page.section, page.permission)
        for manifest in catalogue.manifests.values()
        for page in manifest.admin
    }

    assert asked == core | plugins
    assert {section for section, _ in asked} <= set(SECTIONS)


@on_sqlite
def test_the_page_that_is_shown_is_marked(at):
    """A page below a list belongs to the list; elsewhere nothing is marked."""
    with at("/admin/team/usr_1"):
        (people,) = [one for one in sections() if one.name == "people"]
        marked = [place.label for place in people.places if place.current]
        assert (people.current, marked) == (True, ["Team"])
    with at("/admin/elsewhere"):
        assert not any(one.current for one in sections())


@on_sqlite
def test_somebody_sees_what_they_may_call(at):
    """A reader sees nothing; labels are in the reader's language."""
    with at("/admin/", "reader"):
        assert sections() == []
    with at("/admin/", "author"):
        assert "/admin/team/" not in [place.address for place in allowed_places()]
    with at("/admin/", language="it"):
        assert "Persone" in [one.label for one in sections()]

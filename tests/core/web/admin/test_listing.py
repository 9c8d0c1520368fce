"""Lists that their address filters."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Blueprint
from jinja2 import ChoiceLoader, DictLoader

from core.web.admin.listing import Filter, show_list
from core.web.callers import callers
from tests.conftest import browser_of
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FILTERS = (
    Filter("q", "Words"),
    Filter("colour", "Colour", "choice", (("red", "Red"), ("blue", "Blue"))),
    Filter("since", "From", "day"),
    Filter("until", "Until", "day"),
)
TEMPLATE = """{% extends "admin/layout.html" %}{% from "admin/parts.html" import filters, pager %}
{% block heading %}Things{% endblock %}{% block body %}{{ filters(list) }}
{% for row in list.rows %}<p>thing {{ row.name }}</p>{% endfor %}{{ pager(list) }}{% endblock %}"""


@pytest.fixture
def asked():
    return []


@pytest.fixture
def client(make_site, asked):
    """Return a browser at a site with a list of 120 things, half of them red."""
    app = make_site()
    app.jinja_env.loader = ChoiceLoader([app.jinja_env.loader, DictLoader({"l.html": TEMPLATE})])
    things = [{"name": f"={n}", "colour": "red" if n % 2 else "blue"} for n in range(120)]

    def find(wanted):
        asked.append(wanted)
        fits = [one for one in things if one["colour"] == (wanted["colour"] or one["colour"])]
        return fits[wanted.offset : wanted.offset + wanted.limit]

    pages = Blueprint("things", __name__)
    pages.get("/admin/things/")(
        callers("admin.enter")(lambda: show_list("l.html", FILTERS, find, as_row=lambda row: row))
    )
    app.register_blueprint(pages)
    return browser_of(app)


def test_a_list_is_what_its_address_says(client, asked):
    """Filters and pages are in the address, and ways to other pages keep the filters."""
    signed_in(client, "owner")
    first = client.get("/admin/things/?colour=red&q=a%26b&since=2026-05-01&until=2026-05-02")
    last = client.get("/admin/things/?colour=red&page=2")

    assert (first.text.count("<p>thing"), last.text.count("<p>thing")) == (50, 10)
    assert "colour=red&amp;since=2026-05-01&amp;until=2026-05-02&amp;page=2" in first.text.replace(
        "q=a%26b&amp;", ""
    )
    assert '<option value="red" selected>' in first.text
    assert 'rel="next"' not in last.text
    assert 'rel="prev"' in last.text
    assert asked[0]["q"] == "a&b"
    assert asked[0].since("since") == datetime(2026, 5, 1, tzinfo=UTC)
    assert asked[0].until("until") == datetime(2026, 5, 3, tzinfo=UTC)
    assert asked[1].until("until") is None


@pytest.mark.parametrize(("query", "status"), [
    ("colour=green", 400), ("since=yesterday", 400), ("page=x", 200), ("page=-3", 200),
    ("page=99999999999", 200), ("unknown=1", 200),
])  # fmt: skip
def test_an_address_that_no_form_would_send_is_told_or_ignored(client, query, status):
    """It never breaks the page, nor the database."""
    signed_in(client, "owner")

    assert client.get(f"/admin/things/?{query}").status_code == status


def test_the_same_rows_come_as_a_file(client):
    """Task: take a list along, in one tap; all pages of it, and nothing in it runs."""
    signed_in(client, "owner")
    answer = client.get("/admin/things/?colour=red&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="things-')
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert len(rows) == 60
    assert rows[0] == {"name": "'=1", "colour": "red"}


def test_who_may_not_export_sees_no_way_and_is_refused(client):
    """An author may look at a list without taking it along."""
    signed_in(client, "author")

    assert "format=csv" not in client.get("/admin/things/").text
    assert client.get("/admin/things/?format=csv").status_code == 403

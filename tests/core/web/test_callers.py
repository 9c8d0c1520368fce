"""Every route says who may call it."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask

from core.web.callers import Undeclared, callers, callers_of, check_callers


@pytest.fixture
def app():
    return Flask("test", static_folder=None)


@pytest.mark.parametrize("who", ["anyone", "provider"])
def test_a_view_says_it_by_a_decorator(app, who):
    """The declaration stays with the function."""
    app.add_url_rule("/x", "x", callers(who)(lambda: ""))
    check_callers(app)

    assert callers_of(app, "x") == who


def test_the_first_silent_route_is_named(app):
    """The owner of a plugin reads which address it is."""
    app.add_url_rule("/said", "said", callers("anyone")(lambda: ""))
    app.add_url_rule("/silent/<id>", "silent", lambda id: "")

    with pytest.raises(Undeclared, match="/silent/<id>"):
        check_callers(app)


def test_files_are_anyones(app):
    """Flask makes the route of a blueprint's static folder, and nobody can decorate it."""
    app.register_blueprint(Blueprint("theme", "theme", static_folder="/nowhere"))
    check_callers(app)

    assert callers_of(app, "theme.static") == "anyone"

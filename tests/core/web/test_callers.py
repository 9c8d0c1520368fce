"""Every route says who may call it, and nobody else gets as far as its view."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Blueprint, Flask

from core.people import roles, sessions, users
from core.plugins import Loaded, serving
from core.web.callers import Undeclared, callers, callers_of, check_callers
from tests.conftest import browser_of
from tests.people import (
    EMAIL,
    OTHER_EMAIL,
    PASSWORD,
    SESSION_COOKIE,
    csrf_of,
    make_user,
    signed_in,
)

JSON = {"Accept": "application/json"}


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_who_may_call_a_view_may_send_much(make_site):
    """A view can take more than the site does; a stranger's request is not even read."""
    app = make_site()
    app.add_url_rule(
        "/much", "much", callers("user", most_bytes=6_000_000)(lambda: "taken"), methods=["POST"]
    )
    app.add_url_rule("/little", "little", callers("user")(lambda: "taken"), methods=["POST"])
    person = signed_in(browser_of(app))

    assert person.post("/much", text="x" * 3_000_000).text == "taken"
    assert person.post("/much", text="x" * 6_000_000).status_code == 413
    assert person.post("/little", text="x" * 3_000_000).status_code == 413
    assert browser_of(app).post("/much", data={"text": "x" * 3_000_000}).status_code == 303


def test_files_are_anyones(app):
    """Flask makes the route of a blueprint's static folder, and nobody can decorate it."""
    app.register_blueprint(Blueprint("theme", "theme", static_folder="/nowhere"))
    check_callers(app)

    assert callers_of(app, "theme.static") == "anyone"


@pytest.mark.parametrize("who", ["orders.refnud", "users", "Anyone", "raffle.draw"])
def test_what_nobody_declares_stops_the_start(app, who):
    """A typing error would else shut everybody out, or nobody."""
    app.add_url_rule("/typo", "typo", callers(who)(lambda: ""))

    with pytest.raises(Undeclared, match=f"/typo.*{who}"):
        check_callers(app)


def test_a_plugin_s_permission_counts_for_its_own_app(app, monkeypatch):
    """Manifests are read before routes are looked at; what another app declared is another's."""
    app.add_url_rule("/raffle", "raffle", callers("raffle.draw")(lambda: ""))
    raffle = SimpleNamespace(declared_permissions={"raffle.draw": ("editor",)})
    with serving(own := Loaded()):
        own.catalogue.manifests["raffle"] = raffle
        check_callers(app)
    monkeypatch.setattr(roles, "_declared", roles._Declared({"raffle.draw": frozenset()}))

    with pytest.raises(Undeclared):
        check_callers(app)


VIEWS = {
    "/x/anyone": ("anyone", False), "/x/user": ("user", False), "/x/money": ("user", True),
    "/x/refund": ("orders.refund", False), "/x/keys": ("keys.manage", True),
}  # fmt: skip


@pytest.fixture
def reached():
    """Return the addresses whose views were reached."""
    return []


@pytest.fixture
def client(clock, make_site, reached):
    """Return a browser of a site that has a view for each kind of caller."""
    site = make_site()
    for path, (who, confirmed) in VIEWS.items():

        def view(path=path):
            reached.append(path)
            return path

        declared = callers(who, confirmed=confirmed)(view)
        site.add_url_rule(path, path[3:], declared, methods=["GET", "POST"])
    check_callers(site)
    return browser_of(site)


CLOSED = [path for path in VIEWS if path != "/x/anyone"]


def away(response):
    """Return where a person is led, None when they are not."""
    return response.headers["Location"] if response.status_code == 303 else None


@pytest.mark.parametrize("path", CLOSED)
def test_who_is_not_signed_in_is_led_to_the_door_and_back(client, reached, path):
    """With what was asked for, query and all; a form that was sent cannot be sent again."""
    assert away(client.get(f"{path}?a=b%26c")) == f"/sign-in?to={path}?a%3Db%2526c"
    assert away(client.get(path)) == f"/sign-in?to={path}"
    assert away(client.post(path)) == "/sign-in"
    assert reached == []


@pytest.mark.parametrize(("page", "to"), [
    ("http://localhost/x/money?n=1", "?to=/x/money"), ("http://localhost/nowhere", ""),
    ("https://evil.example/x/money", ""), ("http://localhost/x/only-post", ""), ("no address", ""),
])  # fmt: skip
def test_a_form_leads_back_to_its_own_page(client, reached, page, to):
    """What was sent is lost; only a page of this site that can be asked for is gone back to."""
    client.application.add_url_rule(
        "/x/only-post", "only-post", callers("anyone")(lambda: ""), methods=["POST"]
    )
    answer = client.post("/x/money", headers={"Referer": page})

    assert away(answer) == f"/sign-in{to}"
    assert reached == []


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_machine_is_told_instead(client, reached, path, method):
    """401 and a problem document; a redirect to a form would tell it nothing."""
    response = client.open(path, method=method, headers=JSON)

    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert response.json["detail"] == "Please sign in first."
    assert reached == []


@pytest.mark.parametrize("planted", ["", "planted", "a" * 43, "é"])
def test_a_made_up_token_is_nobody(client, reached, planted):
    """Neither is one that stood in the browser before somebody signed in."""
    client.set_cookie(SESSION_COOKIE, planted)

    assert away(client.get("/x/user")) == "/sign-in?to=/x/user"
    assert reached == []


def test_a_reader_reaches_what_is_a_user_s_own(client, reached):
    """And what anyone may see."""
    ada = signed_in(client)
    client.get("/x/user")
    client.get("/x/anyone")

    assert ada.post("/x/user").status_code == 200
    assert reached == ["/x/user", "/x/anyone", "/x/user"]


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "é"])
def test_a_change_needs_the_form_of_this_session(client, reached, csrf):
    """Origin and Sec-Fetch-Site are right here, and are not enough for users."""
    signed_in(client)
    response = client.post("/x/user", data={} if csrf is None else {"csrf": csrf})

    assert response.status_code == 403
    assert "too old" in response.text
    assert reached == []


def test_the_form_of_another_session_does_not_count(client, reached):
    """Nor that of the same user before a step-up."""
    other = browser_of(client.application)
    signed_in(other, email=OTHER_EMAIL)
    ada = signed_in(client)
    old = ada.csrf
    assert client.post("/x/user", data={"csrf": csrf_of(other)}).status_code == 403
    token = sessions.confirm(sessions.by_token(ada.token), strong=False)
    client.set_cookie(SESSION_COOKIE, token)

    assert client.post("/x/user", data={"csrf": old}).status_code == 403
    assert reached == []


def test_a_form_from_another_site_is_refused_first(client, reached):
    """Also with the right token."""
    ada = signed_in(client)
    csrf = ada.csrf
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = client.post("/x/user", data={"csrf": csrf}, headers=headers)
        assert response.status_code == 403

    assert reached == []


def test_what_moves_money_asks_who_is_there(clock, client, reached):
    """Ten minutes after the last proof; it leads back to where somebody was."""
    ada = signed_in(client)
    client.get("/x/money")
    csrf = ada.csrf
    clock.shift(timedelta(minutes=10))

    assert away(client.get("/x/money?n=1")) == "/account/confirm?to=/x/money?n%3D1"
    assert away(client.post("/x/money", data={"csrf": csrf})) == "/account/confirm"
    assert client.get("/x/money", headers=JSON).status_code == 401
    assert reached == ["/x/money"]


def test_who_never_proved_it_is_asked_too(client, reached):
    """A session that a picture brought, for example."""
    signed_in(client, proved=False)

    assert away(client.get("/x/money")) == "/account/confirm?to=/x/money"
    assert client.get("/x/user").status_code == 200


@pytest.mark.parametrize(("role", "may"), [
    ("owner", {"/x/refund", "/x/keys"}), ("bookkeeper", {"/x/refund"}), ("editor", set()),
    ("author", set()), ("reader", set()),
])  # fmt: skip
def test_only_who_has_the_permission_reaches_it(client, reached, role, may):
    """Others are refused, also when they have a second factor; nothing is asked of them."""
    person = signed_in(client, role, app=True, strong=True)
    for path in ("/x/refund", "/x/keys"):
        wanted = 200 if path in may else 403
        assert client.get(path).status_code == wanted
        assert person.post(path).status_code == wanted
        assert client.get(path, headers=JSON).status_code == wanted

    assert set(reached) == may


def test_staff_without_a_second_factor_are_led_to_one(client, reached):
    """Before they can do anything else."""
    signed_in(client, "owner", app=False, strong=False)

    assert away(client.get("/x/refund")) == "/account/second-factor?to=/x/refund"
    assert away(client.get("/x/keys")) == "/account/second-factor?to=/x/keys"
    assert client.get("/x/keys", headers=JSON).status_code == 401
    assert client.get("/x/user").status_code == 200
    assert reached == ["/x/user"]


def test_staff_who_did_not_show_it_are_asked_for_it(client, reached):
    """A session from before the app was added, for example."""
    signed_in(client, "owner", strong=False)

    assert away(client.get("/x/refund")) == "/account/confirm?to=/x/refund"
    assert client.get("/x/refund", headers=JSON).status_code == 401
    assert reached == []


def test_staff_prove_themselves_anew_before_what_matters(clock, client, reached):
    """Permission and second factor are not enough after ten minutes."""
    signed_in(client, "owner")
    client.get("/x/keys")
    clock.shift(timedelta(minutes=10))

    assert away(client.get("/x/keys")) == "/account/confirm?to=/x/keys"
    assert client.get("/x/refund").status_code == 200
    assert reached == ["/x/keys", "/x/refund"]


def test_a_permission_needs_the_form_s_token_too(client, reached):
    """Staff are whom it pays to trick."""
    signed_in(client, "owner")

    assert client.post("/x/refund", data={"csrf": ""}).status_code == 403
    assert client.post("/x/keys").status_code == 403
    assert reached == []


@pytest.mark.parametrize("end", [
    lambda user: sessions.end_all(user.id, actor="test"),
    lambda user: users.set_state(user, "disabled", actor="test"),
    lambda user: users.erase(user, actor="test"),
])  # fmt: skip
def test_the_next_request_of_who_was_signed_out_is_nobody_s(client, reached, end):
    """Whatever ended it, and wherever."""
    ada = signed_in(client)
    client.get("/x/user")
    end(ada.user)

    assert away(client.get("/x/user")) == "/sign-in?to=/x/user"
    assert reached == ["/x/user"]


def test_a_role_that_was_taken_away_is_gone_with_the_next_request(client, reached):
    """Nothing of it is kept in the cookie."""
    person = signed_in(client, "bookkeeper")
    assert client.get("/x/refund").status_code == 200
    users.set_role(person.user, "reader", actor="test")

    assert client.get("/x/refund").status_code == 403
    assert reached == ["/x/refund"]


def test_a_session_that_was_planted_is_dead_after_a_sign_in(client):
    """Signing in gives a new token and ends what stood there: who knows it has nothing."""
    planted = signed_in(browser_of(client.application), email=OTHER_EMAIL).token
    client.set_cookie(SESSION_COOKIE, planted)
    with client.application.app_context():
        ada, _ = make_user(EMAIL, password=PASSWORD)
    client.post("/sign-in/password", data={"email": EMAIL, "password": PASSWORD})
    new = client.get_cookie(SESSION_COOKIE).value

    assert new != planted
    assert sessions.by_token(new).user == ada.id
    assert sessions.by_token(planted) is None


@pytest.mark.parametrize(("page", "to"), [
    ("http://localhost/account/data/?done=x", "?to=/account/data/"),
    ("http://localhost/account/data/export", ""), ("http://evil.example/account/data/", ""),
    ("", ""),
])  # fmt: skip
def test_who_confirms_a_form_comes_back_to_its_page(make_site, page, to):
    """To a page of the site that can be looked at, and to nowhere else."""
    client = browser_of(make_site())
    ada = signed_in(client, proved=False)
    form = {"csrf": ada.csrf}
    answer = client.post("/account/data/export", data=form, headers={"Referer": page})

    assert answer.headers["Location"] == f"/account/confirm{to}"

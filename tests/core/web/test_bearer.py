"""The token of a request: it alone decides on the interface for machines, and nowhere else."""

from __future__ import annotations

import pytest
from peewee import OperationalError

from core import limits
from core.people import tokens, users
from core.web.api import OPERATIONS
from tests.conftest import browser_of
from tests.core.web.api.machines import BASE, Machine, machine_of, text_for
from tests.people import SESSION_COOKIE, make_user, signed_in

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCOPES = (tokens.OWN, "orders.view", "orders.refund", "people.view", "settings.change",
          "plugins.manage")  # fmt: skip


def path_of(found):
    path = found.path
    for name in ("id", "name", "delivery"):
        path = path.replace(f"<{name}>", "made-up")
    return path


@on_sqlite
def test_each_operation_opens_to_its_scope_alone(make_site):
    """Without a token 401; with every other scope 403; with the one scope something else."""
    app = make_site("posts", "playmoney")
    limits.set_key(limits._site.key, factor=1_000)
    user, _ = make_user(role="owner", app=True)
    alone = {scope: Machine(app, text_for(user, scope)) for scope in SCOPES}
    others = {
        scope: Machine(app, text_for(user, *(one for one in SCOPES if one != scope)))
        for scope in SCOPES
    }
    asked = 0
    for found in OPERATIONS.values():
        if found.who == "anyone":
            continue
        scope = tokens.OWN if found.who == "user" else found.who
        assert Machine(app, "").ask(found.method, path_of(found)).status_code == 401, found
        assert others[scope].ask(found.method, path_of(found)).status_code == 403, found
        assert alone[scope].ask(found.method, path_of(found)).status_code not in (401, 403), found
        asked += 1

    assert asked > 20


def test_a_cookie_says_nothing_there(make_site):
    """An owner's browser is nobody to the interface, and a token beside a cookie decides alone."""
    app = make_site()
    browser = browser_of(app)
    owner = signed_in(browser, "owner")
    reader = text_for(make_user("machine@example.org")[0])
    own = browser.get(f"{BASE}/settings")
    both = browser.get(f"{BASE}/settings", headers={"Authorization": f"Bearer {reader}"})
    me = browser.get(f"{BASE}/me", headers={"Authorization": f"Bearer {reader}"})

    assert (own.status_code, own.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert both.status_code == 403
    assert me.json["user"] != owner.user.id
    assert "Set-Cookie" not in me.headers


def test_a_token_says_nothing_elsewhere(make_site):
    """Not on a user's pages, nor in the administration, nor for a form."""
    app = make_site()
    machine = machine_of(app)
    for method, path in (("GET", "/account/"), ("GET", "/admin/team/"), ("POST", "/admin/team/")):
        answer = app.test_client().open(
            path, method=method, headers={
                "Authorization": f"Bearer {machine.text}", "Origin": "http://localhost",
                "Accept": "application/json",
            },
        )  # fmt: skip
        assert answer.status_code == 401


def test_another_sites_page_can_do_nothing(make_site):
    """A browser sends along cookies, and no token: what needs none changes nothing."""
    app = make_site()
    browser = browser_of(app)
    owner = signed_in(browser, "owner")
    answer = browser.put(
        f"{BASE}/settings/site.tagline", json={"value": "Stolen"},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )  # fmt: skip

    assert answer.status_code == 401
    assert owner.token
    assert browser.get_cookie(SESSION_COOKIE)


@pytest.mark.parametrize(
    "shown", ["Bearer nonsense", "Basic YTpi", "Bearer", "bearer  ", "x" * 500]
)
def test_what_is_no_token_is_refused(make_site, shown):
    """Even where none is needed: whoever shows something wrong learns of it."""
    app = make_site()
    for path in ("/resources", "/orders"):
        answer = app.test_client().get(BASE + path, headers={"Authorization": shown})
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"


def test_wrong_tokens_are_counted_and_the_door_shuts(make_site, clock):
    """Twenty in five minutes from one address; right ones still count there."""
    app = make_site()
    right = machine_of(app)
    answers = [Machine(app, f"obl_{n}").get("/me").status_code for n in range(22)]

    assert answers == [401] * 20 + [429] * 2
    assert right.get("/me").status_code == 200


def test_a_machine_that_asks_too_often_waits(make_site, clock):
    """By token and by address, and it reads when to go on."""
    machine = machine_of(make_site())
    answers = [machine.get("/me") for _ in range(301)]

    assert [answer.status_code for answer in answers[:300]] == [200] * 300
    assert answers[300].status_code == 429
    assert 0 < int(answers[300].headers["Retry-After"]) <= 60


def test_while_nobody_can_count_nobody_comes_in(make_site, monkeypatch):
    """The door fails closed."""
    machine = machine_of(make_site())

    def broken(_counters, **_how):
        raise OperationalError

    monkeypatch.setattr(limits, "_count", broken)
    answer = machine.get("/me")

    assert answer.status_code == 503
    assert "user" not in answer.json


def test_a_revoked_token_ends_with_the_next_request(make_site):
    """As does one whose user was shut out."""
    app = make_site()
    machine, other = machine_of(app), machine_of(app)
    me = machine.get("/me").json["user"]
    (token,) = tokens.of_user(me)
    tokens.revoke(token.id, me, actor=me)
    users.set_state(users.find(other.get("/me").json["user"]), "disabled", actor="test")

    assert [one.get("/me").status_code for one in (machine, other)] == [401, 401]

"""Resources, people, settings and plugins for machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import audit, settings
from core.access import Gate
from core.orders import Offer
from core.plugins import ResourceCard
from tests.core.web.api.machines import BASE, Machine, machine_of, sold, stand_in, text_for
from tests.people import make_user
from tests.stand_in import plugged, post_line

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CARD = ResourceCard("post:x", "post", "The ferry", "/the-ferry", "en", tags=("sea",))


def gate(resource):
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (post_line(20),)),))


@pytest.fixture
def shop(make_site):
    """A site with one closed post."""
    app = make_site()
    hooks = {
        "describe": lambda resource: CARD if resource == "post:x" else None,
        "list_resources": lambda query: [CARD] * (3 if query.tag in ("", "sea") else 0),
        "guard": gate,
    }
    with plugged(**hooks):
        yield app


def test_a_closed_resource_says_what_it_costs(shop):
    """402 with its card and offers, for whoever asks, without a token and without a cookie."""
    client = shop.test_client()
    answer = client.get(f"{BASE}/resources/post:x")

    assert (answer.status_code, answer.content_type) == (402, "application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["resource"]["title"] == "The ferry"
    (offer,) = answer.json["offers"]
    assert (offer["offer"], offer["minor"], offer["currency"]) == ("paywall", 20, "EUR")
    assert client.get(f"{BASE}/resources/post:y").status_code == 404


def test_it_is_open_to_the_token_of_who_holds_it(shop):
    """And says so; to another's token it stays shut."""
    user, _ = make_user()
    other, _ = make_user("bea@example.org")
    with shop.app_context():
        sold(stand_in(), user.id)
    own = Machine(shop, text_for(user)).get("/resources/post:x")

    assert (own.status_code, own.json["open"], own.json["held"]) == (200, True, True)
    assert own.json["url"] == "/the-ferry"
    assert Machine(shop, text_for(other)).get("/resources/post:x").status_code == 402


def test_resources_are_listed_as_plugins_show_them(shop):
    """With filters and a limit, without a token."""
    client = shop.test_client()

    assert len(client.get(f"{BASE}/resources").json["data"]) == 3
    assert len(client.get(f"{BASE}/resources?limit=2").json["data"]) == 2
    assert client.get(f"{BASE}/resources?tag=land").json["data"] == []


def test_what_did_not_change_is_not_sent_again(make_site):
    """An ETag on single things; nothing on the way keeps them."""
    machine = machine_of(make_site())
    first = machine.get("/settings/site.name")
    again = machine.get("/settings/site.name", headers={"If-None-Match": first.headers["ETag"]})
    settings.save("site.name", "Taccuino", actor="test")
    later = machine.get("/settings/site.name", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code, later.status_code) == (200, 304, 200)
    assert again.data == b""
    assert first.headers["Cache-Control"] == "no-store"


def test_users_are_listed_without_what_they_sign_in_with(make_site):
    """Name and address for who may see people; no hash, no secret."""
    machine = machine_of(make_site(), "people.view", role="bookkeeper")
    user, _ = make_user(name="Ada", password="seven violet umbrellas sing")
    shown = machine.get(f"/users/{user.id}").json

    assert shown == machine.get("/users").json["data"][0]
    assert (shown["email"], shown["name"], shown["role"]) == (user.email, "Ada", "reader")
    assert set(shown) == {"id", "state", "role", "language", "email", "name", "created"}
    first = machine.get("/users?limit=1").json
    assert len(machine.get(f"/users?after={first['next']}").json["data"]) == 1
    assert machine.get("/users/usr_x").status_code == 404


def test_a_setting_is_changed_and_noted(make_site):
    """By whoever the token speaks for; what it cannot be is refused with a sentence."""
    machine = machine_of(make_site())
    saved = machine.ask("PUT", "/settings/checkout.order_minutes", json={"value": 90})
    wrong = machine.ask("PUT", "/settings/checkout.order_minutes", json={"value": 1})

    assert (saved.status_code, saved.json["value"]) == (200, 90)
    assert settings.value("checkout.order_minutes") == 90
    assert (wrong.status_code, wrong.json["detail"]) == (403, "This must be at least 5.")
    assert audit.events(action="settings.save")[0].actor == machine.get("/me").json["user"]
    assert machine.ask("PUT", "/settings/made.up", json={"value": 1}).status_code == 404


def test_a_secret_is_written_and_never_read(make_site):
    """Only whether there is one."""
    machine = machine_of(make_site())
    settings.declare([settings.Setting(kind="secret", name="test.key")])
    before = machine.get("/settings/test.key").json
    after = machine.ask("PUT", "/settings/test.key", json={"value": "hush"})
    listed = {one["name"]: one for one in machine.get("/settings").json["data"]}
    settings._declared.pop("test.key")

    assert (before["is_set"], after.json["is_set"]) == (False, True)
    assert after.json["value"] is None
    assert listed["test.key"]["value"] is None
    assert "hush" not in after.text + str(listed)


def test_a_test_token_changes_no_setting(make_site):
    """It is for test money."""
    machine = machine_of(make_site(), mode="test")
    answer = machine.ask("PUT", "/settings/site.tagline", json={"value": "x"})

    assert answer.status_code == 403
    assert settings.value("site.tagline") == ""


@on_sqlite
def test_plugins_are_listed_with_their_state(make_site):
    """In the language that is asked for."""
    machine = machine_of(make_site("posts", "tipjar"))
    listed = machine.get("/plugins", headers={"Accept-Language": "it"}).json["data"]

    assert [(one["name"], one["state"]) for one in listed] == [
        ("posts", "enabled"), ("tipjar", "enabled"),
    ]  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("path", ["/settings/a%00b", "/users/%0a", "/orders/" + "x" * 400])
def test_an_odd_id_is_not_found(make_site, path):
    """And comes nowhere near the database."""
    assert machine_of(make_site()).get(path).status_code == 404


@on_sqlite
@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/orders?limit=101", "limit"), ("/orders?limit=x", "limit"), ("/orders?odd=1", "odd"),
        ("/orders?limit=1&limit=2", "limit"), ("/orders?state=gone", "state"),
        ("/entitlements", "holder"), ("/me?x=1", "x"), ("/orders?after=%00", "after"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_named(make_site, path, parameter):
    """Nothing that was misspelt is passed over."""
    answer = machine_of(make_site()).get(path)

    assert answer.status_code == 400
    assert answer.json["errors"][0]["parameter"] == parameter


def test_a_list_of_resources_goes_on_after_what_was_shown_last(make_site):
    """By its name, so that what was published since neither repeats one nor hides one."""
    client = make_site().test_client()
    names = [f"post:{n}" for n in range(7)]
    listed = [replace(CARD, resource=name) for name in names]
    seen, after = [], ""
    with plugged(list_resources=lambda query: listed[: query.limit]):
        for turn in range(3):
            page = client.get(f"{BASE}/resources?limit=3&after={after}").json
            seen += [one["resource"] for one in page["data"]]
            after = page.get("next")
            listed.insert(0, replace(CARD, resource=f"post:new{turn}"))
        odd = [
            client.get(f"{BASE}/resources?after={one}") for one in ("x", "-1.y", "999999.z", "2")
        ]

    assert (seen, after) == (names, None)
    assert {one.status_code for one in odd} == {200}

"""Every route of the site, as everybody: who may call it gets an answer, nobody else gets anything.

The routes come from the site itself with every bundled plugin on; who may call one is what its view
declares. A new route that takes a name in its address or changes something needs a line in
tests/paths/visits.py, which says what is one's own there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from flask import Flask, abort
from werkzeug.routing import Rule

from core import http, limits, orders
from core.people import current_reader
from core.people.sessions import Session
from core.plugins import preflight
from core.storage import execute, is_postgres
from core.web import callers as declared
from core.web import headers
from core.web.callers import callers, callers_of, takes_token
from plugins.banktransfer.provider import BankTransfer
from tests.architecture.tree import PLUGINS
from tests.paths import cast
from tests.paths.cast import ROLES, Kind, Person, kinds
from tests.paths.conftest import EVERY
from tests.paths.desk import DESK
from tests.paths.house_visits import HOUSE
from tests.paths.machine_visits import MACHINE_VISITS
from tests.paths.price_visits import PRICES
from tests.paths.transfer_visits import TRANSFERS
from tests.paths.visits import VISITS, Ask, Visit, own
from tests.plugins.posts.texts import SVG, bring, write

VISITS.update(DESK | HOUSE | MACHINE_VISITS | PRICES | TRANSFERS)
OPEN = ("anyone", "provider")
HAVE = {
    "admin.enter": {"owner", "editor", "author", "bookkeeper"},
    "audit.view": {"owner", "bookkeeper"},
    "keys.manage": {"owner"},
    "orders.export": {"owner", "bookkeeper"},
    "orders.refund": {"owner", "bookkeeper"},
    "orders.view": {"owner", "bookkeeper"},
    "people.manage": {"owner"},
    "settings.change": {"owner"},
    "people.view": {"owner", "bookkeeper"},
    "plugins.manage": {"owner"},
    "posts.write": {"owner", "editor", "author"},
    "posts.publish": {"owner", "editor"},
}
"""Which roles have a permission; independent of what core.people.roles says."""
NARROW = {"/account/": ("user",), "/admin/": tuple(HAVE)}
"""What is below these addresses is never open, whatever a view declares."""
SAMPLE = ("nobody", "guest", "reader")
"""Who is sent to a site on PostgreSQL as well: what is decided there is the same for all."""
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"}
ELSEWHERE = (
    {"HTTP_ORIGIN": "http://evil.example", "HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": None},
    {"HTTP_ORIGIN": None, "HTTP_SEC_FETCH_SITE": "same-site"},
    {"HTTP_ORIGIN": None, "HTTP_SEC_FETCH_SITE": None},
)
"""What comes with a form that stands on another site's page."""
JSON = {"Accept": "application/json"}
pytestmark = pytest.mark.every
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _in_a_hurry(db, monkeypatch):
    """Count nobody at the doors, whose own tests do, and wait for no disk."""
    monkeypatch.setattr(limits, "allow", lambda door, **_: None)
    monkeypatch.setattr(preflight, "check", lambda *_: preflight.Report())
    monkeypatch.setattr(http, "request", lambda *_, **__: http.Response(204, {}, b""))
    if not is_postgres():
        execute("PRAGMA synchronous = OFF")


@pytest.fixture
def site(make_site, tmp_path, monkeypatch):
    monkeypatch.setattr(BankTransfer, "mode", "test")  # so that all of the site plays
    app = make_site(*(path.name for path in PLUGINS), settings={"checkout.allow_loss": True})
    folder = tmp_path / "texts"
    write(folder, "free", tags="essays", authors="Ada")
    text = "For all.\n\n<!-- more -->\n\n![Closed](paid.svg)\n"
    priced = {"price": "0.20 EUR", "pay_what_you_want": "yes"}
    write(folder, "closed", text, tags="essays", authors="Ada", **priced)
    (folder / "paid.svg").write_text(SVG.format(fill="red"))
    bring(app, folder)
    return app


@dataclass(frozen=True)
class Stop:
    """What stands before a view: the status, and where it leads."""

    status: int
    leads: str = ""
    machine: int = 401


def stop(app: Flask, rule: Rule, kind: Kind) -> Stop | None:
    """Return what must stop people of a kind; None for whom the route is meant."""
    who = callers_of(app, rule.endpoint)
    if takes_token(app, rule.endpoint) and who not in OPEN:  # no cookie is one, whoever has it
        return Stop(401)
    is_sure = kind.confirmed and (kind.strong or not kind.protected)
    asks_again = getattr(app.view_functions[rule.endpoint], "confirmed", False) and not is_sure
    stops = (
        (not kind.signed_in, Stop(303, "/sign-in")),
        (who != "user" and kind.role not in HAVE.get(who, ()), Stop(403, machine=403)),
        (who != "user" and not kind.protected, Stop(303, "/account/second-factor")),
        (who != "user" and not kind.strong, Stop(303, "/account/confirm")),
        (asks_again, Stop(303, "/account/confirm")),
    )
    return None if who in OPEN else next((one for stopped, one in stops if stopped), None)


class Judge:
    """Visits one route as one person, and says what is wrong."""

    def __init__(self, app: Flask, rule: Rule, person: Person) -> None:
        self.app, self.rule, self.person = app, rule, person
        self.who = callers_of(app, rule.endpoint)
        self.methods = [one for one in rule.methods if one != "OPTIONS" or "GET" in rule.methods]
        self.visit = VISITS.get(rule.endpoint)
        if self.visit is None and "GET" in rule.methods and not rule.arguments:
            self.visit = Visit()

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with this route for this person."""
        for prefix, narrow in NARROW.items():
            if self.rule.rule.startswith(prefix) and self.who not in narrow:
                yield f"{self.rule} is open to “{self.who}”"
        if self.visit is None:
            yield f"tests/paths/visits.py does not say how {self.rule} is visited"
        elif self.who not in (*OPEN, "user", *HAVE):
            yield f"HAVE does not say who has “{self.who}”"
        else:
            stopped = stop(self.app, self.rule, self.person.kind)
            judged = self._let_in(self.visit) if stopped is None else self._stopped(stopped)
            for method, what, status in judged:
                yield f"{self.person.kind}: {method} {self.rule}: {what} answers {status}"

    def _stopped(self, wanted: Stop) -> Iterator[tuple[str, str, int]]:
        owner = self.person.somebody
        ask = self.visit.own(owner) or self.visit.foreign(owner)
        for method in self.methods:
            answer = self.send(self.person, method, ask)
            leads = urlsplit(answer.location or "").path
            if (answer.status_code, leads) != (wanted.status, wanted.leads):
                yield method, f"what is not theirs {leads}", answer.status_code
            answer = self.send(self.person, method, ask, headers=JSON)
            if answer.status_code != wanted.machine:
                yield method, "what is not theirs, for machines,", answer.status_code

    def _let_in(self, visit: Visit) -> Iterator[tuple[str, str, int]]:
        for method in self.methods:
            if visit.foreign and method != "OPTIONS":
                status = self.send(self.person, method, visit.foreign(self.person)).status_code
                if status not in visit.refused:
                    yield method, "what is somebody else's", status
            changes = method == "POST" or self.rule.arguments
            visitor = Person(self.app, self.person.kind) if changes else self.person
            ask = visit.own(visitor)
            if ask is None:
                continue
            if method == "POST":
                yield from self._forged(visitor, ask)
            status = self.send(visitor, method, ask).status_code
            meant = (200,) if method == "OPTIONS" else visit.answers(visitor.kind)
            if status not in meant:
                yield method, "one's own", status

    def _forged(self, visitor: Person, ask: Ask) -> Iterator[tuple[str, str, int]]:
        """Yield what a form of another site's page, or without the session's token, can do."""
        if self.who == "provider":
            return
        for origin in ELSEWHERE if visitor.kind == states(visitor.kind.role)[0] else ELSEWHERE[:1]:
            status = self.send(visitor, "POST", ask, headers=JSON, environ=origin).status_code
            if status != 403:
                yield "POST", f"a form from {origin}", status
        for token in ("", "0" * 64, self.person.stranger.csrf) if self.who != "anyone" else ():
            status = self.send(visitor, "POST", ask, headers=JSON, csrf=token).status_code
            if status != 403:
                yield "POST", "a form without its token", status

    def send(self, person, method, ask, *, csrf=None, headers=None, environ=None):
        """Send one request as somebody's browser."""
        form = None
        if method == "POST" and ask.body is None:
            form = {**ask.form, "csrf": person.csrf if csrf is None else csrf}
        address = self.app.url_map.bind("localhost").build(self.rule.endpoint, ask.args)
        return person.client.open(
            address, method=method, data=form or ask.body, buffered=True,
            headers={**ask.headers, **(headers or {})}, environ_overrides=environ,
        )  # fmt: skip


def states(role: str) -> list[Kind]:
    """Return the states to visit a site in: every one where every way is gone (`make ways`).

    Else those that differ, of owners and of readers alone; on PostgreSQL one.
    """
    found = kinds(role, every=EVERY)
    if EVERY or (role in ("reader", "owner") and not is_postgres()):
        return found
    return found[:1]


def faults(app: Flask, role: str, rules: Sequence[Rule] = ()) -> list[str]:
    """Return what is wrong with a site's routes for people of a role, in all their states."""
    found = []
    for kind in states(role):
        person = Person(app, kind)
        for rule in rules or list(app.url_map.iter_rules()):
            found += Judge(app, rule, person).faults()
    return found


@pytest.mark.parametrize(
    ("database_url", "role"),
    [*(("sqlite", role) for role in ROLES), *(("postgres", role) for role in SAMPLE)],
    indirect=["database_url"],
)
def test_a_route_answers_whom_it_is_meant_for_and_nobody_else(site, role):
    """Every route, method and state of a person; own things, others' things, forged forms."""
    assert faults(site, role) == []


@on_sqlite
@pytest.mark.parametrize("role", ["nobody", "owner"])
def test_a_method_that_is_not_declared_does_nothing(site, role):
    """PUT, PATCH, DELETE and TRACE are nowhere; POST only where a view takes it."""
    person = Person(site, next(kind for kind in kinds(role) if kind.strong or role == "nobody"))
    answers = set()
    for rule in site.url_map.iter_rules():
        judge = Judge(site, rule, person)
        known = [one.methods for one in site.url_map.iter_rules() if one.rule == rule.rule]
        ask = judge.visit.own(person.somebody) or judge.visit.foreign(person.somebody)
        for method in METHODS.difference(*known):
            status = judge.send(person, method, ask).status_code
            answers.add((status, method, rule.rule))

    assert [one for one in answers if one[0] not in (404, 405)] == []
    assert len(answers) > 300


UNCOUNTED = {
    "languages.choose": "writes nothing but a cookie",
    "doors.sign_out": "ends something", "account.end_device": "ends something",
    "account.end_others": "ends something", "personal.erase": "ends something",
    "account.remove_app": "ends something", "account.remove_passkey": "ends something",
    "account.save": "one's own row", "account.take_password": "a step-up was counted",
    "account.new_recovery": "a step-up was counted", "account.add_passkey": "a step-up was counted",
    "account.passkey_options": "a step-up was counted", "account.confirm_options": "a user's own",
    "doors.show_offer": "192 bits that nobody guesses, for who has bought something",
    "doors.take_setup": "192 bits that nobody guesses, while there is no owner",
    "admin_plugins.switch_on": "the owner's own", "admin_plugins.switch_off": "the owner's own",
    "admin_plugins.move": "the owner's own", "admin_plugins.save": "the owner's own",
    "admin_plugins.check": "the owner's own; what a plugin asks outside ends after seconds",
    "admin_plugins.export": "the owner's own",
    "admin_plugins.uninstall": "the owner's own", "admin_settings.save": "the owner's own",
    "admin_orders.decide": "a step-up was counted", "admin_orders.name": "a step-up was counted",
    "library.remove_method": "ends something", "machinepay.allow": "a step-up was counted",
    "paypal.save_keys": "the owner's own", "paypal.make_webhook": "the owner's own",
    "banktransfer.take_file": "staff's own", "banktransfer.take_columns": "staff's own",
    "banktransfer.book": "staff's own", "banktransfer.set_aside": "staff's own",
    "banktransfer.note_sent": "staff's own",
    "stripe.keep_keys": "the owner's own", "stripe.make_webhook": "the owner's own",
    "stripe.register_domain": "the owner's own",
    "admin_themes.change": "staff's own", "admin_themes.use": "staff's own",
    "admin_themes.undo": "staff's own", "admin_themes.leave": "writes nothing but a cookie",
    "team.invite": "the owner's own", "team.change": "the owner's own",
    "playmoney.choose": "no money", "counting.panel": "adds one to a number in memory",
    "admin_home.hide_checklist": "the owner's own",
    "admin_setup.save": "the owner's own", "posts.publish_first": "the owner's own",
    "admin_outgoing.make": "the owner's own", "admin_outgoing.switch": "the owner's own",
    "admin_outgoing.test": "the owner's own", "admin_outgoing.again": "the owner's own",
    "admin_outgoing.renew": "the owner's own", "admin_outgoing.remove": "ends something",
    "admin_orders.refund": "staff's own, and no more than was paid",
    "admin_readers.find": "staff's own", "admin_readers.export": "staff's own",
    "admin_readers.erase": "staff's own", "admin_jobs.again": "the owner's own",
    "admin_health.accept_script": "the owner's own",
    "admin_health.change": "the owner's own", "admin_backups.make": "the owner's own",
    "admin_backups.download": "the owner's own",
    "tokens.make": "a step-up was counted", "tokens.revoke": "ends something",
    "posts.save": "staff", "posts.keep": "staff", "posts.discard": "staff",
    "posts.preview": "staff", "posts.restore": "staff", "posts.withdraw": "staff",
    "posts.bring_back": "staff", "posts.delete": "staff", "posts.upload": "staff",
    "posts.describe_medium": "staff", "posts.delete_medium": "staff",
}  # fmt: skip
"""What takes a form and counts nobody, and why that is so."""


@on_sqlite
def test_what_could_be_done_in_a_mass_is_counted_at_a_door(site, monkeypatch):
    """Whatever takes a form asks a door first, unless it stands in the list with its reason."""
    counted, seen = set(), set()
    for kind in (Kind("guest"), *(Kind(role, *[True] * 3) for role in ("reader", "owner"))):
        for rule in site.url_map.iter_rules():
            if "POST" not in rule.methods or stop(site, rule, kind):
                continue
            person, asked = Person(site, kind), []
            judge = Judge(site, rule, person)
            ask = judge.visit.own(person)
            monkeypatch.setattr(limits, "allow", lambda door, *, seen=asked, **_: seen.append(door))
            if ask is not None:
                judge.send(person, "POST", ask)
                seen.add(rule.endpoint)
                counted |= {rule.endpoint} if asked else set()

    assert seen - counted == set(UNCOUNTED)
    assert len(counted) > 20


def planted(app, address, view, who="anyone", visit=None, monkeypatch=None):
    """Add a route, and return it."""
    app.add_url_rule(address, "planted", callers(who)(view))
    if visit:
        monkeypatch.setitem(VISITS, "planted", visit)
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint == "planted"]


def shown(id):
    """Weak twin: show an order to whoever names it."""
    return orders.find(id).id


def shown_to_its_holder(id):
    """Show an order to who holds it."""
    return shown(id) if orders.find(id).holder in current_reader().holders else abort(404)


@on_sqlite
@pytest.mark.parametrize("role", ["nobody", "guest", "reader", "owner"])
def test_weak_twin_that_shows_others_orders_is_caught(site, role, monkeypatch):
    """The matrix finds a page that forgets to ask whose order it shows."""
    visit = Visit(**own(cast.open_order))
    rules = planted(site, "/planted/<id>", shown, visit=visit, monkeypatch=monkeypatch)
    found = faults(site, role, rules)

    assert found
    assert all("somebody else's answers 200" in fault for fault in found)
    site.view_functions["planted"] = callers("anyone")(shown_to_its_holder)
    assert faults(site, role, rules) == []


@on_sqlite
def test_weak_twin_that_refuses_everybody_is_caught(site, monkeypatch):
    """The matrix fails the other way, too: who is meant must get an answer."""
    visit = Visit(**own(cast.open_order))
    rules = planted(
        site, "/planted/<id>", lambda id: abort(404), visit=visit, monkeypatch=monkeypatch
    )

    assert all("one's own answers 404" in fault for fault in faults(site, "guest", rules))
    assert faults(site, "guest", rules)


@on_sqlite
@pytest.mark.parametrize("address", ["/account/planted", "/admin/planted"])
def test_weak_twin_that_is_open_where_nothing_is_open_is_caught(site, address):
    """A page of a user or of staff cannot be declared for anyone."""
    found = faults(site, "nobody", planted(site, address, lambda: "everybody's mail"))

    assert found == [f"{address} is open to “anyone”"]


@on_sqlite
def test_a_route_of_which_nobody_says_what_is_ones_own_is_caught(site):
    """A new route with a name in its address comes with its line."""
    found = faults(site, "nobody", planted(site, "/planted/<id>", shown))

    assert found == ["tests/paths/visits.py does not say how /planted/<id> is visited"]


WEAK = {
    "no wall": (headers, "refuse_strangers", lambda: None),
    "no token": (declared, "has_csrf_token", lambda given: True),
    "no origin": (headers, "refuse_foreign_origin", lambda: None),
    "no step-up": (Session, "is_confirmed", lambda session, at: True),
    "no second factor": (declared, "_refuse_others", lambda session, who: None),
}


@on_sqlite
@pytest.mark.parametrize("name", WEAK)
def test_weak_twin_of_the_wall_is_caught(monkeypatch, make_site, name):
    """Each part of what stands before the views is missed when it is gone."""
    monkeypatch.setattr(*WEAK[name])
    app = make_site()
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint == "team.invite"]
    found = faults(app, "reader" if name in ("no wall", "no second factor") else "owner", rules)

    assert any(fault.endswith("answers 200") for fault in found)

"""What was sent to other sites to get in, tried on every page here, and on a weak handler.

The list of all cases stands in test_replays.py.
"""

from __future__ import annotations

import ast
import html
import os
import pickle
import re
from pathlib import Path

import pytest
from flask import redirect, request
from markupsafe import Markup

from core.people import sessions, users
from core.storage import execute
from tests.conftest import browser_of
from tests.people import signed_in
from tests.proofs.conftest import weakly

pytestmark = pytest.mark.proof


SWAYING = (
    {"headers": {"Accept-Language": "it"}}, {"query_string": "lang=it&theme=x&page=1&utm=<b>"},
    {"headers": {"X-Forwarded-Host": "evil.example"}}, {"headers": {"Cookie": "language=it"}},
    {"headers": {"X-Original-URL": "/admin/team/"}}, {"headers": {"X-Forwarded-Prefix": "/evil"}},
)  # fmt: skip


def swayed(app, path):
    """Tell whether somebody's request changes what another one sees."""
    before = browser_of(app).get(path).data
    for one in SWAYING:
        browser_of(app).get(path, **one)
        browser_of(app).post(path, **one)
        browser_of(app).post("/language", data={"language": "it"})
    return browser_of(app).get(path).data != before


def test_3_what_one_reader_sends_changes_no_others_page(shop):
    """Pages that are kept are kept for what they depend on, and settings take a permission."""
    shared = {}

    def weak():
        return shared.setdefault("host", request.headers.get("X-Forwarded-Host", "")) or (
            shared.pop("host") and ""
        ) or "own"  # fmt: skip

    assert not any(swayed(shop, path) for path in ("/", "/hello", "/library/", "/x/tipjar/"))
    assert swayed(shop, weakly(shop, weak))


IDENTITIES = (
    "X-WCPAY-PLATFORM-CHECKOUT-USER", "X-User-Id", "X-User", "X-Forwarded-User", "Remote-User",
    "X-Remote-User", "X-Authenticated-User", "X-Auth-Request-Email", "X-Api-Key", "From",
    "X-Original-User", "X-Admin", "X-Role", "X-Session", "Obolo-Session", "X-Obolo-User",
)  # fmt: skip


def test_4_a_header_is_nobodys_identity(shop):
    """Whatever a client says of itself in a header: it is nobody but for its cookie."""
    owner = signed_in(browser_of(shop), "owner").user

    def weak():
        return request.headers.get("X-WCPAY-PLATFORM-CHECKOUT-USER") or ("", 401)

    address, stranger = weakly(shop, weak), browser_of(shop)
    for name in IDENTITIES:
        for value in (owner.id, owner.email, "1", f"Bearer {owner.id}"):
            assert stranger.get("/account/", headers={name: value}).status_code == 303
    basic = {"Authorization": "Basic b3duZXI6b3duZXI="}
    assert stranger.get("/admin/team/", headers=basic).status_code == 303
    assert stranger.get(address, headers={IDENTITIES[0]: owner.id}).text == owner.id


def test_18_a_right_that_was_taken_is_gone_with_the_next_request(shop):
    """The role is read with the session, each time; nothing of it is in the browser."""
    person = signed_in(browser_of(shop), "owner")
    assert person.client.get("/admin/team/").status_code == 200
    remembered = current = sessions.by_token(person.token)
    users.create(email="second@example.org", role="owner")
    users.set_role(person.user, "author", actor="test")
    weak = weakly(shop, lambda: ("", 200 if "people.manage" in remembered.permissions else 403))

    assert current.permissions >= {"people.manage"}
    assert person.client.get("/admin/team/").status_code == 403
    assert person.client.get(weak).status_code == 200


class Planted:
    """What runs when it is unpickled."""

    def __reduce__(self):
        """Set a mark that can be seen from outside."""
        return os.putenv, ("OBOLO_PLANTED", "1")


READ_AS_CODE = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml"}
RUNS = {"eval", "exec", "compile", "render_template_string", "__import__"}


def loads_objects(path):
    """Return what in a file could make an object of what was sent."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            found += [name for name in names if name.split(".")[0] in READ_AS_CODE]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in RUNS:
            found.append(ast.unparse(node.func))
    return found


def test_19_what_is_sent_is_never_an_object(tmp_path):
    """JSON is the only form in which something is read; nothing in the house runs a text."""
    root = Path(__file__).parents[2]
    house = [path for part in ("core", "plugins") for path in (root / part).rglob("*.py")]
    weak = tmp_path / "weak.py"
    weak.write_text("import pickle\ndef view(body): return pickle.loads(body), eval(body)\n")

    assert {path: found for path in house if (found := loads_objects(path))} == {}
    assert loads_objects(weak) == ["pickle", "eval"]
    assert pickle.loads(pickle.dumps(Planted())) is None  # it ran: that is the attack


SCRIPTS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>',
    "'><script>alert(1)</script>", "</title><script>alert(1)</script>", "{{7*7}}", "${7*7}",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<a href=javascript:alert(1)>x</a>",
    '"onmouseover=alert(1) x="', "<math><mtext><script>alert(1)</script>", "<b>bold</b>",
    "</textarea><script>alert(1)</script>", "<!--<script>alert(1)</script>", "&lt;script&gt;",
)  # fmt: skip


def runs(page, script):
    """Tell whether a text that somebody typed stands in a page as more than text."""
    is_markup = any(c in script for c in "<>\"'") and script in page
    return is_markup or "49" in re.findall(r"value=\"(\d+)\"", page)


def test_20_a_name_is_shown_and_never_run(shop):
    """On the page of its user, on the team's page, and where it comes back after an error."""
    person = signed_in(browser_of(shop), "owner")
    shown = weakly(shop, lambda: Markup(f"<p>{request.form['name']}</p>"))
    for script in SCRIPTS:
        saved = person.post("/account/", name=script[:80], language="en")
        assert saved.status_code == 303, script
        for path in ("/account/", "/admin/team/", "/account/data/"):
            assert not runs(person.client.get(path).text, script), (path, script)
        for path in ("/sign-in", "/sign-up", "/sign-in/password"):
            again = browser_of(shop).post(path, data={"email": script, "name": script})
            assert not runs(again.text, script), (path, script)
        assert not runs(person.client.get("/search", query_string={"q": script}).text, script)
    weak = person.client.post(shown, data={"name": SCRIPTS[0]}).text
    assert runs(weak, SCRIPTS[0])


STATEMENTS = (
    "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "'; DROP TABLE people_user; --", "1) OR (1=1",
    "' UNION SELECT id FROM people_user --", "%' OR '%'='", "\\' OR 1=1 --",
    "x' AND 1=CAST('a' AS int) --",
)  # fmt: skip


def found_by(client, text):
    """Send a text wherever something is looked up; return the answers that are none of these."""
    asked = [
        client.get(f"/library/{text}"), client.get(f"/checkout/{text}"), client.get(f"/{text}"),
        client.get("/search", query_string={"q": text}), client.get(f"/tag/{text}"),
        client.get(f"/sign-in/link/{text}"), client.get(f"/device/{text}"),
        client.post("/sign-in/code", data={"id": text, "code": text}),
        client.post("/sign-in/password", data={"email": f"{text}@example.org", "password": text}),
        client.post("/checkout/offer", data={"resource": text, "offer": text}),
    ]  # fmt: skip
    return [one.status_code for one in asked if one.status_code >= 500 or one.status_code == 303]


def test_21_what_is_sent_is_never_a_statement(shop):
    """Values are bound: a statement in a form finds nothing, changes nothing, breaks nothing."""
    user = signed_in(browser_of(shop)).user

    def weak():
        sql = f"SELECT id FROM people_user WHERE id = '{request.args['id']}'"
        return str(execute(sql).fetchall())

    address = weakly(shop, weak)
    for text in STATEMENTS:
        assert not [one for one in found_by(browser_of(shop), text) if one >= 500], text
    assert users.find(user.id).email == user.email
    assert user.id in browser_of(shop).get(address, query_string={"id": STATEMENTS[0]}).text


ELSEWHERE = [
    f"{before}evil.example{after}"
    for before in (
        "//", "///", "////", "https://", "http:", "https:/", "https:", "/\\", "\\\\", "\\/", "/\t/",
        "/\n/", "/\r/", "\t//", " //", "//localhost@", "http://localhost@", "//localhost:80@",
        "https://localhost.", "//\\", "/%0a/", "javascript://", "data:text/html,", "//[::1]@",
    )
    for after in ("", "/x", "?x=/library/")
]  # fmt: skip


def links(page):
    """Return the addresses in a page that name the other site."""
    return [html.unescape(one) for one in re.findall(r'href="([^"]*evil[^"]*)"', page)]


def leads_elsewhere(location):
    """Tell whether a browser would go from here to another site."""
    location = re.sub(r"[\t\r\n]", "", (location or "").replace("\\", "/")).strip()
    own = location.startswith("/") and not location.startswith("//")
    return bool(location) and not own


def test_23_no_page_sends_a_reader_elsewhere(shop):
    """72 forms of an address elsewhere, in every field that says where to go on."""
    person = signed_in(browser_of(shop))
    for to in ELSEWHERE:
        answers = [
            person.client.get("/sign-in", query_string={"to": to}),
            person.client.post("/language", data={"language": "it", "back": to}),
            browser_of(shop).post("/sign-in", data={"email": "a@example.org", "to": to}),
        ]
        assert not [one.location for one in answers if leads_elsewhere(one.location)], to
        page = browser_of(shop).get("/x/tipjar/thanks", query_string={"back": to}).text
        assert not [one for one in links(page) if leads_elsewhere(one)], to
    weak = weakly(shop, lambda: redirect(request.args["to"], 303))
    followed = [
        person.client.get(weak, query_string={"to": to}).location
        for to in ELSEWHERE
        if not {"\n", "\r"} & set(to)  # these cannot stand in the header of an answer
    ]

    assert sum(map(leads_elsewhere, followed)) > 50

"""What people type is nowhere to be read afterwards: not in the database, its log, a backup, a log.

Every form of every page is filled with marked words, as a stranger, a guest, a reader and an owner.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import tarfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core import limits, mail, storage
from core.doors import entering
from core.storage import backup, execute, insert, transaction
from tests.conftest import ROOT, browser_of
from tests.people import Device, digits_of, json, signed_in, watched_mail

pytestmark = pytest.mark.proof
WANTED = int(os.environ.get("OBOLO_PROOF_MARKS", "500"))
RARE = str(ROOT / "tests" / "paths" / "plugins")
TYPED = ("text", "email", "password", "search", "tel", "url", "")
PAGES = (
    "/sign-in", "/sign-in/password", "/sign-up", "/reset", "/library/", "/library/device",
    "/search", "/account/", "/account/confirm", "/account/password", "/account/email",
    "/account/second-factor", "/account/devices", "/account/data/", "/admin/team/", "/x/tipjar/",
    "/sign-in/code?id=cod_0", "/",
)  # fmt: skip


class Forms(HTMLParser):
    """The forms of a page: where they go, and what is typed or carried along."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, list[dict[str, str]]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), given.get("method", "get"), []))
        elif tag in ("input", "button", "textarea") and self.found and given.get("name"):
            self.found[-1][2].append({"tag": tag, **given})


class Marks:
    """Words that nobody else says, in the shape that a field wants."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._numbers = itertools.count()

    def next(self, kind: str = "text") -> str:
        """Return a new one."""
        word = f"canary{next(self._numbers):05d}quokka"
        self.made.append(word)
        return f"{word}@{word}.example" if kind == "email" else f"{word} sings at night"


@pytest.fixture
def site(make_site, tmp_path, monkeypatch):
    """A site with every bundled plugin, whose logs are kept and whose mail leaves unseen."""
    log = logging.FileHandler(tmp_path / "home" / "site.log")
    logging.getLogger().addHandler(log)
    for name, level in (("", logging.INFO), ("peewee", logging.WARNING)):  # as `obolo run` does
        monkeypatch.setattr(logging.getLogger(name), "level", level)
    app = make_site(
        "posts", "paywall", "tipjar", "playmoney", "rare", plugin_folders=(RARE,),
        settings={"checkout.allow_loss": True},
    )  # fmt: skip
    limits.set_key(bytes(32), factor=10**6)
    monkeypatch.setattr(mail._ways, "first", lambda _message: True)
    posts = tmp_path / "posts"
    posts.mkdir()
    (posts / "tale.md").write_text(
        "---\ntitle: A tale\npublished: 2026-01-01\nprice: 0.20 EUR\n---\nOnce\n\n"
        "<!-- more -->\nMore"
    )
    app.test_cli_runner().invoke(app.cli.commands["posts"], ["import", str(posts)])
    yield app
    logging.getLogger().removeHandler(log)
    log.close()


def fill(client, marks, page):
    """Fill in and send every form of a page; what is carried along stays as it is."""
    answer = client.get(page, follow_redirects=True)
    for action, method, fields in Forms(answer.text).found:
        if action.endswith(("/sign-out", "/erase", "/end-others", "/language")):
            continue
        form = {
            field["name"]: marks.next(field.get("type", ""))
            if field["tag"] != "button" and field.get("type", "") in TYPED
            else field.get("value", "yes")
            for field in fields
        }
        if method == "get":
            client.get(action or page, query_string=form)
        else:
            client.post(action or page, data=form)


def live(site, marks, outbox):
    """Be somebody for a while: buy, answer, sign up, change everything, add a passkey."""
    client = browser_of(site)
    week = {
        "resource": "post:tale", "offer": "week", "return_to": "/tale", "answer:now": "yes",
        "answer:where": "Italy", "answer:why": marks.next(),
    }  # fmt: skip
    order = client.post("/checkout/offer", data=week).headers["Location"]
    client.post(f"{order}/contact", data={"email": marks.next("email")})
    address = marks.next("email")
    client.post("/sign-up", data={"email": address, "name": marks.next(), "password": marks.next()})
    code = execute("SELECT id FROM people_code ORDER BY id DESC LIMIT 1").fetchone()[0]
    letter = outbox.last(entering.users.clean_email(address))
    client.post("/sign-in/code", data={"id": code, "code": digits_of(letter)})
    page = client.get("/account/").text
    csrf = re.findall(r'name="csrf" value="([0-9a-f]+)"', page)[0]
    client.post("/account/", data={"csrf": csrf, "name": marks.next(), "language": "it"})
    client.post("/account/password", data={"csrf": csrf, "password": marks.next()})
    client.post("/account/email", data={"csrf": csrf, "email": marks.next("email")})
    options = client.post("/account/passkeys/options", data={"csrf": csrf}).get_json()
    client.post("/account/passkeys", data={
        "csrf": csrf, "credential": json.dumps(Device().make(options)), "name": marks.next(),
    })  # fmt: skip


def readable(folder: Path) -> bytes:
    """Return all that lies below a folder, what is packed unpacked."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.append(path.read_bytes())
            if tarfile.is_tarfile(path):
                with tarfile.open(path) as packed:
                    files = (packed.extractfile(one) for one in packed if one.isfile())
                    found += [file.read() for file in files if file is not None]
    return b"\n".join(found)


def stored() -> bytes:
    """Return every row of every table, as whoever took the database would read it."""
    rows = (
        row
        for table in storage.database.get_tables()
        for row in execute(f'SELECT * FROM "{table}"').fetchall()
    )
    return b"\n".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        for row in rows for value in row
    )  # fmt: skip


def written(marks: Marks, everything: bytes) -> list[str]:
    """Return the marked words that can be read in something, in any of the usual forms."""
    return [
        word for word in marks.made
        if any(form in everything for form in (
            word.encode(), word.encode("utf-16-le"), word.encode().hex().encode(),
        ))
    ]  # fmt: skip


def test_nothing_that_was_typed_can_be_read(site, db, tmp_path, monkeypatch):
    """Whatever the disk holds afterwards, no word of a person is on it."""
    marks, outbox = Marks(), watched_mail(monkeypatch)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    people = [browser_of(site), browser_of(site)]
    people[1].post("/checkout/offer", data={"resource": "post:tale", "offer": "paywall"})
    for role in ("reader", "owner"):
        person = signed_in(browser_of(site), role, email=f"{role}@example.org")
        people.append(person.client)
    while len(marks.made) < WANTED:
        live(site, marks, outbox)
        for client, page in itertools.product(people, PAGES):
            fill(client, marks, page)
    backup.create(tmp_path / "all.tar.gz", home=tmp_path / "home", url=db)

    everything = readable(tmp_path) + stored()
    assert written(marks, everything) == []
    assert len(everything) > 100_000, "nothing was looked at"


def test_a_column_that_is_not_sealed_is_found(site, tmp_path):
    """The weak twin: one clear column, and the sweep names its word."""
    marks = Marks()
    word = marks.next()
    with transaction():
        insert("tasks_slot", {"name": word, "slot": 1, "at": 1})

    assert written(marks, readable(tmp_path) + stored()) == [marks.made[0]]

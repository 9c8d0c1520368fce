"""How the pages of those who write are visited: the lines of tests/paths/visits.py for posts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.storage import new_id
from plugins.posts import editing, publishing, shelf
from plugins.posts.editing import Written
from tests.paths.cast import Person
from tests.paths.visits import SEE_OTHER, Ask, Visit, of
from tests.plugins.posts.texts import SVG


def text(person: Person, state: str = "draft") -> Written:
    """Return a text of the site's that was just written."""
    able = replace(person.reader, user=person.holder, permissions=frozenset({"posts.publish"}))
    slug, is_withdrawn = f"text-{new_id('x')[2:]}", state == "withdrawn"
    typed = {
        "title": "A text", "slug": slug, "language": "en", "kind": "post", "body": "Words.",
        "state": "published" if is_withdrawn else state,
    }  # fmt: skip
    with person.app.app_context():
        made = editing.find(publishing.save(typed, None, able).post_id)
        if is_withdrawn:
            publishing.withdraw(made, "A reason", able)
    return editing.find(made.id)


def text_page(state: str = "draft", **fields: str) -> dict[str, Any]:
    """Ask for a text that there is, and for one that there is not."""

    def asked(person: Person) -> Ask:
        return Ask({"post_id": text(person, state).id}, fields)

    return {"own": asked, "foreign": lambda _: Ask({"post_id": "pst_none"}, fields)}


def writing(person: Person) -> Ask:
    """Send the form of a text that is open in the editor."""
    written = text(person)
    form = {"title": "Other", "slug": written.slug, "language": "en", "state": "draft"}
    return Ask({"post_id": written.id}, {**form, "base": written.revision, "body": "Words."})


def first_post(_: Person) -> Ask:
    """Send the last step of the set-up."""
    return Ask({}, {"title": f"A text {new_id('x')[2:]}", "free": "Words.", "paid": "More."})


def revision(person: Person) -> dict[str, str]:
    """Name the present revision of a text."""
    written = text(person)
    return {"post_id": written.id, "revision": written.revision}


def file(person: Person) -> str:
    """Name a file of the media list that no text shows."""
    drawing = SVG.format(fill=f"a{new_id('x')[-6:]}").encode()
    with person.app.app_context():
        return shelf.upload("drawing.svg", drawing).name


def file_page(**fields: str) -> dict[str, Any]:
    """Ask for a file that there is, and for one that there is not."""
    return {
        "own": lambda person: Ask({"name": file(person)}, fields),
        "foreign": lambda _: Ask({"name": "none.svg"}, fields),
    }


DESK: dict[str, Visit] = {
    "posts.static": Visit(own=lambda _: of(filename="editor.js")),
    "posts.publish_first": Visit(SEE_OTHER, own=first_post),
    "posts.edit": Visit(**text_page()),
    "posts.save": Visit(SEE_OTHER, own=writing, foreign=text_page()["foreign"]),
    "posts.keep": Visit(own=writing, foreign=text_page()["foreign"]),
    "posts.discard": Visit(SEE_OTHER, **text_page()),
    "posts.preview_stored": Visit(**text_page()),
    "posts.preview": Visit(own=writing, foreign=text_page()["foreign"]),
    "posts.revisions": Visit(**text_page()),
    "posts.revision": Visit(
        own=lambda p: Ask(revision(p)), foreign=lambda p: Ask({**revision(p), "post_id": "pst_x"})
    ),
    "posts.restore": Visit(
        SEE_OTHER, own=lambda p: Ask(revision(p)),
        foreign=lambda p: Ask({**revision(p), "post_id": text(p).id}),
    ),
    "posts.withdraw": Visit(SEE_OTHER, **text_page("published", reason="A reason")),
    "posts.bring_back": Visit(SEE_OTHER, **text_page("withdrawn")),
    "posts.delete": Visit(SEE_OTHER, **text_page(reason="A reason")),
    "posts.upload": Visit((422,)),
    "posts.medium_file": Visit(**file_page()),
    "posts.one_medium": Visit(**file_page()),
    "posts.describe_medium": Visit(SEE_OTHER, **file_page(alt="A drawing", tags="red")),
    "posts.delete_medium": Visit(SEE_OTHER, **file_page(reason="A reason")),
}  # fmt: skip

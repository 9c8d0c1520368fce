"""The pages of the media list: bring files in, say what they show, see where they are used."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for

from core import (
    BadInput,
    NotFound,
    admin_page,
    callers,
    current_reader,
    record_event,
    transaction,
)
from plugins.posts import media, shelf
from plugins.posts.media import Medium
from plugins.posts.mistakes import mistake_of
from plugins.posts.publishing import clean_reason
from plugins.posts.records import INSTANTS
from plugins.posts.site import pages
from plugins.posts.views import NEVER_KEPT, sent

PAGE = 48
MOST_BYTES = 64 * 1024 * 1024
"""What one form may bring; each file of it is at most 20 MiB."""
LAST_PAGE = 1_000


@pages.get("/admin/media/")
@callers("posts.write")
def all_media() -> Response:
    """List what was uploaded or imported, newest first."""
    return _listed()


def _listed(status: int = 200, **more: Any) -> Response:
    words, tag = (request.args.get(name, "").strip()[:100] for name in ("q", "tag"))
    number = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    found = shelf.listed(words, tag, PAGE + 1, (number - 1) * PAGE)
    uses = shelf.uses([one.name for one in found])
    return admin_page(
        "posts/admin/media.html", status, items=found[:PAGE], more=len(found) > PAGE, words=words,
        tag=tag, number=number, uses=uses, tags=shelf.tags(),
        **{"wrong": (), "done": "", "new": (), **more},
    )  # fmt: skip


@pages.post("/admin/media/")
@callers("posts.write", most_bytes=MOST_BYTES)
def upload() -> Any:
    """Take files; those that are right are kept, the others are named with what is wrong."""
    files = [one for one in request.files.getlist("files") if one.filename]
    wrong, new = [], []
    for file in files:
        try:
            new.append(shelf.upload(file.filename or "", file.read()))
        except BadInput as error:
            wrong.append(mistake_of(error, "", 1).told())
    if not files:
        wrong.append(mistake_of(BadInput("Please choose at least one file."), "", 1).told())
    if len(new) == 1 and not wrong:
        return redirect(url_for("posts.one_medium", name=new[0].name, new=1), 303)
    if wrong:
        return _listed(422, wrong=wrong, new=new)
    return redirect(url_for("posts.all_media"), 303)


@pages.get("/admin/media/file/<name>")
@callers("posts.write")
def medium_file(name: str) -> Response:
    """Send a file of a text or of the list to staff, also one behind a gate."""
    item = shelf.find_size(name)
    known = item.medium if item else Medium(name, name)
    if not (media.folder() / known.name).is_file():
        raise NotFound("There is no such file.")
    response, _ = sent(known, name)
    response.headers["Cache-Control"] = NEVER_KEPT
    return response


@pages.get("/admin/media/<name>")
@callers("posts.write")
def one_medium(name: str) -> Response:
    """Show one file: what it is, what it shows, and where it is used."""
    return _one(name)


def _one(name: str, status: int = 200, **more: Any) -> Response:
    item = shelf.find(name)
    return admin_page(
        "posts/admin/medium.html", status, item=item, uses=shelf.uses([name])[name],
        at=INSTANTS.python_value, sizes=_sizes(item), is_new=bool(request.args.get("new")),
        is_saved=bool(request.args.get("saved")),
        **{"error": "", "refused": "", "typed": None, **more},
    )  # fmt: skip


def _sizes(item: shelf.Item) -> str:
    made = [wide for one, wide in item.medium.copies.items() if (media.folder() / one).exists()]
    return ", ".join(f"{wide} px" for wide in made)


@pages.post("/admin/media/<name>")
@callers("posts.write")
def describe_medium(name: str) -> Any:
    """Keep what a file shows, in words, and its tags."""
    typed = {key: request.form.get(key, "") for key in ("alt", "tags")}
    try:
        shelf.describe(name, typed["alt"], typed["tags"])
    except BadInput as error:
        return _one(name, 422, error=mistake_of(error, "", 1).told(), typed=typed)
    return redirect(url_for("posts.one_medium", name=name, saved=1), 303)


@pages.post("/admin/media/<name>/delete")
@callers("posts.write")
def delete_medium(name: str) -> Any:
    """Take a file off the list for a reason, unless a text shows it."""
    try:
        reason = clean_reason(request.form.get("reason", ""))
    except BadInput as error:
        return _one(name, 422, refused=mistake_of(error, "", 1).told())
    reader = current_reader()
    with transaction():
        shelf.delete(name)
        record_event("posts.delete_file", actor=reader.user or "", subject=name,
                     address=reader.address, reason=reason)  # fmt: skip
    return redirect(url_for("posts.all_media"), 303)

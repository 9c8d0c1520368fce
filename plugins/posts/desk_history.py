"""What a text was before, and how it leaves: revisions, withdrawing, bringing back, deleting."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for

from core import BadInput, admin_page, callers, current_reader, execute, name_of
from plugins.posts import editing, publishing
from plugins.posts.desk import done, editor
from plugins.posts.differences import rows_between
from plugins.posts.mistakes import mistake_of
from plugins.posts.records import INSTANTS
from plugins.posts.site import pages

MOST_REVISIONS = 200
LIST = """SELECT id, title, created, user_id FROM posts_revision WHERE post_id = ?
ORDER BY created DESC, id DESC LIMIT ?"""
BEFORE = """SELECT id FROM posts_revision WHERE post_id = ? AND (created < ? OR (created = ?
AND id < ?)) ORDER BY created DESC, id DESC LIMIT 1"""


@pages.get("/admin/posts/<post_id>/revisions")
@callers("posts.write")
def revisions(post_id: str) -> Response:
    """List what was ever saved of a text, newest first."""
    written = editing.find(post_id)
    rows = execute(LIST, [post_id, MOST_REVISIONS]).fetchall()
    names = {user: name_of(user) for user in {row[3] for row in rows} if user}
    return admin_page(
        "posts/admin/revisions.html", written=written, rows=rows, names=names,
        at=INSTANTS.python_value, done=done(),
    )  # fmt: skip


@pages.get("/admin/posts/<post_id>/revisions/<revision>")
@callers("posts.write")
def revision(post_id: str, revision: str) -> Response:
    """Show what a revision changed, line by line, and all of it."""
    written, shown = editing.find(post_id), editing.find(post_id, revision)
    row = execute(BEFORE, [post_id, shown.saved, shown.saved, revision]).fetchone()
    earlier = editing.find(post_id, row[0]).source if row else ""
    return admin_page(
        "posts/admin/revision.html", written=written, shown=shown,
        rows=rows_between(earlier, shown.source), who=name_of(shown.user) if shown.user else "",
        at=INSTANTS.python_value, is_first=not row,
    )  # fmt: skip


@pages.post("/admin/posts/<post_id>/revisions/<revision>")
@callers("posts.write")
def restore(post_id: str, revision: str) -> Any:
    """Save an earlier text again, under the address and in the state of now: a new revision."""
    written, reader = editing.find(post_id), current_reader()
    earlier = editing.find(post_id, revision)
    typed = publishing.restored(written, earlier, reader.language)
    outcome = publishing.save(typed, written, reader, media=earlier.media)
    if outcome.mistakes:
        return editor(post_id, written, typed, 422, outcome.mistakes)
    return redirect(url_for("posts.edit", post_id=post_id, done="restored"), 303)


@pages.post("/admin/posts/<post_id>/withdraw")
@callers("posts.publish")
def withdraw(post_id: str) -> Any:
    """Take a text off the site, for a reason."""
    written = editing.find(post_id)
    try:
        publishing.withdraw(written, request.form.get("reason", ""), current_reader())
    except BadInput as error:
        return _again(written, error, "withdraw")
    return redirect(url_for("posts.edit", post_id=post_id, done="withdrawn"), 303)


@pages.post("/admin/posts/<post_id>/back")
@callers("posts.publish")
def bring_back(post_id: str) -> Any:
    """Undo a withdrawal."""
    publishing.bring_back(editing.find(post_id), current_reader())
    return redirect(url_for("posts.edit", post_id=post_id, done="published"), 303)


@pages.post("/admin/posts/<post_id>/delete")
@callers("posts.write")
def delete(post_id: str) -> Any:
    """Delete a draft, for a reason."""
    written = editing.find(post_id)
    try:
        publishing.delete(written, request.form.get("reason", ""), current_reader())
    except BadInput as error:
        return _again(written, error, "delete")
    return redirect(url_for("posts.all_texts", done="deleted"), 303)


def _again(written: editing.Written, error: BadInput, key: str) -> Response:
    typed = editing.typed_from(written, current_reader().language)
    return editor(written.id, written, typed, 422, [mistake_of(error, key, 1)])

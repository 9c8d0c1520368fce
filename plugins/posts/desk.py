"""The pages of those who write: all texts, and the editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, current_app, jsonify, redirect, request, url_for
from flask_babel import lazy_gettext as _

from core import (
    BadInput,
    Filter,
    Reader,
    Refused,
    admin_page,
    callers,
    current_reader,
    embeds,
    fields_of,
    now,
    show_list,
    site_currency,
)
from plugins.posts import editing, overview, previews, publishing, shelf, unsaved
from plugins.posts.differences import rows_between
from plugins.posts.directives import written as directive
from plugins.posts.editing import Typed, Written
from plugins.posts.heads import iso
from plugins.posts.markdown import directive_names
from plugins.posts.mistakes import Mistake, mistake_of
from plugins.posts.previews import words_for
from plugins.posts.records import INSTANTS
from plugins.posts.site import pages
from plugins.posts.texts import MOST_LETTERS
from plugins.posts.views import price_label

MOST_BYTES = 6 * MOST_LETTERS
"""What a form may have: a million letters, most of which a browser writes as three to six."""
FILTERS = (
    Filter("q", _("Title, address or author")),
    Filter("state", _("State"), "choice", (
        ("draft", _("Drafts")), ("waiting", _("Waiting for an editor")),
        ("scheduled", _("Scheduled")), ("published", _("Published")), ("withdrawn", _("Withdrawn")),
    )),
    Filter("kind", _("Kind"), "choice", (("post", _("Posts")), ("page", _("Pages")))),
    Filter("sort", _("Sorted by"), "choice", (
        ("published", _("Day of publishing")), ("title", _("Title")),
    ), _("Last change")),
)  # fmt: skip
DONE = {
    "saved": _("Saved."),
    "published": _("Published. It is on the site now."),
    "scheduled": _("Saved. It will be on the site at its time."),
    "asked": _("Saved. Editors see that it waits for them."),
    "withdrawn": _("The text is off the site. Who bought it still reads it."),
    "restored": _("The earlier text is in place again, as a new revision."),
    "discarded": _("What was not saved is gone. This is the stored text."),
    "deleted": _("The draft is deleted."),
}
"""What a page says after a change, by the word in its address."""


def done() -> str:
    """Return what was just done, in words."""
    return str(DONE.get(request.args.get("done", ""), ""))


@pages.get("/admin/posts/")
@callers("posts.write")
def all_texts() -> Response:
    """List all texts, drafts too."""
    language = current_reader().language
    return show_list(
        "posts/admin/list.html", FILTERS, overview.find, as_row=_csv_row, done=done(),
        price_of=lambda row: price_label(row.price, language), iso=iso, at=INSTANTS.python_value,
        waiting=overview.waiting(),
    )  # fmt: skip


def _csv_row(row: overview.Row) -> Mapping[str, object]:
    return {
        "title": row.title, "address": f"/{row.slug}", "kind": row.kind, "state": row.standing,
        "published": iso(row.published) if row.published else "", "price": row.price,
        "authors": ", ".join(row.authors), "sold": row.sold,
    }  # fmt: skip


def before_of(post_id: str) -> Written | None:
    """Return the stored text of an address; None where a new one is written. Raises NotFound."""
    return None if post_id in NEW_TEXTS else editing.find(post_id)


NEW_TEXTS = (f"{unsaved.NEW}post", f"{unsaved.NEW}page")


@pages.get("/admin/posts/<post_id>")
@callers("posts.write")
def edit(post_id: str) -> Response:
    """Show the editor: with what was typed and not saved, or else with the stored text."""
    before, reader = before_of(post_id), current_reader()
    stored = editing.typed_from(before, reader.language) if before else _new(post_id)
    typed, kept = stored, unsaved.find(post_id, reader.user or "")
    if kept is not None and _differs(kept.form, stored):
        typed = dict(kept.form)
        return editor(post_id, before, typed, back_from=INSTANTS.python_value(kept.saved))
    return editor(post_id, before, typed)


def _new(post_id: str) -> dict[str, str]:
    language = current_app.extensions["obolo_languages"][0]
    return {"kind": post_id.removeprefix(unsaved.NEW), "state": "draft", "language": language}


def _differs(typed: Typed, stored: Typed) -> bool:
    keys = {*typed, *stored} - {"base"}
    return any(typed.get(key, "").strip() != stored.get(key, "").strip() for key in keys)


@pages.post("/admin/posts/<post_id>")
@callers("posts.write", most_bytes=MOST_BYTES)
def save(post_id: str) -> Any:
    """Save what was typed; or put an embed or a picture into it, where no script does."""
    before, reader = before_of(post_id), current_reader()
    typed, act = typed_now(post_id, before), request.form.get("act", "save")
    if act.startswith(("embed:", "picture")):
        return _inserted(post_id, before, typed, act)
    if act == "publish":
        typed["state"] = "published"
    try:
        outcome = publishing.save(typed, before, reader, ask=act == "ask")
    except publishing.Changed as error:
        return _both(post_id, typed, reader, error)
    if outcome.mistakes:
        return editor(post_id, before, typed, 422, outcome.mistakes)
    said = "asked" if act == "ask" else "saved"
    standing = editing.find(outcome.post_id).standing
    if standing != "draft" and (before is None or before.standing != standing):
        said = standing
    return redirect(url_for("posts.edit", post_id=outcome.post_id, done=said), 303)


def typed_now(post_id: str, before: Written | None) -> dict[str, str]:
    """Return what this request's form says; its kind is the stored text's."""
    kind = before.kind if before else post_id.removeprefix(unsaved.NEW)
    return {**editing.typed_of(request.form), "kind": kind}


def _both(post_id: str, typed: Typed, reader: Reader, error: publishing.Changed) -> Response:
    """Show both texts after two people saved; saving again puts this one over the other."""
    now_stored = before_of(post_id)
    if now_stored is None:
        return editor(post_id, None, typed, 409, [mistake_of(error, "slug", 1)])
    mine, _, _ = editing.source_of(typed, now_stored, reader.language)
    typed = {**typed, "base": now_stored.revision}
    rows = rows_between(now_stored.source, mine)
    return editor(post_id, now_stored, typed, 409, theirs=now_stored, rows=rows)


def _inserted(post_id: str, before: Written | None, typed: dict[str, str], act: str) -> Response:
    """Show the editor again with a line more at the end of the text; nothing is stored."""
    mistakes: list[Mistake] = []
    if act == "picture":
        name = request.form.get("picture", "")
        line = shelf.find(name).line if name else ""
    else:
        line = _directive(act.removeprefix("embed:"), mistakes)
    if line:
        typed["body"] = f"{typed['body'].rstrip()}\n\n{line}\n".lstrip("\n")
    return editor(post_id, before, typed, 422 if mistakes else 200, mistakes, is_inserted=True)


def _directive(name: str, mistakes: list[Mistake]) -> str:
    embed = embeds().get(name)
    if embed is None:
        raise BadInput("There is no such thing to insert.")
    given = {
        field.name: " ".join(request.form.get(f"embed-{name}-{field.name}", "").split())
        for field in embed.fields
    }
    for field in embed.fields:
        try:
            if given[field.name]:
                field.check(given[field.name])
        except BadInput as error:
            mistakes.append(mistake_of(error, f"embed-{name}", 1))
    return "" if mistakes else directive(name, given)


@pages.post("/admin/posts/<post_id>/keep")
@callers("posts.write", most_bytes=MOST_BYTES)
def keep(post_id: str) -> Response:
    """Keep what is being typed; it is shown to nobody else, and never published."""
    before, reader = before_of(post_id), current_reader()
    typed = typed_now(post_id, before)
    if len(typed["body"]) > MOST_LETTERS:
        raise BadInput("is longer than a million letters")
    at = unsaved.keep(post_id, reader.user or "", typed)
    return jsonify({"kept": iso(at)})


@pages.post("/admin/posts/<post_id>/discard")
@callers("posts.write")
def discard(post_id: str) -> Any:
    """Throw away what was typed and not saved."""
    before_of(post_id)
    unsaved.forget(post_id, current_reader().user or "")
    return redirect(url_for("posts.edit", post_id=post_id, done="discarded"), 303)


@pages.get("/admin/posts/<post_id>/preview")
@callers("posts.write")
def preview_stored(post_id: str) -> Response:
    """Show the stored text on the site's page, to staff only."""
    written, reader = editing.find(post_id), current_reader()
    typed = editing.typed_from(written, reader.language)
    return previews.show(typed, written, request.args.get("as", previews.VISITOR))


@pages.post("/admin/posts/<post_id>/preview")
@callers("posts.write", most_bytes=MOST_BYTES)
def preview(post_id: str) -> Response:
    """Show what was typed on the site's page, to staff only; nothing is stored."""
    before = before_of(post_id)
    return previews.show(typed_now(post_id, before), before, request.args.get("as", ""))


def editor(
    post_id: str, before: Written | None, typed: Typed, status: int = 200,
    mistakes: Sequence[Mistake] = (), **more: Any,
) -> Response:  # fmt: skip
    """Draw the editor with what was typed, and with what is wrong in it beside each field."""
    reader = current_reader()
    kind = typed.get("kind") or "post"
    files = shelf.listed(limit=200)
    pictures = [one for one in files if one.is_picture]
    is_locked = _is_locked(before, reader)
    return admin_page(
        "posts/admin/editor.html", status, post_id=post_id, before=before, typed=typed,
        **words_for(mistakes, kind, reader.language), kind=kind, fields=fields_of(kind),
        languages_of_site=current_app.extensions["obolo_languages"], pictures=pictures, files=files,
        own_files=_own_files(before, pictures), menu=_menu(), off=_off(typed.get("body", "")),
        may_publish=publishing.PUBLISH in reader.permissions, is_locked=is_locked,
        slug_stays=before is not None and editing.why_slug_stays(before) is not None, iso=iso,
        at=INSTANTS.python_value, done=done(), clock=f"{now():%H:%M}",
        currency=site_currency(), anchors=_anchors(kind),
        originals=overview.originals(post_id), **{"theirs": None, "rows": (), **more},
    )  # fmt: skip


def _is_locked(before: Written | None, reader: Reader) -> bool:
    try:
        publishing.refuse_others_work(before, reader)
    except Refused:
        return True
    return False


def _anchors(kind: str) -> dict[str, str]:
    """Return where on the page the field of each value stands."""
    own = {key: f"f-{key}" for key in (*editing.PLAIN, "body")} | {"published": "f-date"}
    return own | {one.name: f"f-field-{one.name}" for one in fields_of(kind) if one.kind != "bool"}


def _own_files(before: Written | None, listed: Sequence[shelf.Item]) -> list[str]:
    names = {one.name for one in listed}
    media = before.media if before else ()
    return [one.file for one in media if one.name not in names or one.file != one.name]


def _menu() -> list[tuple[str, str, list[Any]]]:
    """Return what can be put into a text: name, label, fields; of embeds that have a label."""
    language = current_reader().language
    return [
        (name, embed.label.get(language) or embed.label["en"], list(embed.fields))
        for name, embed in embeds().items()
        if embed.label
    ]


def _off(body: str) -> list[str]:
    return [name for name in directive_names(body) if name not in embeds()]

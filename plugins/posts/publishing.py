"""Save, ask for publishing, withdraw, bring back, delete: what becomes of a text, and who may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import (
    BadInput,
    Conflict,
    Field,
    NotFound,
    Reader,
    Refused,
    execute,
    is_ordered,
    now,
    record_event,
    transaction,
)
from plugins.posts import editing, search, texts, unsaved
from plugins.posts.editing import Typed, Written
from plugins.posts.frontmatter import KEYS, compose, split
from plugins.posts.media import Medium
from plugins.posts.mistakes import Mistake
from plugins.posts.records import micros

LONGEST_REASON = 500
PUBLISH = "posts.publish"


class Changed(Conflict):
    """Somebody else saved the text since it was opened here."""


class Withdrawn(NotFound):
    """The text was on the site, and is there no longer."""

    status = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of saving: the post's id, or all that is wrong with what was typed."""

    post_id: str
    mistakes: tuple[Mistake, ...] = ()


def save(
    typed: Typed, before: Written | None, reader: Reader, *, ask: bool = False,
    media: Sequence[Medium] = (),
) -> Outcome:  # fmt: skip
    """Store what was typed, if all of it is right; with `ask` editors are shown that it waits.

    `media` are files of an earlier revision that it may name as well. Raises Changed when
    `typed["base"]` is not the present revision, and Refused.
    """
    assert reader.user
    may_publish = PUBLISH in reader.permissions
    refuse_others_work(before, reader)
    if before is not None and typed.get("base") != before.revision:
        raise Changed("Somebody else has changed this text meanwhile.")
    text, mistakes = editing.check(typed, before, reader.language, media=media)
    mistakes = [*_state_mistakes(typed, before, may_publish=may_publish), *mistakes]
    mistakes += editing.address_mistakes(text, before) if text else []
    if text is None or mistakes:
        return Outcome(before.id if before else "", tuple(mistakes))
    key = before.id if before else unsaved.NEW + text.front.kind
    with transaction():
        post_id = before.id if before else ""
        if before is None or before.digest != text.digest:
            try:
                post_id = texts.store(text, before.kept if before else None, by=reader.user)
            except Conflict as error:
                raise Changed(error.message, **error.values) from None
        asked = micros(now()) if ask and not may_publish else None
        if asked or text.front.state == "published":
            execute("UPDATE posts_post SET asked = ? WHERE id = ?", [asked, post_id])
        unsaved.forget(key, reader.user)
        texts.settle_links()
        if text.front.state == "published" and (before is None or before.state == "draft"):
            _record("posts.publish", post_id, reader, slug=text.front.slug)
    return Outcome(post_id)


def refuse_others_work(before: Written | None, reader: Reader) -> None:
    """Let only who may publish change what is published. Raises Refused."""
    if PUBLISH in reader.permissions or before is None:
        return
    if before.state == "published" or before.withdrawn:
        raise Refused("This text is published, so only an editor can change it.")


def _state_mistakes(typed: Typed, before: Written | None, *, may_publish: bool) -> list[Mistake]:
    state = typed.get("state")
    if state != "draft" and not may_publish:
        return [Mistake("state", 1, "can be set by an editor only; ask for publishing instead")]
    if state != "published" and before is not None and before.standing == "published":
        return [Mistake("state", 1, "stays published; to take the text off the site, withdraw it")]
    return []


def withdraw(written: Written, reason: str, reader: Reader) -> None:
    """Take a text off the site: who bought it still reads it, for others it is gone.

    Raises BadInput without a reason, and Conflict for what is not published.
    """
    reason = clean_reason(reason)
    if written.state != "published":
        raise Conflict("This text is not on the site.")
    with transaction():
        _restate(written, "draft", reader)
        at = micros(now())
        sql = "UPDATE posts_post SET reason = ?, withdrawn = ? WHERE id = ?"
        execute(sql, [reason, at, written.id])
        _record("posts.withdraw", written.id, reader, slug=written.slug, reason=reason)


def bring_back(written: Written, reader: Reader) -> None:
    """Undo a withdrawal: the text is on the site again, since when it was before."""
    if not written.withdrawn or written.published is None:
        raise Conflict("This text was not withdrawn.")
    with transaction():
        _restate(written, "", reader)
        execute("UPDATE posts_post SET reason = '' WHERE id = ?", [written.id])
        _record("posts.publish", written.id, reader, slug=written.slug)


def _restate(written: Written, state: str, reader: Reader) -> None:
    """Store the text with another state in its front matter, and nothing else changed."""
    parts, _ = split(written.source)
    values = {key: text for key, (_, text) in parts.values.items()}
    values |= {"slug": written.slug, "state": state}
    find = editing.finder(written.media, written.file)
    source = compose(values, parts.body)
    text, mistakes = texts.check(source, written.file, find, _whatever(values))
    if text is None:
        raise BadInput("This text can no longer be stored: {why}", why=mistakes[0].told())
    texts.store(text, written.kept, by=reader.user or "")
    texts.settle_links()


def _whatever(values: Mapping[str, str]) -> texts.Declared:
    """Take the values of plugins as they are: what is stored already was right once."""
    return lambda _: {name: Field(name, "text", {}) for name in values if name not in KEYS}


def delete(written: Written, reason: str, reader: Reader) -> None:
    """Delete a draft with all that was ever typed for it. Raises Conflict for anything else."""
    reason = clean_reason(reason)
    refuse_others_work(written, reader)
    if written.state != "draft" or written.withdrawn or is_ordered(written.resource):
        raise Conflict("Only a draft can be deleted. What was published can be withdrawn.")
    if editing.is_named(written.slug):
        raise Conflict("A translation names this text, so it cannot be deleted.")
    with transaction():
        search.forget(written.id)
        execute("DELETE FROM posts_post WHERE id = ?", [written.id])
        unsaved.forget_text(written.id)
        texts.settle_links()
        _record("posts.delete", written.id, reader, slug=written.slug, reason=reason)


def clean_reason(text: str) -> str:
    """Return a reason on one line. Raises BadInput for none."""
    reason = " ".join(text.split())
    if not 3 <= len(reason) <= LONGEST_REASON:
        raise BadInput("Please write a reason, of at most 500 letters.")
    return reason


def restored(written: Written, earlier: Written, language: str) -> dict[str, str]:
    """Return the form of an earlier revision with the address and state of now."""
    now_typed = editing.typed_from(written, language)
    kept = ("slug", "state", "date", "time", "base", "kind", "translation_of")
    return editing.typed_from(earlier, language) | {key: now_typed[key] for key in kept}


def _record(action: str, post_id: str, reader: Reader, **data: str) -> None:
    record_event(action, actor=reader.user or "", subject=post_id, address=reader.address, **data)

"""What somebody is writing and has not saved: kept as they type, and shown to nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from core import execute, insert, now, transaction
from plugins.posts.records import micros

NEW = "new-"
"""Begins what stands for a text that was never saved; its kind follows."""


@dataclass(frozen=True, slots=True)
class Unsaved:
    """The fields of the form as they were typed, and when, in microseconds since 1970."""

    form: Mapping[str, str]
    saved: int


def keep(post_id: str, user_id: str, form: Mapping[str, str]) -> int:
    """Keep what somebody typed in place of what they typed before; return when that was."""
    at = micros(now())
    with transaction():
        forget(post_id, user_id)
        insert("posts_unsaved", {
            "post_id": post_id, "user_id": user_id, "saved": at,
            "form": json.dumps(dict(form), ensure_ascii=False),
        }, ignore=True)  # fmt: skip
    return at


def find(post_id: str, user_id: str) -> Unsaved | None:
    """Return what somebody typed and did not save."""
    row = execute(
        "SELECT form, saved FROM posts_unsaved WHERE post_id = ? AND user_id = ?",
        [post_id, user_id],
    ).fetchone()
    return Unsaved(json.loads(row[0]), row[1]) if row else None


def forget(post_id: str, user_id: str) -> None:
    """Throw away what somebody typed."""
    execute("DELETE FROM posts_unsaved WHERE post_id = ? AND user_id = ?", [post_id, user_id])


def forget_text(post_id: str) -> None:
    """Throw away what anybody typed for a text that is no more."""
    execute("DELETE FROM posts_unsaved WHERE post_id = ?", [post_id])


def export(user_id: str) -> list[dict[str, object]]:
    """Return what is kept of somebody, for them to take along."""
    rows = execute("SELECT post_id, form, saved FROM posts_unsaved WHERE user_id = ?", [user_id])
    return [
        {"post": post_id, "saved": saved, **json.loads(form)}
        for post_id, form, saved in rows.fetchall()
    ]


def erase(user_id: str) -> None:
    """Forget somebody, in the caller's transaction; what they published is the site's."""
    execute("DELETE FROM posts_unsaved WHERE user_id = ?", [user_id])
    execute("UPDATE posts_revision SET user_id = '' WHERE user_id = ?", [user_id])

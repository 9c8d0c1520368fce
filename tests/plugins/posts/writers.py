"""People who write at a test's site, and the forms that they send."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from core.storage import execute
from tests.conftest import browser_of
from tests.people import Person, signed_in

NEW = "/admin/posts/new-post"


def writer(app: Flask, role: str = "editor") -> Person:
    """Return somebody of a role who is signed in."""
    return signed_in(browser_of(app), role, email=f"{role}@example.org")


def form(**more: str) -> dict[str, str]:
    """Return what the editor sends for a small text; what is None is left out."""
    plain = {
        "title": "Hello", "slug": "hello", "language": "en", "state": "published",
        "body": "For all.\r\n\r\n<!-- more -->\r\n\r\nFor buyers.\r\n",
    }  # fmt: skip
    return {key: text for key, text in {**plain, **more}.items() if text is not None}


def write(person: Person, **more: str) -> str:
    """Save a new text and return its post's id."""
    answer = person.post(NEW, **form(**more))
    assert answer.status_code == 303, told(answer)
    return re.search(r"/admin/posts/(pst_\w+)", answer.location)[1]


def change(person: Person, post_id: str, **more: str) -> Any:
    """Save a text again, as somebody who has just opened it."""
    return person.post(f"/admin/posts/{post_id}", **form(base=base_of(post_id), **more))


def base_of(post_id: str) -> str:
    """Return the present revision of a post."""
    sql = "SELECT revision_id FROM posts_post WHERE id = ?"
    return str(execute(sql, [post_id]).fetchone()[0])


def told(answer: Any) -> str:
    """Return what a page says is wrong."""
    found = re.findall(r'<li>(?:<a href="#[^"]*">)?(.*?)(?:</a>)?</li>', answer.text)
    return " | ".join(found)

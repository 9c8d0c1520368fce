"""Whether a page or a document for machines is wanted."""

from __future__ import annotations

import pytest
from flask import Flask

from core.web.wanting import wants_json

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("accept", "machine"),
    [
        ("application/json", True),
        ("application/json, text/plain;q=0.5", True),
        ("text/html;q=0.5, application/json", True),
        ("application/json;q=0.4, text/html;q=0.3", True),
        (CHROMIUM, False),
        ("text/html", False),
        ("application/json, text/html", False),
        ("application/json;q=0.5, text/html", False),
        ("*/*", False),
        ("", False),
        ("application/*", True),
        ("image/png", False),
        ("application/json;q=0", False),
        ("nonsense", False),
        (",;q=;;" * 50, False),
    ],
)
def test_a_machine_accepts_json_and_likes_it_better_than_a_page(accept, machine):
    """A browser, and who says nothing, gets a page."""
    with Flask("test").test_request_context("/", headers={"Accept": accept}):
        assert wants_json() is machine


def test_who_sends_no_such_header_gets_a_page():
    """As a person with a simple browser does."""
    with Flask("test").test_request_context("/"):
        assert not wants_json()

"""A form may say where to go back to; it may not send a reader elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from core.web.addresses import local_path


@pytest.mark.parametrize("path", ["/", "/hello", "/hello?page=2#opened", "/caffè", "/a//b"])
def test_a_path_of_this_site_stays_as_it_is(path):
    """Query and fragment included."""
    assert local_path(path) == path


@pytest.mark.parametrize("address", [
    "", "hello", "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example",
    "\\\\evil.example", "javascript:alert(1)", "/\tx", "/a\r\nSet-Cookie: a=b", "/" + "x" * 500,
    "http:/evil", " /x", "/\u2028",
])  # fmt: skip
def test_what_could_lead_elsewhere_is_replaced(address):
    """Also what browsers read as another host, and what could split a header."""
    assert local_path(address, "/back") == "/back"


@given(st.text(max_size=60))
def test_whatever_is_sent_the_answer_can_stand_in_a_header(text):
    """It begins with one slash and breaks no line."""
    path = local_path(text)

    assert path[:1] == "/"
    assert path[:2] not in ("//", "/\\")
    Headers([("Location", path)])

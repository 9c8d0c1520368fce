"""The answer of a view, as the server takes it."""

from __future__ import annotations

import io

import pytest
from flask import Flask, Response
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import FileWrapper

from core.web.answering import WHOLE_BYTES, Answer


class File(io.BytesIO):
    """A file that says how often it was read."""

    reads = 0

    def read(self, size=-1):
        self.reads += 1
        return super().read(size)


def sent(answer, method="GET"):
    """What the server gets, before it is sent."""
    environ = EnvironBuilder(method=method).get_environ()
    return answer(environ, lambda _status, _headers, _error=None: None)


def of_file(size):
    file = File(b"x" * size)
    return file, Answer(
        FileWrapper(file), headers={"Content-Length": str(size)}, direct_passthrough=True
    )


@pytest.mark.parametrize("body", ["text", b"text", ["te", "xt"]])
def test_a_body_that_is_there_is_handed_over_whole(body):
    """The server sends a list at once, and its thread is free for the next reader."""
    whole = sent(Answer(body))

    assert isinstance(whole, list)
    assert b"".join(whole) == b"text"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_is_whole_as_well(status):
    """Whatever a view gave it (RFC 9110, sections 15.3.5 and 15.4.5)."""
    assert sent(Answer("text", status=status)) == []


def test_a_small_file_is_read_and_closed_before_it_is_sent():
    """Whoever reads slowly keeps neither a thread nor the file."""
    file, answer = of_file(WHOLE_BYTES)

    assert b"".join(sent(answer)) == b"x" * WHOLE_BYTES
    assert file.closed


def test_a_large_file_is_read_while_it_is_sent():
    """A film does not lie in memory."""
    file, answer = of_file(WHOLE_BYTES + 1)
    parts = sent(answer)

    assert not isinstance(parts, list)
    assert file.reads == 0
    assert sum(len(part) for part in parts) == WHOLE_BYTES + 1


def test_what_is_made_while_it_is_sent_stays_so():
    """An export begins at once, however long it is."""
    made = []

    def lines():
        for number in range(3):
            made.append(number)
            yield f"{number}\n"

    parts = sent(Answer(lines()))

    assert made == []
    assert b"".join(parts) == b"0\n1\n2\n"


def test_what_is_to_follow_an_answer_follows_it():
    """A provider is thanked for its message before the site looks up what it means."""
    done = []
    answer = Answer("thanks")
    answer.call_on_close(lambda: done.append("looked up"))
    parts = sent(answer)

    assert b"".join(parts) == b"thanks"
    assert done == []
    parts.close()
    assert done == ["looked up"]


def test_nothing_is_read_for_a_question_about_a_file():
    """HEAD says how long it is, and has no body."""
    file, answer = of_file(7)

    assert b"".join(sent(answer, "HEAD")) == b""
    assert file.reads == 0


def test_an_app_answers_so_whatever_class_its_views_take():
    """Views name Flask's own class; the app makes it this one."""
    app = Flask("any")
    app.response_class = Answer

    @app.get("/")
    def plain():
        return Response("text", 201)

    assert app(EnvironBuilder().get_environ(), lambda *_: None) == [b"text"]


@given(
    st.sampled_from([200, 201, 204, 206, 302, 303, 304, 404, 500]),
    st.sampled_from([
        None, "", "/", "/a?b=c", "/a?", "/a b", "//evil.example/", "/caffè", "/a%20b?c=%7E",
        "https://EXAMPLE.com/x", "/a#b", "?a=b",
    ]),
    st.sampled_from(["", "body", "perché"]),
    st.sampled_from([{}, {"Content-Length": "3"}, {"Content-Location": "/caffè"}]),
)  # fmt: skip
def test_the_headers_are_those_of_werkzeug(status, location, body, more):
    """Ordinary answers are not copied; nobody can tell."""
    headers = dict(more) if location is None else {**more, "Location": location}
    told = []
    for kind in (Response, Answer):
        answer = kind(body, status=status, headers=headers)
        for _ in range(2):
            answer(EnvironBuilder().get_environ(), lambda *said: told.append(said))

    assert [(status, sorted(given)) for status, given in told] == [
        (told[0][0], sorted(told[0][1]))
    ] * 4

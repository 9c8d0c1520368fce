"""Files over HTTP: exactly the range that was asked for, and harmless to whoever opens one."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from flask import request

from core import storage
from core.storage import files
from core.storage.segments import CHUNK_BYTES, Damaged
from core.web.callers import callers
from core.web.files import Unsatisfiable, asked_range, disposition, safe_name, send_stored

TEXT = bytes(range(256)) * 700  # 179,200 bytes: three chunks
NAME = "Ricetta.txt"


@callers("anyone")
def show(id):
    hours = request.args.get("hours")
    kept = timedelta(hours=int(hours)) if hours else None
    return send_stored(id, as_attachment="save" in request.args, kept=kept)


@pytest.fixture
def client(make_site):
    app = make_site()
    app.add_url_rule("/files/<id>", "show", show)
    return app.test_client()


def kept(text=TEXT, mimetype="text/plain", name=NAME, **more):
    return files.keep(text, mimetype=mimetype, name=name, **more)


def asked(client, stored, value=None, method="GET", **headers):
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    if value is not None:
        sent["Range"] = value
    return client.open(f"/files/{stored.id}", method=method, headers=sent)


@pytest.mark.parametrize(("value", "first", "last"), [
    ("bytes=0-0", 0, 0),
    ("bytes=0-", 0, len(TEXT) - 1),
    ("bytes=-1", len(TEXT) - 1, len(TEXT) - 1),
    ("bytes=-999999", 0, len(TEXT) - 1),
    ("bytes=100-199", 100, 199),
    ("bytes=100-999999", 100, len(TEXT) - 1),
    (f"bytes={CHUNK_BYTES - 1}-{CHUNK_BYTES}", CHUNK_BYTES - 1, CHUNK_BYTES),
    (f"bytes={len(TEXT) - 1}-", len(TEXT) - 1, len(TEXT) - 1),
    ("BYTES=5-9", 5, 9),
    ("bytes= 5-9 ", 5, 9),
    ("bytes=,5-9,", 5, 9),
    ("bytes=0000000000000000000005-09", 5, 9),
    ("bytes=5-" + "9" * 5000, 5, len(TEXT) - 1),
])  # fmt: skip
def test_a_range_is_answered_exactly(client, value, first, last):
    """206, where it lies in the whole, and no byte more."""
    stored = kept()
    answer = asked(client, stored, value)

    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(TEXT)}"
    assert answer.headers["Content-Length"] == str(last + 1 - first)
    assert answer.data == TEXT[first : last + 1]


@pytest.mark.parametrize("value", [
    None, "", "bytes", "bytes=", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=1", "bytes =0-1",
    "bytes=1-2-3", "bytes=--5", "bytes=+1-2", "bytes=1-2;", "items=0-5", "bytes=٣-٤",
    "bytes=0-1,5-9", "bytes=0-0,-1", "0-5",
])  # fmt: skip
def test_what_is_no_single_range_gets_the_whole_file(client, value):
    """What is not valid is ignored; several ranges may be, and are."""
    sent = value.encode().decode("latin-1") if value is not None else None
    answer = asked(client, kept(), sent)

    assert (answer.status_code, answer.data) == (200, TEXT)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(TEXT))
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("value", [f"bytes={len(TEXT)}-", "bytes=-0", "bytes=" + "9" * 5000 + "-"])
def test_a_range_after_the_end_cannot_be_had(client, value):
    """416 says how long the file is."""
    answer = asked(client, kept(), value)

    assert (answer.status_code, answer.data) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(TEXT)}"


@pytest.mark.parametrize(("value", "status"), [
    (None, 200), ("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=-1", 200), ("bytes=-0", 416),
])  # fmt: skip
def test_an_empty_file_has_no_first_byte(client, value, status):
    """A suffix of nothing is nothing, which no Content-Range can say."""
    answer = asked(client, kept(b""), value)

    assert (answer.status_code, answer.data) == (status, b"")
    assert answer.headers["Content-Length"] == "0"


def test_a_file_of_whole_chunks_ends_where_it_ends(client):
    """Exactly two of them."""
    text = b"x" * (2 * CHUNK_BYTES)
    stored = kept(text)

    assert asked(client, stored).data == text
    assert asked(client, stored, "bytes=-1").data == b"x"
    assert asked(client, stored, f"bytes={2 * CHUNK_BYTES}-").status_code == 416


def test_head_says_what_get_would_and_ranges_are_for_get(client):
    """RFC 9110, section 14.2."""
    stored = kept()
    answer = asked(client, stored, "bytes=0-5", method="HEAD")
    whole = asked(client, stored)

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(TEXT))
    assert answer.headers["ETag"] == whole.headers["ETag"] == f'"{stored.key.hex()}-1"'


@pytest.mark.parametrize(("known", "status"), [
    ('"ETAG"', 206), ('W/"ETAG"', 200), ('"other"', 200), ("ETAG", 200),
    ("Sun, 22 Nov 2026 10:00:00 GMT", 200), ("Sun, 22 Nov 2099 10:00:00 GMT", 200), ("", 200),
])  # fmt: skip
def test_a_range_of_another_version_is_not_sent(client, known, status):
    """If-Range is compared strongly; else the parts would not fit together."""
    stored = kept()
    answer = asked(client, stored, "bytes=5-9", If_Range=known.replace("ETAG", stored.etag))

    assert answer.status_code == status
    assert answer.data == (TEXT[5:10] if status == 206 else TEXT)


def test_after_sealing_it_anew_the_tag_is_another(client):
    """It holds the key and the version."""
    stored = kept()
    old = asked(client, stored).headers["ETag"]
    storage.execute("UPDATE files_file SET version = 2")
    answer = asked(client, stored, "bytes=5-9", If_Range=old)

    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{stored.key.hex()}-2"' != old


def test_what_the_browser_has_is_not_sent_again(client):
    """304 for the same tag, weak or strong; 412 when another one was asked for."""
    stored = kept()
    tag = f'"{stored.etag}"'

    assert asked(client, stored, If_None_Match=tag).status_code == 304
    assert asked(client, stored, "bytes=0-1", If_None_Match=f'"a", W/{tag}').status_code == 304
    assert asked(client, stored, If_None_Match='"a"').data == TEXT
    assert asked(client, stored, If_Match='"a"').status_code == 412
    assert asked(client, stored, If_Match=tag).data == TEXT
    assert asked(client, stored, If_None_Match=tag).data == b""


@pytest.mark.parametrize(("mimetype", "media"), [
    ("image/png", True), ("audio/mpeg", True), ("video/mp4", True), ("image/svg+xml", False),
    ("text/html", False), ("application/pdf", False), ("application/octet-stream", False),
])  # fmt: skip
def test_what_a_browser_might_run_is_put_into_a_sandbox(client, mimetype, media):
    """A picture made of markup too; the type is never guessed."""
    headers = asked(client, kept(mimetype=mimetype)).headers
    (policy,) = headers.getlist("Content-Security-Policy")

    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert headers["Content-Type"].split(";")[0] == mimetype
    assert policy.startswith("sandbox; default-src 'none'") is not media
    assert "frame-ancestors 'none'" in policy


def test_a_browser_keeps_it_only_if_the_view_says_so(client):
    """And nobody on the way ever does."""
    stored = kept()
    for query, expected in (("", "private, no-store"), ("?hours=2", "private, max-age=7200")):
        answer = client.get(f"/files/{stored.id}{query}")
        assert answer.headers["Cache-Control"] == expected


def test_a_file_is_saved_if_the_view_says_so(client):
    """Under its name."""
    stored = kept()
    for query, kind in (("", "inline"), ("?save", "attachment")):
        answer = client.get(f"/files/{stored.id}{query}")
        assert answer.headers["Content-Disposition"] == f'{kind}; filename="Ricetta.txt"'


def test_none_and_gone(client):
    """404 for what never was, 410 for what was erased, 500 for damage; no part of it is sent."""
    stored, erased = kept(), kept(subject="person:gst_a")
    storage.shred("person:gst_a")
    data = bytearray(stored.path.read_bytes())
    data[100] ^= 1
    stored.path.write_bytes(data)

    assert client.get("/files/fil_none").status_code == 404
    assert asked(client, erased).status_code == 410
    damaged = asked(client, stored)
    assert damaged.status_code == 500
    assert TEXT[:20] not in damaged.data
    assert asked(client, stored, f"bytes={CHUNK_BYTES}-").status_code == 206


def test_damage_that_shows_late_breaks_the_answer_off(client):
    """It is shorter than it said, so no browser takes it for whole."""
    stored = kept()
    data = bytearray(stored.path.read_bytes())
    data[-1] ^= 1
    stored.path.write_bytes(data)
    answer = asked(client, stored)

    assert answer.status_code == 200
    with pytest.raises(Damaged):
        _ = answer.data


def test_a_reader_who_goes_away_closes_the_file(client):
    """However much was read."""
    stored = kept()
    answer = client.get(f"/files/{stored.id}", buffered=False)
    pieces = iter(answer.response)
    first = next(pieces)
    answer.close()

    assert first == TEXT[:CHUNK_BYTES]
    assert list(pieces) == []


NAMES = {
    "plain.txt": "plain.txt",
    "Perché no?.pdf": "Perché no_.pdf",
    'a"b\\c.txt': "a_b_c.txt",
    "a\r\nSet-Cookie: x=1.txt": "a Set-Cookie_ x=1.txt",
    "invoice\u202efdp.exe": "invoicefdp.exe",
    "\u2066a\u2069\u200b.txt": "a.txt",
    "../../etc/passwd": "_.._etc_passwd",
    "C:\\Windows\\x.dll": "C__Windows_x.dll",
    "nul\0byte.txt": "nulbyte.txt",
    "tab\tand\u2028line.txt": "tab and line.txt",
    "": "file",
    "...": "file",
    " .htaccess ": "htaccess",
    "\ud800.txt": "txt",
    "文件.pdf": "文件.pdf",
    "100%25.txt": "100%25.txt",
    "a;b=c,d.txt": "a;b=c,d.txt",
}


@pytest.mark.parametrize(("name", "safe"), NAMES.items())
def test_a_name_arrives_without_what_deceives(name, safe):
    """No path, no control, no mark that turns the direction of writing."""
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", [*NAMES, "è" * 200 + ".txt", "x" * 300, "😀" * 100 + ".tar.gz"])
def test_the_header_is_one_line_that_every_browser_reads(name):
    """A plain name in quotes, and the true one by RFC 8187 where it is another."""
    header = disposition(name, as_attachment=True)
    found = re.fullmatch(
        r'attachment; filename="([A-Za-z0-9 ._()+,=@-]+)"'
        r"(?:; filename\*=UTF-8''([A-Za-z0-9._~%-]+))?", header,
    )  # fmt: skip

    assert found, header
    assert unquote(found[2] or found[1]) == safe_name(name)
    assert len(safe_name(name).encode()) <= 255


def test_a_long_name_keeps_its_ending():
    """The middle is cut between two characters."""
    safe = safe_name("è" * 200 + ".txt")

    assert safe == "è" * 125 + ".txt"


def test_the_ranges_of_the_page_are_those_of_the_function():
    """None is the whole file; a range that begins after the end is an error of its own."""
    assert asked_range(None, 10) is None
    assert asked_range("bytes=2-4", 10) == (2, 4)
    with pytest.raises(Unsatisfiable):
        asked_range("bytes=10-", 10)

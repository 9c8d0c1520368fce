"""obolo plugins check finds what is wrong without running it."""

from __future__ import annotations

import pytest

from core.cli.checking import check
from core.cli.scaffolding import scaffold
from core.plugins import deprecations
from core.plugins.deprecations import Deprecated


@pytest.fixture
def folder(tmp_path):
    """A plugin that is in order."""
    scaffold("page", "hello", tmp_path / "hello")
    return tmp_path / "hello"


def swap(old, new):
    return lambda text: text.replace(old, new)


def add(line):
    return lambda text: f"{text}\n{line}\n"


FAULTS = {
    "another name": ("plugin.toml", swap('name = "hello"', 'name = "bye"'), "named as its folder"),
    "an unknown key": ("plugin.toml", swap("author", "autor"), "unknown field `autor`"),
    "another API": ("plugin.toml", swap(">=1.0,<2", ">=7"), "needs version >=7"),
    "no end of the API": ("plugin.toml", swap(">=1.0,<2", ">=1.0"), "has no end"),
    "no licence": ("plugin.toml", swap('licence = "MIT"', ""), "under which licence"),
    "no Italian title": ("plugin.toml", swap("title.it", "title.fr"), "missing for “it”"),
    "an unknown host": ("plugin.toml", add('[touches]\nhosts = ["https://x/"]'), "is no host"),
    "a script without a reason": (
        "static/more.js", lambda text: "x()", "does not say what it is for"),
    "a script from nowhere": (
        "plugin.toml", add('[[scripts]]\nsrc = "https://js.example.com/a.js"\nreason.en = "x"'),
        "not declared under"),
    "a wide origin": ("plugin.toml", add('[touches]\nscripts = ["https:"]'), "is no origin"),
    "no README": ("README.md", lambda text: "Hello", "what the plugin does"),
    "an inner module": ("views.py", add("from core.ledger import post"), "is not for plugins"),
    "all of core": ("views.py", add("import core"), "not “import core”"),
    "an unknown name": ("views.py", add("from core import post"), "core does not offer post"),
    "another plugin": ("views.py", add("from plugins.tipjar.jar import draw"), "from .jar import"),
    "a slip": ("views.py", add("def :"), "cannot be read"),
    "another's table": ("migrations/0001_initial.py", swap("hello_entry", "posts_entry"),
                        "posts_entry does not start with hello_"),
    "no up": ("migrations/0001_initial.py", swap("def up", "def upward"), "no function “up"),
    "an inline style": ("templates/hello/book.html", add('<p style="x">'), "lets no style"),
    "safe": ("templates/hello/book.html", add("{{ lines|safe }}"), "marks nothing as safe"),
    "another site": ("templates/hello/book.html", add('<img src="https://a.example/x.png">'),
                     "https://a.example is not declared"),
    "a new word": ("templates/hello/book.html", add('{{ _("Brand new words") }}'),
                   "“Brand new words” has no “it”"),
    "a new refusal": ("views.py", add('raise BadInput("No such thing at all.")'),
                      "“No such thing at all.” has no “it”"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named(folder, fault):
    """One finding for one fault, with its file and a sentence that says what to do."""
    name, change, sentence = FAULTS[fault]
    before = check(folder)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(change(path.read_text() if path.exists() else ""))
    found = check(folder)

    assert before == []
    assert [one for one in found if sentence in one.sentence and name in one.place], found
    assert all(one.is_wrong for one in found)


def test_a_gap_missing_tests_and_weight_are_found(folder, monkeypatch):
    """What no single file shows."""
    (folder / "migrations" / "0003_late.py").write_text("def up(migrator, db):\n    pass\n")
    (folder / "tests" / "test_hello.py").unlink()
    monkeypatch.setattr("core.cli.checking.MOST_BYTES", 1_024)
    said = " ".join(one.sentence for one in check(folder))

    assert "not numbered 0001_, 0002_" in said
    assert "there are no tests" in said
    assert "KB; 1 are the most" in said


def test_what_is_deprecated_is_a_note_and_nothing_wrong(folder, monkeypatch):
    """A name and a hook; the author reads since when, until when, and what to use."""
    old = (
        Deprecated("allow_door", "1.2", "2.0", "use `callers(door=...)`"),
        Deprecated("export_reader", "1.3", "2.0", "use `hand_out`"),
        Deprecated("decide", "1.3", "2.0", "it is not used here"),
    )
    monkeypatch.setattr(deprecations, "DEPRECATED", old)
    found = check(folder)

    assert [one.is_wrong for one in found] == [False, False]
    assert found[0].sentence == (
        "allow_door is old since 1.2 and goes with 2.0: use `callers(door=...)`"
    )

"""obolo run --reload starts the site again when a file changes."""

from __future__ import annotations

import textwrap

import pytest

from core.cli import reloading


def test_a_look_sees_what_came_went_and_changed(tmp_path):
    """What is made from the sources, and tests, start nothing again."""
    for name in ("a.py", "b.html", "made.mo", "tests/test_a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    before = reloading.files([tmp_path, tmp_path / "nowhere"])
    (tmp_path / "a.py").unlink()
    (tmp_path / "c.css").write_text("x")

    assert {path.name for path in before} == {"a.py", "b.html"}
    found = reloading.changed(before, reloading.files([tmp_path]))
    assert [path.name for path in found] == ["a.py", "c.css"]
    assert reloading.changed(before, before) == []


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Stand in for the site: the first run changes a file and waits, the second one ends."""
    runs, watched = tmp_path / "runs", tmp_path / "watched"
    watched.mkdir()
    package = tmp_path / "path" / "core"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text(
        textwrap.dedent(f"""
        import pathlib, sys, time
        runs = pathlib.Path({str(runs)!r})
        runs.write_text((runs.read_text() if runs.exists() else "") + " ".join(sys.argv[1:]) + ";")
        if runs.read_text().count(";") > 1:
            sys.exit(7)
        pathlib.Path({str(watched)!r}, "views.py").write_text("changed")
        time.sleep(60)
        """)
    )
    monkeypatch.setattr(reloading, "LOOK_SECONDS", 0.02)
    monkeypatch.chdir(tmp_path / "path")
    return runs, watched


def test_a_change_starts_the_site_again_and_says_so(program):
    """The old one is ended first; how the new one ends is how this process ends."""
    runs, watched = program
    said: list[str] = []
    code = reloading.run_again(
        ["run", "--demo"], [watched], {"PATH": "", "PYTHONPATH": ""}, say=said.append
    )

    assert code == 7
    assert runs.read_text() == "run --demo;run --demo;"
    assert said == ["  views.py changed; the site starts again."]

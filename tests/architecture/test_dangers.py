"""What the code never does, so that nobody has to look for it."""

from __future__ import annotations

import ast
import re
import time

import pytest

from tests.architecture.tree import ROOT, name_of, parsed, sources

NEVER = frozenset({
    "eval", "exec", "compile", "__import__", "render_template_string", "system", "popen", "Popen",
    "check_output", "check_call", "md5", "sha1", "new_event_loop",
}) | {"from_string"}  # fmt: skip
"""Calls that run text as code, start a process, or hash with what is broken."""
UNSAFE = frozenset({"pickle", "marshal", "shelve", "random", "subprocess", "telnetlib"})
"""Modules that read what may run, guess what may be guessed, or start processes."""
STORIES = {"core/cli/year.py": "the sales of a demo, the same for the same seed; nothing is secret"}
"""Where dice may roll, and why."""
SCRIPTS = [*ROOT.glob("core/static/*.js"), *ROOT.glob("themes/*/static/*.js")]
HTML_SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|postMessage|"
    r"addEventListener\(\s*['\"]message|__proto__|sessionStorage|document\.cookie"
)
LONG = 50_000
ADVERSE = ("a" * LONG, "0" * LONG, " " * LONG, "-" * LONG, "a-" * (LONG // 2), "{{ a " * 10_000)


def called(tree: ast.AST) -> set[str]:
    """Return the names of what is called, methods without their object."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr="compile")):
                pass
            case ast.Call(func=ast.Attribute(attr=name)):
                found.add(name)
    return found


def imported(tree: ast.AST) -> set[str]:
    """Return the top-level names of the modules that are imported."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {one.name.partition(".")[0] for one in names}
            case ast.ImportFrom(module=str() as module):
                found.add(module.partition(".")[0])
    return found


STARTS = {
    "core/plugins/preflight.py": ({"Popen"}, {"subprocess"}),
    "core/cli/reloading.py": ({"Popen"}, {"subprocess"}),
    "core/cli/authoring.py": (set(), {"subprocess"}),
}
"""What tries or tests a plugin starts this same program, without a shell; so does `--reload`."""


@pytest.mark.parametrize("path", sources("core", "plugins"), ids=name_of)
def test_nothing_runs_text_or_starts_a_process(path):
    """No eval, no template from a text, no shell, no unsafe format, no weak hash, no dice."""
    tree = parsed(path)
    calls, imports = STARTS.get(name_of(path), (set(), set()))
    unsafe = UNSAFE - {"random"} if name_of(path) in STORIES else UNSAFE

    assert called(tree) & NEVER == calls
    assert imported(tree) & unsafe == imports


def test_the_finder_sees_them():
    """A planted call and a planted import are found."""
    tree = ast.parse("import pickle\nfrom random import choice\neval('1')\nos.system('ls')")

    assert called(tree) & NEVER == {"eval", "system"}
    assert imported(tree) & UNSAFE == {"pickle", "random"}


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_writes_no_html_and_listens_to_no_other_window(path):
    """Text goes into a page as text; the one thing that is stored is the choice of colours."""
    text = path.read_text()

    assert not HTML_SINKS.search(text)
    assert set(re.findall(r"localStorage\.\w+\((\w+)", text)) <= {"store"}


def patterns() -> list[tuple[str, str]]:
    """Return every regular expression of core and the bundled plugins, with its place."""
    found = []
    for path in sources("core", "plugins"):
        for node in ast.walk(parsed(path)):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="re")),
                    args=[ast.Constant(value=str() as pattern), *_],
                ):
                    found.append((name_of(path), pattern))
    return found


@pytest.mark.parametrize(("place", "pattern"), patterns())
def test_no_pattern_can_be_made_to_hang(place, pattern):
    """Long texts that nearly fit are answered at once."""
    compiled = re.compile(pattern)
    for text in ADVERSE:
        start = time.thread_time()
        for look in (compiled.fullmatch, compiled.match):
            look(text + "\x00")
        next(compiled.finditer(text[:5_000]), None)
        assert time.thread_time() - start < 1, (place, pattern, text[:10])

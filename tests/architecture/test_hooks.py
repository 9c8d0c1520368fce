"""The list of hooks is a promise: short, typed, documented with its exact words, and used."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.tree import PLUGINS, ROOT, parsed

PAGE = (ROOT / "docs" / "hooks.md").read_text()
SPECS = {
    node.name: node
    for node in parsed(ROOT / "core" / "hookspecs.py").body
    if isinstance(node, ast.FunctionDef)
}
SECTIONS = {
    heading.partition("(")[0]: body
    for heading, body in re.findall(
        r"^### (.+?)\n(.*?)(?=^###? |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
}


def signature(spec: ast.FunctionDef) -> str:
    """Return a hook's name, arguments and answer, with their types."""
    return f"{spec.name}({ast.unparse(spec.args)}) -> {ast.unparse(spec.returns)}"


def implementing(hook: str) -> list[str]:
    """Return the bundled plugins that answer a hook."""
    return [
        folder.name
        for folder in PLUGINS
        for node in parsed(folder / "__init__.py").body
        if isinstance(node, ast.FunctionDef)
        and node.name == hook
        and any("hookimpl" in ast.unparse(mark) for mark in node.decorator_list)
    ]


def test_hooks_stay_few():
    """An author reads them in one sitting."""
    assert len(SPECS) <= 30


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_is_typed_in_full(hook):
    """Each argument and the answer have a type."""
    spec = SPECS[hook]

    assert spec.returns is not None
    assert all(argument.annotation for argument in spec.args.args)


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_says_what_it_asks_in_one_sentence(hook):
    """Everything else stands on the page."""
    text = ast.get_docstring(SPECS[hook])

    assert text.endswith(".")
    assert "\n" not in text
    assert not re.search(r"[.!?]\s+[A-Z]", text)


@pytest.mark.parametrize("hook", SPECS)
def test_the_page_has_the_hook_with_its_exact_signature(hook):
    """A heading with the arguments' names, and a line with their types."""
    names = ", ".join(argument.arg for argument in SPECS[hook].args.args)

    assert f"\n### {hook}({names})\n" in PAGE
    assert f"```text\n{signature(SPECS[hook])}\n```" in SECTIONS[hook]


def test_the_page_has_no_hook_that_does_not_exist():
    """A hook that went leaves the page too."""
    assert list(SECTIONS) == list(SPECS), "in the order of core/hookspecs.py"


@pytest.mark.parametrize("hook", SPECS)
def test_somebody_uses_the_hook(hook):
    """A bundled plugin, named on the page, or the page's example, which other tests run."""
    said = re.search(r"^In the box: (.+)\.$", SECTIONS[hook], re.MULTILINE)[1]
    named = [] if said == "none so far" else said.split(", ")

    assert named == implementing(hook)
    assert re.search(rf"```python\n.*@hookimpl\ndef {hook}\(.*```", SECTIONS[hook], re.DOTALL)

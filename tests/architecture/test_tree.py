"""The tree: a test for each module, names that say something, pages that are safe."""

from __future__ import annotations

import ast
import re
import tokenize

import pytest
from flask import Blueprint

from core.people import roles
from core.web.callers import Undeclared, callers_of, check_callers
from tests.architecture.tree import PLUGINS, ROOT, name_of, parsed, sources

NOTHING = re.compile(r"(^|_)(utils?|common|base|helpers?|misc|manager)(_|$)")
TEMPLATES = sorted(
    path for folder in ("core", "plugins", "themes") for path in (ROOT / folder).rglob("*.html")
)
EXTERNAL = re.compile(
    r"""(?:src|href|srcset|action|poster)\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE
)
TOGETHER = {
    "core/orders/lines.py": "tests/core/test_orders.py",
    "core/orders/records.py": "tests/core/test_orders.py",
    "core/checkout/refreshing.py": "tests/core/checkout/test_paying.py",
    "core/storage/keks.py": "tests/core/storage/test_keys.py",
    "core/storage/tombstones.py": "tests/core/storage/test_keys.py",
    "core/cli/home.py": "tests/core/cli/test_keys.py",
    "core/payments/steps.py": "tests/core/payments/test_provider.py",
    "core/payments/comparing.py": "tests/core/payments/test_provider.py",
    "core/testing/provider_more.py": "tests/plugins/playmoney/test_contract.py",
    "core/checkout/announcing.py": "tests/core/checkout/test_settling.py",
    "core/checkout/ways.py": "tests/core/checkout/test_paying.py",
    "core/cursors.py": "tests/core/web/api/test_money.py",
    "core/web/returning.py": "tests/core/web/test_buttons.py",
    "core/web/api/answers.py": "tests/core/web/api/test_money.py",
    "core/web/api/drawing.py": "tests/core/web/api/test_money.py",
    "core/web/api/shapes.py": "tests/core/web/api/test_description.py",
    "core/web/api/examples.py": "tests/core/web/api/test_description.py",
    "core/web/api/operations.py": "tests/core/web/api/test_description.py",
    "core/plugins/declarations.py": "tests/core/plugins/test_loader.py",
    "core/plugins/cards.py": "tests/core/plugins/test_loader.py",
    "core/plugins/loaded.py": "tests/core/plugins/test_caller.py",
    "core/cli/scaffolding.py": "tests/core/cli/test_authoring.py",
    "core/cli/packing.py": "tests/core/cli/test_authoring.py",
    "core/plugins/deprecations.py": "tests/core/cli/test_checking.py",
    "core/plugins/catalogues.py": "tests/core/cli/test_checking.py",
    "core/testing/browser.py": "tests/core/testing/test_trying.py",
    "core/testing/mailbox.py": "tests/core/testing/test_trying.py",
    "core/testing/people.py": "tests/core/testing/test_trying.py",
    "core/testing/providers.py": "tests/plugins/playmoney/test_contract.py",
    "core/testing/provider_steps.py": "tests/plugins/playmoney/test_contract.py",
    "core/testing/provider_trust.py": "tests/plugins/playmoney/test_contract.py",
    "core/web/admin/shell.py": "tests/core/web/admin/test_going.py",
}
"""Modules whose tests stand in another file than their own, as two halves of one thing."""
MARKUP = {
    "core/web/keeping.py": "a mark, and pieces that plugins made",
    "core/web/rendering.py": "an empty piece, a field of core's, and pieces that plugins made",
    "core/people/two_factor.py": "squares of a picture that a library drew",
    "plugins/playmoney/__init__.py": "a template that escapes",
    "plugins/banktransfer/qr.py": "squares of a picture that a library drew",
    "plugins/gifts/notes.py": "a template that escapes",
    "plugins/playmoney/page.py": "a template that escapes",
    "plugins/machinepay/__init__.py": "a template that escapes",
    "plugins/passes/notes.py": "a template that escapes",
    "plugins/prices/views.py": "a template that escapes",
    "plugins/takeback/__init__.py": "a template that escapes",
    "plugins/tipjar/jar.py": "a template that escapes",
    "plugins/tab/notes.py": "a template that escapes",
    "plugins/wallet/notes.py": "a template that escapes",
    "plugins/posts": "text that was cleaned when it was stored",
    "plugins/stripe/express.py": "a template that escapes",
}
"""Where a text is called safe, and why it is."""


def modules():
    skipped = ("__init__.py", "__main__.py")
    return [
        path
        for path in sources("core")
        if path.name not in skipped and "migrations" not in path.parts
    ]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_has_its_test_file(path):
    """Tests lie as the tree lies: core/x/y.py is tested by tests/core/x/test_y.py."""
    inside = path.relative_to(ROOT / "core")
    own = ROOT / "tests" / "core" / inside.parent / f"test_{inside.name}"
    together = TOGETHER.get(name_of(path))

    assert own.exists() or (together and (ROOT / together).exists())


def test_a_test_file_has_its_module():
    """A module that went takes its tests along."""
    for test in (ROOT / "tests" / "core").rglob("test_*.py"):
        inside = test.relative_to(ROOT / "tests" / "core")
        module = ROOT / "core" / inside.parent / inside.name.removeprefix("test_")
        assert module.exists() or module.with_suffix("").is_dir(), name_of(test)


def test_a_plugins_tests_stand_in_its_folder():
    """A plugin goes with its folder and its test folder."""
    folders = {path.name for path in (ROOT / "tests" / "plugins").iterdir() if path.is_dir()}

    assert folders - {"__pycache__"} == {path.name for path in PLUGINS}


def test_a_name_says_what_is_inside():
    """No drawer for whatever found no place."""
    files = sources("core", "plugins", "tools", "tests")
    drawers = [path for path in files if any(map(NOTHING.search, (path.stem, path.parent.name)))]

    assert not drawers


def comments(path):
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    return "\n".join(token.string for token in tokens if token.type == tokenize.COMMENT)


def test_nothing_is_left_to_do():
    """What is missing is an issue, not a comment."""
    left = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    files = sources("core", "plugins", "tools", "tests")

    assert not [name_of(path) for path in files if left.search(comments(path))]


def test_every_route_says_who_may_call_it(make_site):
    """With every bundled plugin on, the site has no route without a declaration."""
    app = make_site(*(path.name for path in PLUGINS))
    rules = list(app.url_map.iter_rules())

    assert len(rules) > 10
    declared = {callers_of(app, rule.endpoint) for rule in rules}
    assert declared <= {"anyone", "provider", "user", *roles.known()}
    writing = {rule.endpoint for rule in rules if callers_of(app, rule.endpoint) == "provider"}
    assert "webhooks.receive" in writing


def test_a_route_that_does_not_say_stops_the_start(make_site):
    """Forgetting is not allowing."""
    app = make_site()
    app.add_url_rule("/silent", "silent", lambda: "nobody said who")

    with pytest.raises(Undeclared, match="/silent"):
        check_callers(app)


def test_a_plugin_with_a_silent_route_stays_off(make_site, monkeypatch):
    """The site starts without it, and the owner is told why."""
    pages = Blueprint("silent", __name__)
    pages.add_url_rule("/x/tipjar/silent", "page", lambda: "nobody said who")
    monkeypatch.setattr("plugins.tipjar.pages", pages)

    with pytest.raises(AssertionError, match="/x/tipjar/silent does not say who may call it"):
        make_site("tipjar")


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_asks_no_third_party_and_escapes(path):
    """What a page needs comes from the site; nothing is marked as safe in a template."""
    text = path.read_text()

    assert not EXTERNAL.search(text)
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), "the policy lets nothing inline"


def test_safe_text_is_made_in_few_places():
    """`Markup(...)` turns escaping off, so each place has its reason."""
    makes = {
        name_of(path)
        for path in sources("core", "plugins")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Markup", "markupsafe.Markup")
    }
    unexplained = {
        path for path in makes if path not in MARKUP and path.rpartition("/")[0] not in MARKUP
    }

    assert not unexplained


def test_the_policy_and_css_name_no_other_site():
    """Themes and core's own files load nothing from elsewhere."""
    styles = [*ROOT.glob("themes/**/*.css"), *ROOT.glob("core/static/*.css")]

    elsewhere = re.compile(r"(?:url\(|@import)\s*['\"]?(https?:)?//")

    assert not [path for path in styles if elsewhere.search(path.read_text())]


def test_no_message_is_taken_unverified():
    """Stripe's package offers to read a message without its signature; nobody takes that offer."""
    for path in sources("core", "plugins", "tests", "tools"):
        names = {getattr(node, "attr", "") for node in ast.walk(parsed(path))}

        assert "construct_event_without_verification" not in names, name_of(path)

"""Builders of addresses are compiled when one is wanted, and build what Werkzeug's own do."""

from __future__ import annotations

import pytest
from werkzeug import routing
from werkzeug.exceptions import NotFound

from core.web import rules
from core.web.rules import Rule

ADDRESSES = (
    ("/a/<name>", {"name": "x y", "page": 2}),
    ("/<int:number>/<path:rest>", {"number": 3, "rest": "b/c"}),
    ("/plain", {"q": ["1", "2"], "none": None}),
)  # fmt: skip


@pytest.mark.parametrize(("text", "values"), ADDRESSES)
def test_an_address_is_that_of_werkzeugs_own_rule(text, values):
    """Escaped, with what is no part of the path behind it; called twice, it is the same."""
    built = [
        routing.Map([kind(text, endpoint="x")]).bind("localhost").build("x", values)
        for kind in (Rule, routing.Rule, Rule)
    ]

    assert len(set(built)) == 1


def adapter_of(*rules, **converters):
    return routing.Map(rules, converters=converters).bind("localhost")


def test_the_same_text_is_read_once_and_means_the_same_in_the_next_app(monkeypatch):
    """An app that takes another's place has the same rules; it matches and builds alike."""
    texts = [text for text, _ in ADDRESSES]
    read = []
    parse = routing.Rule._parse_rule
    monkeypatch.setattr(
        routing.Rule, "_parse_rule", lambda rule, text: read.append(text) or parse(rule, text)
    )
    monkeypatch.setattr(rules, "_read", {})
    apps = [adapter_of(*(Rule(text, endpoint=text) for text in texts)) for _ in range(3)]

    assert sorted(read) == sorted(texts)
    plain = adapter_of(*(routing.Rule(text, endpoint=text) for text in texts))
    for app in apps:
        for path in ("/a/x%20y", "/3/b/c", "/plain"):
            assert app.match(path) == plain.match(path)
        with pytest.raises(NotFound):
            app.match("/x/b/c")


def test_what_a_rule_does_not_say_is_not_shared():
    """Defaults, converters of a plugin's own, and whether slashes are merged."""

    class Twice(routing.BaseConverter):
        def to_url(self, value):
            return value * 2

    class Plain(routing.BaseConverter):
        pass

    by_default = [
        adapter_of(Rule("/p/<n>", endpoint="x", defaults={"n": n})).build("x") for n in ("a", "b")
    ]
    converted = [
        adapter_of(Rule("/<own:n>", endpoint="x"), own=kind).build("x", {"n": "a"})
        for kind in (Twice, Plain, Twice)
    ]

    assert by_default == ["/p/a", "/p/b"]
    assert converted == ["/aa", "/a", "/aa"]


def test_nothing_is_compiled_before_it_is_wanted(monkeypatch):
    """That is what the class is for; the first address compiles one of two builders."""
    compiled = []
    make = routing.Rule._compile_builder
    monkeypatch.setattr(
        routing.Rule, "_compile_builder",
        lambda rule, append_unknown=True: compiled.append(rule) or make(rule, append_unknown),
    )  # fmt: skip
    monkeypatch.setattr(rules, "_builders", {})
    map_ = routing.Map([Rule("/<name>", endpoint="x"), Rule("/other/<name>", endpoint="y")])
    assert compiled == []
    adapter = map_.bind("localhost")
    assert {adapter.build("x", {"name": "a"}) for _ in range(3)} == {"/a"}

    assert len(compiled) == 1

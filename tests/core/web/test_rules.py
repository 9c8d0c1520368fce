"""Builders of addresses are compiled when one is wanted, and build what Werkzeug's own do."""

from __future__ import annotations

import pytest
from werkzeug import routing

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


def test_nothing_is_compiled_before_it_is_wanted(monkeypatch):
    """That is what the class is for; the first address compiles one of two builders."""
    compiled = []
    make = routing.Rule._compile_builder
    monkeypatch.setattr(
        routing.Rule, "_compile_builder",
        lambda rule, append_unknown=True: compiled.append(rule) or make(rule, append_unknown),
    )  # fmt: skip
    map_ = routing.Map([Rule("/<name>", endpoint="x"), Rule("/other/<name>", endpoint="y")])
    assert compiled == []
    adapter = map_.bind("localhost")
    assert {adapter.build("x", {"name": "a"}) for _ in range(3)} == {"/a"}

    assert len(compiled) == 1

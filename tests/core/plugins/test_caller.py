"""Core calls plugins one by one: a failure names plugin and hook and takes no other along."""

from __future__ import annotations

import logging
from types import ModuleType

import pytest

from core import hookimpl
from core.errors import Conflict, NotFound, OboloError, PluginFailed, Refused
from core.plugins import call, caller, each, fold, implementations, loaded, render


@pytest.fixture
def enabled(monkeypatch):
    """Enable plugins by their hooks: the first to be asked first; they may answer anything."""
    monkeypatch.setattr(caller, "answers", {})
    monkeypatch.setattr(caller, "several", {})

    def enable(**plugins):
        modules = []
        for name, hooks in plugins.items():
            module = ModuleType(name)
            for hook, function in hooks.items():
                setattr(module, hook, hookimpl(function))
            modules.append((name, module))
        return caller.load(modules)

    yield enable
    caller.load([])


def saying(word):
    return {"describe": lambda resource: f"{word} {resource}"}


def raising(error):
    def describe():
        raise error

    return {"describe": describe}


def test_plugins_are_asked_in_order_and_none_is_no_answer(enabled):
    """Answers come with the name of who gave them; an empty answer is one."""
    enabled(a=saying("a"), b={"describe": lambda: None}, c={"describe": lambda: ""}, d={})

    assert list(each("describe", resource="x")) == [("a", "a x"), ("c", "")]
    assert [one.plugin for one in implementations("describe")] == ["a", "b", "c"]


def test_a_plugin_names_only_the_arguments_it_wants(enabled):
    """In any order, some of them, or none."""
    seen = []
    enabled(
        a={"guard": lambda gate, resource: seen.append((gate, resource))},
        b={"guard": lambda reader: seen.append(reader or "nobody")},
        c={"guard": lambda: seen.append("none")},
    )
    list(each("guard", resource="x", reader="r", gate="g"))

    assert seen == [("g", "x"), "r", "none"]


def test_asking_is_lazy(enabled):
    """Whoever has heard enough asks nobody else."""
    enabled(a=saying("a"), b=raising(RuntimeError()))

    assert next(each("describe", resource="x")) == ("a", "a x")


def test_a_failure_names_plugin_and_hook(enabled, caplog):
    """The request stops; the log has the trace."""
    enabled(a=saying("a"), bad=raising(KeyError("price")))
    with pytest.raises(PluginFailed) as caught:
        list(each("describe", resource="x"))

    assert (caught.value.plugin, caught.value.hook) == ("bad", "describe")
    assert str(caught.value) == "plugin bad failed in describe: KeyError: 'price'"
    assert isinstance(caught.value.__cause__, KeyError)
    assert "KeyError" in caplog.text


@pytest.mark.parametrize("error", [Refused("No."), NotFound("Gone."), Conflict("Late.")])
def test_what_a_plugin_says_on_purpose_passes_as_it_is(enabled, error, caplog):
    """A refusal is for the reader, and no failure."""
    enabled(a=raising(error))
    with pytest.raises(type(error)) as caught:
        list(each("describe", resource="x"))

    assert caught.value is error
    assert caplog.text == ""


def test_a_plugin_cannot_stop_the_process_by_an_assertion(enabled):
    """An assertion of its own is a failure as any other."""
    enabled(bad=raising(AssertionError("never")))

    with pytest.raises(PluginFailed):
        list(each("describe", resource="x"))


def test_folding_hands_on_what_the_ones_before_made(enabled):
    """None leaves it as it is."""
    enabled(
        a={"add_lines": lambda order: [*order, "a"]},
        b={"add_lines": lambda order: None},
        c={"add_lines": lambda order: [f"c after {len(order)}"]},
    )
    result = fold("add_lines", "order", ["first"], lambda order, lines: lines)

    assert result == ["c after 2"]
    assert fold("add_lines", "order", [], lambda order, lines: order + lines) == ["a", "c after 1"]
    assert fold("describe", "resource", "start", lambda a, b: b) == "start"


def test_folding_stops_at_a_failure(enabled, caplog):
    """Nothing is guessed from half of the answers."""
    enabled(a={"add_lines": lambda order: ["a"]}, bad={"add_lines": lambda: 1 / 0})

    with pytest.raises(PluginFailed, match="bad failed in add_lines: ZeroDivisionError"):
        fold("add_lines", "order", [], lambda order, lines: lines)


def test_a_piece_of_a_page_that_fails_is_left_out(enabled, caplog):
    """The page is drawn with the others, and the log names plugin and hook."""
    enabled(
        a={"render_slot": lambda slot: f"a {slot}"},
        bad={"render_slot": lambda: 1 / 0},
        refusing={"render_slot": lambda: (_ for _ in ()).throw(OboloError("no"))},
        nothing={"render_slot": lambda: None},
        z={"render_slot": lambda context: f"z {context}"},
    )

    assert render("render_slot", slot="head", context=1) == [("a", "a head"), ("z", "z 1")]
    assert "the piece of plugin bad in render_slot is left out" in caplog.text
    assert "the piece of plugin refusing in render_slot is left out" in caplog.text


@pytest.mark.parametrize(
    ("hooks", "word"),
    [
        ({"descibe": lambda resource: None}, "descibe"),
        ({"describe": lambda resource, reader: None}, "reader"),
        ({"describe": lambda resource: None, "on_ordr_paid": lambda order: None}, "on_ordr_paid"),
    ],
)
def test_a_plugin_with_a_wrong_hook_is_left_out_whole(enabled, hooks, word):
    """None of its hooks is called, and the others are."""
    refused = enabled(a=saying("a"), bad=hooks, z=saying("z"))

    assert list(refused) == ["bad"]
    assert word in str(refused["bad"])
    assert list(each("describe", resource="x")) == [("a", "a x"), ("z", "z x")]


def test_two_wrong_plugins_are_told_apart(enabled):
    """Each is refused for its own mistake."""
    refused = enabled(
        one={"describe": lambda nonsense: None}, a=saying("a"), two={"nonsense": lambda: None}
    )

    assert set(refused) == {"one", "two"}
    assert "argument" in str(refused["one"]).lower()
    assert [one.plugin for one in implementations("describe")] == ["a"]


def test_a_dropped_plugin_is_not_asked_again(enabled):
    """The others are, in their order."""
    enabled(a=saying("a"), b=saying("b"), c=saying("c"))
    loaded().drop("b")

    assert [one.plugin for one in implementations("describe")] == ["a", "c"]


def test_a_hook_that_nobody_answers_has_no_implementations(enabled):
    """Neither has one that does not exist."""
    enabled(a=saying("a"))

    assert implementations("review") == []
    assert implementations("nonsense") == []
    assert list(each("review", order=1, reader=1)) == []


def test_a_slow_hook_is_logged_by_name(enabled, caplog, monkeypatch):
    """The owner sees which plugin makes the page wait; a quick one is not mentioned."""
    enabled(slow=saying("x"))
    (implementation,) = implementations("describe")
    call("describe", implementation, {"resource": "x"})
    assert caplog.text == ""
    monkeypatch.setattr(caller, "SLOW_SECONDS", -1)
    with caplog.at_level(logging.WARNING):
        call("describe", implementation, {"resource": "x"})

    assert "slow.describe took" in caplog.text


def test_every_call_is_logged_when_tracing(enabled, caplog, monkeypatch):
    """One that fails as well."""
    enabled(quick=saying("x"), bad=raising(KeyError("x")))
    monkeypatch.setattr(caller, "trace", True)
    with pytest.raises(PluginFailed):
        list(each("describe", resource="x"))

    assert "quick.describe took" in caplog.text
    assert "bad.describe took" in caplog.text

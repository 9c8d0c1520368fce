"""Every question that core asks has a family, a sentence and a typed signature."""

from __future__ import annotations

import inspect
import re

import pytest

from core import hookspecs

HOOKS = {
    name: function for name, function in vars(hookspecs).items() if hasattr(function, "obolo_spec")
}
DURING_A_REQUEST = {
    "add_lines", "ask", "check_health", "describe", "erase_reader", "export_reader", "guard",
    "list_resources", "pay_machine", "require", "reserve", "review", "send_message",
}  # fmt: skip


def test_there_are_at_most_thirty():
    """A plugin author reads them in one sitting."""
    assert 15 < len(HOOKS) <= 30


@pytest.mark.parametrize("name", HOOKS)
def test_a_name_says_when_a_hook_is_called(name):
    """Its first word is a family, or it is one of the verbs of a request."""
    family = name.partition("_")[0]

    assert family in {"register", "render", "on"} or name in DURING_A_REQUEST
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_in_a_sentence_what_to_answer(name):
    """Its arguments and its answer are typed; it has no default and no body."""
    signature = inspect.signature(HOOKS[name])

    assert HOOKS[name].__doc__.strip().endswith(".")
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty
        assert parameter.default is inspect.Parameter.empty
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


@pytest.mark.parametrize("name", [name for name in HOOKS if name.startswith("on_")])
def test_what_is_told_after_the_fact_names_the_order_and_wants_no_answer(name):
    """Core fills in what a notice can carry."""
    signature = inspect.signature(HOOKS[name])

    assert signature.return_annotation in ("None", None)
    assert next(iter(signature.parameters)) == "order"
    assert set(signature.parameters) <= {"order", "amount", "status"}


def test_no_spec_is_taken_by_the_first_answer_only():
    """Core asks one by one itself, so pluggy's own ways of stopping are not used."""
    for function in HOOKS.values():
        assert not function.obolo_spec["firstresult"]
        assert not function.obolo_spec["historic"]

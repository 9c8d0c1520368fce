"""Errors that mean something to a person."""

from __future__ import annotations

import pytest

from core import errors
from core.checkout import Unanswered
from core.errors import BadInput, NotFound, OboloError, PluginFailed, Refused
from core.payments import ProviderRefused, ProviderUnknown


@pytest.mark.parametrize(
    ("name", "status"),
    [("OboloError", 500), ("Refused", 403), ("NotFound", 404), ("BadInput", 400), ("Conflict", 409),
     ("Forged", 400), ("Unavailable", 503), ("PluginFailed", 503)],
)  # fmt: skip
def test_each_kind_has_its_http_status(name, status):
    """A page and a problem document show the same one."""
    assert getattr(errors, name).status == status
    assert issubclass(getattr(errors, name), OboloError)


def test_the_message_is_the_key_of_its_translation():
    """Values stand apart, so that the sentence can be looked up before they are filled in."""
    error = BadInput("“{text}” is not an amount.", text="five")

    assert str(error) == "“five” is not an amount."
    assert error.message == "“{text}” is not an amount."
    assert error.values == {"text": "five"}


@pytest.mark.parametrize("text", ["{", "}", "{0}", "100 {percent}", "%s"])
def test_a_message_without_values_is_shown_as_it_is(text):
    """What a plugin says may hold braces."""
    assert str(Refused(text)) == text
    assert str(NotFound("about {it}", it=text)) == f"about {text}"


def test_a_failed_plugin_is_named_with_its_hook():
    """And with what it raised, whatever that says."""
    error = PluginFailed("vat", "add_lines", KeyError("{rate}"))

    assert (error.plugin, error.hook) == ("vat", "add_lines")
    assert str(error) == "plugin vat failed in add_lines: KeyError: '{rate}'"


def test_the_money_path_has_kinds_of_its_own():
    """Each of them can be shown to a person."""
    for kind in (Unanswered, ProviderRefused, ProviderUnknown):
        assert issubclass(kind, OboloError)
    assert Unanswered([]).status == 422


def test_a_bug_is_not_in_the_family():
    """Assertions crash; nobody takes them for a sentence to a reader."""
    assert not issubclass(AssertionError, OboloError)
    assert not issubclass(OboloError, ValueError | AssertionError | LookupError)

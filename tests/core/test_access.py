"""May this reader open this resource? Guards fold, requirements add, failures stay shut."""

from __future__ import annotations

from types import ModuleType

import pytest

from core import entitlements, hookimpl
from core.access import Access, Gate, decide
from core.errors import NotFound, PluginFailed, Refused
from core.orders import Offer
from core.people import Reader
from core.plugins import caller
from tests.stand_in import READER, post_line

pytestmark = pytest.mark.usefixtures("db")
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POST = Offer("post", "This post", (post_line(),))
PASS = Offer("pass", "All posts", (post_line(500, "pass"),))


@pytest.fixture
def enabled():
    """Enable plugins, each a dictionary of hooks, in this order."""

    def enable(*plugins):
        modules = []
        for number, hooks in enumerate(plugins, 1):
            module = ModuleType(f"plugin_{number}")
            for name, function in hooks.items():
                setattr(module, name, hookimpl(function))
            modules.append((f"plugin{number}", module))
        assert caller.load(modules) == {}

    yield enable
    caller.load([])


def paywall(resource, reader, gate):
    """Put up the first gate."""
    return Gate(frozenset({resource}), lambda: (POST,))


def passes(resource, reader, gate):
    """Widen whatever gate there is."""
    if gate is None:
        return None
    return Gate(gate.keys | {"pass"}, lambda: (*gate.offers(), PASS))


@sqlite_only
def test_without_a_gate_everything_is_open():
    """Core puts up no gate of its own."""
    assert decide("post:hello", READER) == Access(open=True)


@sqlite_only
def test_a_gate_is_shut_and_says_what_sells_its_keys(enabled):
    """The offers are those of the gate's plugin."""
    enabled({"guard": paywall})

    assert decide("post:hello", READER) == Access(open=False, offers=(POST,))


def test_a_key_opens_the_gate_and_no_offer_is_drawn(enabled):
    """Offers are asked only when the reader holds none of the keys."""

    def guard(resource, reader, gate):
        return Gate(frozenset({resource}), lambda: pytest.fail("nobody needs offers"))

    enabled({"guard": guard})
    entitlements.grant("gst_reader", "ord_1", [(1, "post:hello", None)])

    assert decide("post:hello", READER) == Access(open=True, held=True)


def test_each_guard_sees_the_gate_of_those_before_it(enabled):
    """Plugins are asked in the order of the enabled list; a later one may widen the gate."""
    enabled({"guard": paywall}, {"guard": passes})

    assert decide("post:hello", READER).offers == (POST, PASS)
    entitlements.grant("gst_reader", "ord_1", [(1, "pass", None)])
    assert decide("post:hello", READER) == Access(open=True, held=True)


@sqlite_only
def test_a_guard_before_the_paywall_has_nothing_to_widen(enabled):
    """The order of the list decides, not the plugins."""
    enabled({"guard": passes}, {"guard": paywall})

    assert decide("post:hello", READER).offers == (POST,)


@sqlite_only
def test_no_answer_leaves_the_gate_standing(enabled):
    """A plugin cannot take a gate down by saying nothing."""
    enabled({"guard": paywall}, {"guard": lambda resource: None})

    assert not decide("post:hello", READER).open


@sqlite_only
def test_a_gate_without_offers_of_any_kind_does_not_stand(enabled):
    """None instead of offers means that the resource is free."""
    enabled({"guard": lambda: Gate(frozenset({"post:hello"}), lambda: None)})

    assert decide("post:hello", READER) == Access(open=True)


@sqlite_only
@pytest.mark.parametrize("gate", [Gate(frozenset({"x"})), Gate(frozenset()),
                                  Gate(frozenset(), lambda: ())])  # fmt: skip
def test_a_gate_that_sells_nothing_stands(enabled, gate):
    """No offers is not the same as free."""
    enabled({"guard": lambda: gate})

    assert decide("post:hello", READER) == Access(open=False)


def test_every_requirement_must_open_as_well(enabled):
    """A key of the paywall does not open the gate of age."""
    enabled(
        {"guard": paywall},
        {"require": lambda resource: Gate(frozenset({"age:18"}), lambda: (PASS,))},
        {"require": lambda reader: None},
    )

    assert decide("post:hello", READER).offers == (POST, PASS)
    entitlements.grant("gst_reader", "ord_1", [(1, "post:hello", None)])
    assert decide("post:hello", READER) == Access(open=False, offers=(PASS,), held=True)
    entitlements.grant("gst_reader", "ord_2", [(1, "age:18", None)])
    assert decide("post:hello", READER) == Access(open=True, held=True)


@sqlite_only
def test_a_free_resource_still_has_its_requirements(enabled):
    """What costs nothing may be closed for another reason."""
    enabled(
        {"guard": lambda: Gate(frozenset({"post:hello"}), lambda: None)},
        {"require": lambda: Gate(frozenset({"age:18"}))},
    )

    assert not decide("post:hello", READER).open


def test_all_holders_of_a_reader_open(enabled):
    """What a guest bought opens for the user it became."""
    enabled({"guard": paywall})
    entitlements.grant("gst_before", "ord_1", [(1, "post:hello", None)])
    user = Reader(holder="usr_ada", holders=("usr_ada", "gst_before"))

    assert decide("post:hello", user).open
    assert not decide("post:hello", Reader()).open


@sqlite_only
@pytest.mark.parametrize("hook", ["guard", "require"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_gate_whose_plugin_fails_never_opens(enabled, hook, place):
    """The request stops with plugin and hook, wherever the plugin stands, whatever is held."""

    def fails():
        raise RuntimeError("database of the plugin")

    plugins = [{"guard": lambda: Gate(frozenset({"post:hello"}), lambda: None)}]
    plugins.insert(place, {hook: fails})
    enabled(*plugins)
    entitlements.grant("gst_reader", "ord_1", [(1, "post:hello", None)])
    with pytest.raises(PluginFailed) as caught:
        decide("post:hello", READER)

    assert (caught.value.plugin, caught.value.hook) == (f"plugin{place + 1}", hook)
    assert caught.value.status == 503


@sqlite_only
def test_offers_that_fail_never_open(enabled):
    """A plugin that cannot say what its keys cost leaves the gate shut."""

    def offers():
        raise RuntimeError("price list")

    enabled({"guard": lambda: Gate(frozenset({"post:hello"}), offers)})

    with pytest.raises(PluginFailed, match="failed in offers: RuntimeError: price list"):
        decide("post:hello", READER)


@sqlite_only
@pytest.mark.parametrize("error", [Refused("Not here."), NotFound("No such post.")])
def test_what_a_guard_says_on_purpose_reaches_the_reader(enabled, error):
    """A refusal is not a failure."""

    def guard():
        raise error

    enabled({"guard": guard})

    with pytest.raises(type(error), match=str(error)):
        decide("post:hello", READER)

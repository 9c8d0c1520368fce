"""Each call of a provider is one of its plugin's, and one that fails takes no other along."""

from __future__ import annotations

import pytest

from core import checkout
from core.errors import Forged, PluginFailed
from core.payments import Facts, Inbound, Payment, ProviderUnknown
from core.plugins import breaker, catalogue, watching
from core.plugins.providing import watched
from tests.stand_in import READER, StandIn, eur

PAYMENT = Payment("pay_1", "ord_1", "bad", "live", eur(20))
CALLS = {
    "till": lambda one: one.till("gst_1", "EUR"),
    "quote": lambda one: one.quote(eur(20), country="IT"),
    "begin": lambda one: one.begin(None, "key"),
    "look_up": lambda one: one.look_up(PAYMENT),
    "act": lambda one: one.act(PAYMENT, None, "key"),
    "hear": lambda one: one.hear(Inbound({}, b"")),
}


class Saying(StandIn):
    """Raises or answers the same, whatever it is asked."""

    def __init__(self, does):
        super().__init__("bad")
        self.does = does

    def answer(self, *given, **named):
        if isinstance(self.does, Exception):
            raise self.does
        return self.does

    till = quote = begin = look_up = act = hear = answer


@pytest.fixture(autouse=True)
def _noting(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "failed", watching.failed)
    breaker.install(tmp_path)
    watching.take_timings()


@pytest.mark.parametrize("name", CALLS)
def test_what_fails_names_the_plugin_and_the_call(name, caplog):
    """An exception is a failure, and so is an answer of another kind."""
    for does in (KeyError("x"), 7 if name != "hear" else ["odd"]):
        with pytest.raises(PluginFailed, match=f"plugin own failed in provider {name}"):
            CALLS[name](watched("own", Saying(does)))

    assert {(one.plugin, one.what) for one in breaker.noted()} == {("own", f"provider {name}")}
    assert watching.take_timings()["own", f"provider {name}"].errors == 2


@pytest.mark.parametrize("error", [ProviderUnknown("Late."), Forged("No.")])
def test_what_it_says_on_purpose_passes(error):
    """A bank that is away, or a forged message, is no failure of the plugin."""
    for call in (CALLS["look_up"], CALLS["hear"]):
        with pytest.raises(type(error)):
            call(watched("own", Saying(error)))

    assert breaker.noted() == []


def test_it_says_of_itself_what_it_says():
    """Name, mode, payee and what it can are its own, and may change."""
    inner = StandIn("own")
    one = watched("own", inner)
    inner.mode = "test"

    assert (one.name, one.mode, one.can) == ("own", "test", inner.can)
    assert isinstance(one.look_up(PAYMENT), Facts)


def test_one_that_cannot_say_what_it_costs_is_left_out(provider, caplog):
    """The others are offered all the same; the failure is named and counted."""
    catalogue.providers["bad"] = watched("own", Saying(ZeroDivisionError()))
    offered = [way.provider.name for way in checkout.ways(eur(20), READER)]
    catalogue.providers.pop("bad")

    assert offered == ["standin"]
    assert [one.plugin for one in breaker.noted()] == ["own"]
    assert "provider bad is not offered" in caplog.text

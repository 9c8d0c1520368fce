"""No rule of the provider's contract is passed over in silence: each one that is has its reason."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

from core.testing import provider_more, providers

TESTED = {
    "stripe": ("tests.plugins.stripe.test_contract", "TestOverHttp"),
    "paypal": ("tests.plugins.paypal.test_contract", "TestPayPal"),
    "playmoney": ("tests.plugins.playmoney.test_contract", "TestOwnProcess"),
    "banktransfer": ("tests.plugins.banktransfer.test_contract", "TestBankTransfer"),
}
NO_MESSAGES = "banks send no messages; a test of its own refuses each"
NO_WAY_BACK = "a transfer that was sent is not taken back by a bank"
WHY = {
    ("paypal", "hold"): "PayPal's vault and its holds need an account that PayPal has vetted",
    ("paypal", "save"): "PayPal's vault and its holds need an account that PayPal has vetted",
    ("banktransfer", "hold"): "nobody can reserve money on a reader's account",
    ("banktransfer", "save"): "nobody can take money from a reader's account",
    ("banktransfer", "statement"): "the statement is what the owner imports: the facts are its",
    ("banktransfer", "TrustRules"): NO_MESSAGES,
    ("banktransfer", "DisputeRules"): NO_WAY_BACK,
    ("banktransfer", "DoubtRules"): "nothing is asked outside, so no answer can be unclear",
    ("stripe", "test_a_person_can_cancel"): "Stripe's page only leads back; the payment waits",
    ("paypal", "test_a_message_of_another_time_is_refused"): "PayPal repeats one for three days",
}
"""Which words and rules a provider leaves out, or has in words of its own, and why."""
FAMILIES = [one for one in providers.ProviderContract.__mro__ if one.__name__.endswith("Rules")]


def rules_of(kind):
    return {name for name in vars(kind) if name.startswith("test_")}


def words():
    """Return what a provider must say that it can, by the rule that asks for it."""
    tree = ast.parse(Path(provider_more.__file__).read_text())
    return {
        function.name: call.args[1].value
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "needs"
    }


def left_out(name):
    """Return the words that a provider does not say, and the rules that its tests do not have."""
    module, kind = TESTED[name]
    tests = getattr(import_module(module), kind)
    plugin = import_module(f"plugins.{name}.provider")
    can = next(vars(one)["can"] for one in vars(plugin).values() if "can" in vars_of(one))
    asked = set(words())
    families = {one for one in FAMILIES if rules_of(one) - asked and not issubclass(tests, one)}
    everything = set().union(*map(rules_of, FAMILIES))
    own = {rule for one in tests.__mro__ if one.__module__ == module for rule in rules_of(one)}
    unsaid = set(words().values()) - can
    return unsaid | {one.__name__ for one in families} | (own & everything)


def vars_of(thing):
    return vars(thing) if isinstance(thing, type) else {}


def test_what_is_left_out_of_the_contract_stands_here_with_its_reason():
    """By provider; and Stripe and play money leave out none of hold, save and statement."""
    found = {(name, one) for name in TESTED for one in left_out(name)}

    assert found == set(WHY)
    assert set(words().values()) == {"hold", "save", "statement"}
    assert len(words()) >= 11
    for name in ("stripe", "playmoney"):
        assert not {one for by, one in found if by == name} & {"hold", "save", "statement"}

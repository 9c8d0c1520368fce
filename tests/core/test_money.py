"""Amounts: whole minor units, read and written the way a locale does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.money import MOST_MINOR, Money, digits, share

quick = settings(deadline=None, max_examples=60)
SPACE = "\N{NO-BREAK SPACE}"
CURRENCIES = ("EUR", "JPY", "KWD")
amounts = st.integers(-MOST_MINOR, MOST_MINOR)


@pytest.mark.parametrize(
    ("text", "currency", "locale", "minor"),
    [
        ("0.20", "EUR", "en", 20),
        ("0,20", "EUR", "it", 20),
        (" 5 ", "EUR", "en", 500),
        (".5", "EUR", "en", 50),
        ("1,234.50", "EUR", "en", 123_450),
        ("1.234,50", "EUR", "it", 123_450),
        ("1.234", "EUR", "it", 123_400),
        ("5", "JPY", "en", 5),
        ("0.125", "KWD", "en", 125),
        ("0,125", "KWD", "it", 125),
        ("-5", "EUR", "en", -500),
        ("-0,05", "EUR", "it", -5),
        ("10000000000000.00", "EUR", "en", MOST_MINOR),
    ],
)
def test_an_amount_is_read_as_its_locale_writes_it(text, currency, locale, minor):
    """What a person types means what it means in that person's language."""
    read = Money.parse(text, currency, locale)

    assert read == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("0,20", "en"),
        ("0.20", "it"),
        ("1,2", "en"),
        ("1.2", "it"),
        ("", "en"),
        ("five", "en"),
        ("0x10", "en"),
        ("5 €", "it"),
        ("--5", "en"),
    ],
)
def test_what_the_locale_would_not_write_is_no_amount(text, locale):
    """A comma in the wrong language is refused rather than read as a hundred times as much."""
    with pytest.raises(BadInput, match="is not an amount"):
        Money.parse(text, "EUR", locale)


@pytest.mark.parametrize(
    ("text", "currency"), [("0.201", "EUR"), ("0.5", "JPY"), ("0.1234", "KWD")]
)
def test_more_digits_than_the_currency_has_are_refused(text, currency):
    """Nothing is rounded behind the typist's back."""
    with pytest.raises(BadInput, match="more digits"):
        Money.parse(text, currency, "en")


@pytest.mark.parametrize("number", ["0.20" + "0" * 40 + "1", "0." + "0" * 60 + "1"])
def test_digits_far_behind_the_point_are_not_dropped(number):
    """An amount that the arithmetic cannot hold whole is refused, not rounded."""
    with pytest.raises(BadInput):
        Money.parse(number, "EUR", "en")
    with pytest.raises(BadInput):
        Money.read(f"{number} EUR")


@pytest.mark.parametrize("text", ["NaN", "inf", "-inf", "1e400", "1e-400", "9" * 20, "9" * 400])
def test_what_is_not_finite_or_too_large_is_refused(text):
    """No amount is larger than a site can add up."""
    with pytest.raises(BadInput):
        Money.parse(text, "EUR", "en")


def test_the_largest_amount_is_the_largest():
    """One cent more is too much."""
    with pytest.raises(BadInput, match="too large"):
        Money.parse("10000000000000.01", "EUR", "en")


@pytest.mark.parametrize("text", ["sNaN", "-sNaN1", "1e999999999", "1e-999999999", "1_0", "1e2"])
def test_what_only_a_programmer_would_write_is_no_amount(text):
    """Signalling NaN, exponents and underscores are bad input: no crash, and no amount either."""
    with pytest.raises(BadInput):
        Money.parse(text, "EUR", "en")


def test_digits_of_another_script_mean_the_same_number():
    """A phone set to Arabic may send Arabic digits; they are that number, never another one."""
    assert Money.parse("٢٠", "EUR", "en") == Money(2000, "EUR")


@pytest.mark.parametrize(("currency", "count"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_a_currency_has_its_own_digits(currency, count):
    """Minor units are what ISO 4217 says, not always cents."""
    assert digits(currency) == count


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money(20, "EUR"), "it", f"0,20{SPACE}€"),
        (Money(20, "EUR"), "en", "€0.20"),
        (Money(-5, "EUR"), "it", f"-0,05{SPACE}€"),
        (Money(123_450, "EUR"), "it", f"1.234,50{SPACE}€"),
        (Money(5, "JPY"), "en", "¥5"),
    ],
)
def test_an_amount_is_written_as_its_locale_does(money, locale, text):
    """Sign, separators and the currency's place belong to the language."""
    assert money.format(locale) == text


@quick
@given(amounts, st.sampled_from(CURRENCIES), st.sampled_from(["en", "it"]))
def test_what_is_written_as_typed_reads_back(minor, currency, locale):
    """In a form an amount is what the same person would type."""
    money = Money(minor, currency)

    assert Money.parse(money.typed(locale), currency, locale) == money


def test_an_amount_is_typed_with_the_digits_of_its_currency():
    """Bare, as in a field beside which the currency stands."""
    assert [Money(500, "EUR").typed("it"), Money(20, "EUR").typed("en")] == ["5,00", "0.20"]
    assert Money(5, "JPY").typed("it") == "5"


@quick
@given(minor=amounts, currency=st.sampled_from(CURRENCIES))
def test_the_form_of_machines_reads_back(minor, currency):
    """`str` and `read` are each other's opposite; front matter holds no negative amount."""
    money = Money(abs(minor), currency)

    assert Money.read(str(money)) == money


@quick
@given(minor=amounts, currency=st.sampled_from(CURRENCIES))
def test_major_units_are_exact(minor, currency):
    """Every minor unit survives the way to major units and back."""
    money = Money(minor, currency)

    assert money.decimal * 10 ** digits(currency) == minor
    assert isinstance(money.decimal, Decimal)


@pytest.mark.parametrize(
    "text",
    ["0.20", "0.20 eur", "0.20 EURO", "EUR 0.20", "0,20 EUR", "-1 EUR", "1.2.3 EUR", ". EUR",
     " EUR", "²0 EUR", "٢٠ EUR", "1e2 EUR", "0.20  EUR"],
)  # fmt: skip
def test_the_form_of_machines_is_strict(text):
    """`0.20 EUR` is the only way to write an amount where no locale is known."""
    with pytest.raises(BadInput, match=r"write it like 0\.20 EUR"):
        Money.read(text)


def test_money_of_two_currencies_does_not_add_up():
    """Adding apples to pears is a bug and crashes."""
    with pytest.raises(AssertionError):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(AssertionError):
        Money.total([Money(1, "USD")], "EUR")


@pytest.mark.parametrize(
    ("minor", "currency"),
    [(0.2, "EUR"), (True, "EUR"), (MOST_MINOR + 1, "EUR"), (1, "eur"), (1, "EURO"), (1, "")],
)
def test_what_cannot_be_money_crashes(minor, currency):
    """A float, a bool or a strange currency is a bug, so it asserts."""
    with pytest.raises(AssertionError):
        Money(minor, currency)


def test_amounts_add_up_subtract_and_turn():
    """Nothing adds up to zero, and zero is no money."""
    five, two = Money(5, "EUR"), Money(2, "EUR")

    assert Money.total([], "EUR") == Money(0, "EUR")
    assert Money.total([five, -two], "EUR") == five - two == Money(3, "EUR")
    assert not Money(0, "EUR")
    assert -five


@pytest.mark.parametrize(
    ("whole", "of", "part"), [(1, 2, 0), (3, 2, 2), (5, 2, 2), (7, 2, 4), (5, 3, 2), (7, 3, 2)]
)
def test_halves_go_to_the_even_unit(whole, of, part):
    """So that many halves do not lean to one side."""
    assert share(whole, 1, of) == part
    assert share(-whole, 1, of) == -part


@quick
@given(whole=st.integers(-(10**12), 10**12), part=st.integers(0, 10**6), of=st.integers(1, 10**6))
def test_a_share_is_the_same_on_both_sides_of_zero(whole, part, of):
    """What is given back is cut as what was taken was."""
    assert share(-whole, part, of) == -share(whole, part, of)
    assert share(whole, -part, of) == -share(whole, part, of)


@quick
@given(whole=st.integers(0, 10**12), part=st.integers(0, 10**6), of=st.integers(1, 10**6))
def test_a_share_is_at_most_half_a_unit_off_and_halves_go_to_even(whole, part, of):
    """The nearest minor unit; between two, the even one."""
    twice_off = 2 * abs(share(whole, part, of) * of - whole * part)

    assert twice_off <= of
    assert twice_off < of or share(whole, part, of) % 2 == 0


@quick
@given(
    whole=st.integers(-(10**9), 10**9),
    cuts=st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any),
)
def test_shares_cut_from_a_running_total_come_to_the_whole(whole, cuts):
    """Cut cumulatively, any split gives back exactly the whole, and no piece has the wrong sign."""
    of, passed, pieces = sum(cuts), 0, []
    for cut in cuts:
        pieces.append(share(whole, passed + cut, of) - share(whole, passed, of))
        passed += cut

    assert sum(pieces) == whole
    assert all(piece * whole >= 0 for piece in pieces)

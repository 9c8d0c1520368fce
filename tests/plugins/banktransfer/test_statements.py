"""Statements are read as banks write them, and what is hostile is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.errors import BadInput
from core.money import Money
from plugins.banktransfer import statements
from plugins.banktransfer.accounts import is_iban, new_reference, references_in
from plugins.banktransfer.statements import read_camt, read_table, rows_of, text_of
from tests.plugins.banktransfer.statement_files import IBAN, camt, table

COLUMNS = {"day": "Data", "amount": "Importo", "words": "Causale", "payer": "Ordinante"}


def test_an_iban_is_checked_by_its_digits_and_length():
    """MOD 97-10, and the length of its country."""
    assert is_iban(IBAN)
    assert is_iban("DE89370400440532013000")
    for wrong in (IBAN[:-1] + "7", "DE8937040044053201300", "XX00", "", IBAN.lower(), IBAN + "0"):
        assert not is_iban(wrong)


def test_a_slip_in_a_reference_never_makes_another_one():
    """Any one sign changed, and any two neighbours swapped, is no reference any more."""
    reference = new_reference()
    slips = {
        reference[:at] + sign + reference[at + 1 :] for at in range(4, 12) for sign in "A7KZ9M"
    } | {
        reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
        for at in range(4, 11)
    }

    assert references_in(f"grazie {reference[:4]} {reference[4:8]}-{reference[8:]}.") == [reference]
    assert references_in(f"xRF12{reference.lower()}") == [reference]
    assert not [slip for slip in slips - {reference} if references_in(slip)]


def test_a_camt_gives_the_money_that_came_in():
    """Credits only, with payer, words and the bank's own number."""
    (entry,) = read_camt(camt(("12.30", "RF71 7K3M")), IBAN)

    assert (entry.day, entry.amount, entry.payer) == (
        date(2026, 3, 2),
        Money(1230, "EUR"),
        "Leo Rossi",
    )
    assert (entry.words, entry.id) == ("RF71 7K3M", "N07K3M"[:2] + "7K3M")
    assert read_camt(camt(("12.30", "fee"), way="DBIT"), IBAN) == []
    with pytest.raises(BadInput, match="another account"):
        read_camt(camt(iban="DE89370400440532013000"), IBAN)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>
<Document><BkToCstmrStmt><Stmt>&lol2;</Stmt></BkToCstmrStmt></Document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Document><BkToCstmrStmt><Stmt>&x;</Stmt></BkToCstmrStmt></Document>"""


@pytest.mark.parametrize("content", [
    BOMB, OUTSIDE, b"<", b"<html></html>", b"<Document/>", b"<a>" * 3000,
    b"<?xml version='1.0' encoding='no-such'?><Document/>",
    camt(("12", "x")).replace(b"12", b"NaN"),
    camt(("1e9", "x")), camt(("12.345", "x")).replace(b"2026-03-02", b"2026-99-02"),
    camt(("12.30", "x")).replace(b'Ccy="EUR"', b""), b"<\x00D\x00o\x00c\x00",
])  # fmt: skip
def test_hostile_xml_is_refused(content):
    """Entities, document types, and what is no statement: one clear error, no other."""
    with pytest.raises(BadInput):
        read_camt(content, IBAN)


def test_a_table_is_read_by_its_columns():
    """Titles above and totals below are left out, and so is money that went out."""
    content = table(("02/03/2026", "1.234,56", "RF71"), ("03/03/2026", "-5,00", "canone"))
    entries = read_table(rows_of(text_of(content)), COLUMNS, "EUR")

    assert [(one.day, one.amount.minor, one.words) for one in entries] == [
        (date(2026, 3, 2), 123_456, "RF71")
    ]


@pytest.mark.parametrize(("text", "number"), [
    ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1234,5", "1234.5"), ("12", "12"),
    ("1'234.50", "1234.50"), ("1.234", "1234"), ("+7,00 €", "7.00"), ("-7.00", "-7.00"),
])  # fmt: skip
def test_numbers_are_read_as_banks_write_them(text, number):
    """The last sign with one or two digits behind it divides the cents."""
    assert statements._decimal(text) == Decimal(number)


@pytest.mark.parametrize("content", [
    b"", b"\x00\x01\x02", b"a;b\r\n1;2", b"\xff\xfe\x00", b"just words", b'"' * 10, b"x" * 200_000,
])  # fmt: skip
def test_what_is_no_table_is_refused(content):
    """One clear error."""
    with pytest.raises(BadInput):
        rows_of(text_of(content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_comes_in_any_of_the_usual_encodings(encoding):
    """Accents stay what they are."""
    text = "Data;Importo;Causale\n02/03/2026;5,00;perché no"
    (entry,) = read_table(rows_of(text_of(text.encode(encoding))), COLUMNS, "EUR")

    assert entry.words == "perché no"


def test_a_formula_is_a_text():
    """What a spreadsheet would run is kept as it is, and as long as it may be."""
    content = table(("02/03/2026", "5,00", "=HYPERLINK(1)"), ("02/03/2026", "6,00", "@" * 5000))
    first, second = read_table(rows_of(text_of(content)), COLUMNS, "EUR")

    assert first.words == "=HYPERLINK(1)"
    assert len(second.words) == statements.LONGEST


def test_there_is_an_end_to_the_lines(monkeypatch):
    """A statement of ever so many lines is refused."""
    monkeypatch.setattr(statements, "MOST_ENTRIES", 3)
    many = table(*[("02/03/2026", "5,00", "x")] * 4)

    with pytest.raises(BadInput, match="more than 3 lines"):
        rows_of(text_of(many))
    with pytest.raises(BadInput, match="more than 3 lines"):
        read_camt(camt(*[("5.00", "x")] * 4), IBAN)

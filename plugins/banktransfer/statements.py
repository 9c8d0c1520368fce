"""Bank statements as files: camt.053 and CSV, read into entries. What is hostile is refused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from core import BadInput, Money, OboloError

MOST_BYTES = 10 * 1024 * 1024
MOST_ENTRIES = 20_000
LONGEST = 500
DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d", "%d/%m/%y", "%d.%m.%y")
COLUMNS = ("day", "amount", "words", "payer", "id")
NEEDED = COLUMNS[:3]
NOT_PROVIDED = "NOTPROVIDED"
"""What stands for a number that the payer gave none of."""
NUMBER = re.compile(r"[+-]?[0-9][0-9.,' ]{0,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that came in, as the bank tells it; `id` is the bank's own, where it has one."""

    day: date
    amount: Money
    payer: str
    words: str
    id: str = ""


def is_xml(content: bytes) -> bool:
    """Tell whether a file is XML rather than a table."""
    return content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") or (content[:2] in (
        b"\xff\xfe", b"\xfe\xff",
    ) and "<" in content[:8].decode("utf-16", "ignore"))  # fmt: skip


def read_camt(content: bytes, iban: str) -> list[Entry]:
    """Read a camt.053 (ISO 20022); of each credit that is booked, each payment.

    Raises BadInput for what is none, for entities and document types, and for another account's.
    """
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadInput("This file holds what no bank writes, and is not read.") from error
    except (ParseError, ValueError, LookupError) as error:
        raise BadInput("This file is no camt.053.") from error
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    statements = root.findall("BkToCstmrStmt/Stmt")
    if not statements:
        raise BadInput("This file is no camt.053.")
    found: list[Entry] = []
    for statement in statements:
        account = _text(statement, "Acct/Id/IBAN")
        if account and account != iban:
            raise BadInput("This is the statement of another account: {iban}", iban=account)
        for entry in statement.findall("Ntry"):
            found += _credits(entry)
            _check_number(len(found))
    return found


def _text(element: Element, *paths: str) -> str:
    """Return the first of these texts that there is."""
    for path in paths:
        if text := (element.findtext(path) or "").strip():
            return text[:LONGEST]
    return ""


def _credits(entry: Element) -> Iterator[Entry]:
    if _text(entry, "CdtDbtInd") != "CRDT" or _text(entry, "RvslInd") == "true":
        return
    if _text(entry, "Sts/Cd", "Sts") != "BOOK":
        return
    day = _day(_text(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt")[:10])
    details = entry.findall("NtryDtls/TxDtls")
    for number, one in enumerate(details or [entry]):
        amount = one.find("Amt") if len(details) > 1 else entry.find("Amt")
        if amount is None:
            amount = one.find("AmtDtls/TxAmt/Amt")
        if amount is None:
            raise BadInput("This file is no camt.053.")
        id = _text(one, "Refs/AcctSvcrRef", "Refs/TxId")
        if not id and (whole := _text(entry, "AcctSvcrRef")):
            id = f"{whole}:{number}" if len(details) > 1 else whole
        words = [text.text or "" for text in one.findall("RmtInf/Ustrd")]
        words += [_text(one, "RmtInf/Strd/CdtrRefInf/Ref"), _text(one, "Refs/EndToEndId")]
        words = [one for one in words if one != NOT_PROVIDED]
        yield Entry(
            day, _money(amount.text or "", amount.get("Ccy", "")),
            _text(one, "RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm"),
            " ".join(filter(None, words))[:LONGEST], id,
        )  # fmt: skip


def _check_number(entries: int) -> None:
    if entries > MOST_ENTRIES:
        raise BadInput("This file has more than {most} lines.", most=MOST_ENTRIES)


def _money(text: str, currency: str) -> Money:
    """Read an amount of at most two decimals. Raises BadInput."""
    try:
        return Money.read(f"{_decimal(text):.2f} {currency}")
    except (OboloError, InvalidOperation, AssertionError) as error:
        raise BadInput("“{text}” is not an amount.", text=text[:40]) from error


def _decimal(text: str) -> Decimal:
    """Read a number whatever signs a bank puts between its digits."""
    plain = text.strip().replace("€", "").replace("\u00a0", " ").strip()
    if not NUMBER.fullmatch(plain):
        raise BadInput("“{text}” is not an amount.", text=text[:40])
    plain = re.sub(r"[' ]", "", plain)
    at = max(plain.rfind(","), plain.rfind("."))
    if at >= 0 and len(plain) - at <= 3:  # one or two digits follow: these are the cents
        return Decimal(f"{re.sub('[.,]', '', plain[:at])}.{plain[at + 1 :] or 0}")
    return Decimal(re.sub(r"[.,]", "", plain))


def _day(text: str) -> date:
    for form in DAYS:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise BadInput("“{text}” is no day.", text=text[:40])


def text_of(content: bytes) -> str:
    """Return a table as text: UTF-8, marked UTF-16, or what Windows writes. Raises BadInput."""
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.strip() and not any(c < " " and c not in "\r\n\t" for c in text):
            return text
    raise BadInput("This file is no table that can be read.")


def rows_of(text: str) -> list[list[str]]:
    """Return the rows of a table from its heading on. Raises BadInput."""
    lines = text.splitlines()
    sign = max(";,\t|", key=lambda one: sum(line.count(one) for line in lines[:20]))
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=sign) if any(row)]
    except csv.Error as error:
        raise BadInput("This file is no table that can be read.") from error
    _check_number(len(rows))
    widths = [len([cell for cell in row if cell.strip()]) for row in rows]
    widest = max(widths, default=0)
    start = next((n for n, width in enumerate(widths) if width >= min(widest, 3)), 0)
    if widest < len(NEEDED) or len(rows) < start + 1:
        raise BadInput("This table has fewer than three columns.")
    return [[cell.strip()[:LONGEST] for cell in row] for row in rows[start:]]


def read_table(rows: list[list[str]], columns: Mapping[str, str], currency: str) -> list[Entry]:
    """Read the rows below a heading; `columns` says which heading is what. Only money that came in.

    Raises BadInput for a column that is not there, and for a row that cannot be read.
    """
    heading = rows[0]
    missing = [name for name in NEEDED if columns.get(name) not in heading]
    if missing:
        raise BadInput("Say which columns hold the day, the amount and the words.")
    places = {name: heading.index(column) for name, column in columns.items() if column in heading}
    found = []
    for row in rows[1:]:
        if len(row) <= max(places.values()) or not row[places["amount"]]:
            continue  # a total, or a line that took money out
        cells = {name: row[place] for name, place in places.items()}
        if _decimal(cells["amount"]) > 0:
            found.append(Entry(
                _day(cells["day"][:10]), _money(cells["amount"], currency),
                cells.get("payer", ""), cells["words"], cells.get("id", ""),
            ))  # fmt: skip
    return found

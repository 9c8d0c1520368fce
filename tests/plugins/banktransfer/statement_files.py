"""Statements as banks write them."""

from __future__ import annotations

IBAN = "IT60X0542811101000000123456"
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>{iban}</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-02</Dt></BookgDt><AcctSvcrRef>{id}</AcctSvcrRef><NtryDtls><TxDtls><Refs>
<EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr>
</RltdPties><RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def camt(*entries: tuple[str, str], iban: str = IBAN, way: str = "CRDT") -> bytes:
    """Write a camt.053 of some amounts and words."""
    text = "".join(
        ENTRY.format(amount=amount, words=words, id=f"N{n}{words[-4:]}", way=way, payer="Leo Rossi")
        for n, (amount, words) in enumerate(entries)
    )
    return CAMT.format(iban=iban, entries=text).encode()


def table(*rows: tuple[str, str, str]) -> bytes:
    """Write the table of an Italian bank: a title, a heading, amounts with a comma."""
    lines = ["Lista movimenti;;;", "Data;Importo;Ordinante;Causale"]
    lines += [f"{day};{amount};Leo Rossi;{words}" for day, amount, words in rows]
    return ("\r\n".join(lines) + "\r\nTotale;;;\r\n").encode("cp1252")

"""Sell once before anything is proved: no child then has to import, compile or look up again."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from flask import Flask

from core import crashpoints, storage
from core.storage import execute
from core.verify import verify
from tests.proofs.kill.bank import Bank
from tests.proofs.kill.databases import Databases
from tests.proofs.kill.life import recover
from tests.proofs.kill.people import SITE
from tests.proofs.kill.site import PRICE
from tests.proofs.kill.wire import ask


def rehearse(app: Flask, databases: Databases, folder: Path, kind: type[Bank]) -> set[str]:
    """Walk the whole way in this process, on a copy and a bank of its own; leave nothing open.

    Returns the crash points that were passed: a life can end at each of them.
    """
    passed: set[str] = set()
    database = databases.copy()
    bank = kind(folder / "rehearsal.db")
    os.environ.update(bank.environment)
    storage.connect(database.url)
    pass_by, crashpoints.arrive = crashpoints.arrive, passed.add
    try:
        _sell(app, bank, "pay")
        _sell(app, bank, "decline")
        if bank.holds:
            _sell(app, bank, "pay", "seat")
        recover(late=True)
        assert verify() == []
    finally:
        crashpoints.arrive = pass_by
        storage.close()
        bank.stop()
        database.drop()
    gc.collect()
    gc.freeze()  # or each child would copy what its first collection touches
    return passed


def _sell(app: Flask, bank: Bank, how: str, kind: str = "post") -> None:
    client = app.test_client()
    client.environ_base["HTTP_ORIGIN"] = f"http://{SITE}"
    form = {"resource": f"{kind}:{how}", "offer": "paywall", "return_to": "/hello"}
    page = client.post("/checkout/offer", data=form).location.removeprefix(bank.url)
    head = {"Content-Type": "application/x-www-form-urlencoded", "Host": "bank"}
    ask(bank.port, "POST", page, head, f"how={how}".encode())
    (order,) = execute("SELECT id FROM orders_order ORDER BY created DESC LIMIT 1").fetchone()
    client.get(f"/checkout/{order}")
    client.get("/checkout/ord_none")
    if kind == "seat":
        decided = client.post(f"/x/shop/decide/{order}", data={"what": "capture"})
        assert decided.status_code == 204
    if how == "pay":
        assert client.post(f"/x/shop/refund/{order}", data={"minor": PRICE}).status_code == 204
    for message in bank.messages(0):
        path = f"/webhooks/{bank.provider}"
        sent = client.post(path, data=message["body"], headers=message["headers"])
        assert sent.status_code == 204

"""Sell once before anything is proved: no child then has to import, compile or look up again."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from flask import Flask

from core import storage
from core.verify import verify
from tests.proofs.kill.bank import Bank
from tests.proofs.kill.databases import Databases
from tests.proofs.kill.life import recover
from tests.proofs.kill.people import SITE, ask
from tests.proofs.kill.site import PRICE


def rehearse(app: Flask, databases: Databases, folder: Path, secret: str) -> None:
    """Walk the whole way in this process, on a copy and a bank of its own; leave nothing open."""
    database = databases.copy()
    bank = Bank(folder / "rehearsal.db", secret)
    os.environ["OBOLO_PLAYMONEY__BANK_URL"] = bank.url
    storage.connect(database.url)
    try:
        _sell(app, bank, "pay")
        _sell(app, bank, "decline")
        recover(late=True)
        assert verify() == []
    finally:
        storage.close()
        bank.stop()
        database.drop()
    gc.collect()
    gc.freeze()  # or each child would copy what its first collection touches


def _sell(app: Flask, bank: Bank, how: str) -> None:
    client = app.test_client()
    client.environ_base["HTTP_ORIGIN"] = f"http://{SITE}"
    form = {"resource": f"post:{how}", "offer": "paywall", "return_to": "/hello"}
    page = client.post("/checkout/offer", data=form).location.removeprefix(bank.url)
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Host": "bank"}
    back = ask(bank.port, "POST", page, kind, f"how={how}".encode()).location
    order = back.rpartition("/")[2]
    client.get(f"/checkout/{order}")
    client.get("/checkout/ord_none")
    if how == "pay":
        assert client.post(f"/x/shop/refund/{order}", data={"minor": PRICE}).status_code == 204
    headers = {"Host": "bank", "Authorization": f"Bearer {bank.key}"}
    for message in ask(bank.port, "GET", "/control/deliveries", headers).json():
        sent = client.post("/webhooks/playmoney", data=message["body"], headers=message["headers"])
        assert sent.status_code == 204

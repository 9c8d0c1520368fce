"""Which bank the site uses: one in its own process, unless the owner names another's address."""

from __future__ import annotations

import threading

from core import data_folder, value
from plugins.playmoney.bank import Bank
from plugins.playmoney.transports import LocalBank, RemoteBank, Transport

_opened: dict[str, Bank] = {}
_lock = threading.Lock()


def is_local() -> bool:
    """Tell whether the bank, and with it the page where people pay, stands in this process."""
    return not value("playmoney.bank_url")


def local_bank() -> Bank:
    """Return the bank in this process; its log is `playmoney.db` in the plugin's folder."""
    path = data_folder("playmoney") / "playmoney.db"
    with _lock:
        bank = _opened.get(str(path))
        if bank is None:
            for other in _opened.values():
                other.log.close()
            _opened.clear()
            bank = _opened[str(path)] = Bank(path)
    return bank


def transport() -> Transport:
    """Return the way to the bank, as it is set now."""
    if is_local():
        return LocalBank(local_bank())
    secret = value("playmoney.secret").encode()
    return RemoteBank(value("playmoney.bank_url"), secret, value("playmoney.timeout_seconds"))

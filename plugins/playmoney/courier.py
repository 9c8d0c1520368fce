"""Carries the bank's messages to the sites, as soon as something happened and a few times more."""

from __future__ import annotations

import logging
import threading
from urllib.parse import urlsplit

from core import HttpUnknown, HttpUnreachable, http_request
from plugins.playmoney.bank import Bank, Delivery

log = logging.getLogger("obolo.playmoney")
TRIES = 3
PAUSE_SECONDS = 0.5
"""How long the courier rests before it looks for slow payments that are due, and tries again."""
ANSWER_SECONDS = 10.0


class Courier:
    """A thread that sends what happened after it was started; without it messages go on demand."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._after = bank.log.last()
        self._waiting: dict[str, int] = {}
        self._messages: dict[str, Delivery] = {}
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for the message that is under way."""
        self._stopped = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Say that something happened."""
        self._woken.set()

    def send(self, delivery: Delivery) -> int:
        """Send one message and return the site's status, 0 for no answer."""
        try:
            status = http_request(
                "POST", delivery.url, hosts={urlsplit(delivery.url).netloc},
                headers=delivery.headers, body=delivery.body, timeout=ANSWER_SECONDS,
            ).status  # fmt: skip
        except (HttpUnknown, HttpUnreachable) as error:
            log.warning("message %s was not taken: %s", delivery.event, error)
            status = 0
        self._bank.note_delivery(delivery, status)
        return status

    def _run(self) -> None:
        while not self._stopped:
            self._woken.wait(PAUSE_SECONDS)
            self._woken.clear()
            self._round()

    def _round(self) -> None:
        for delivery in self._bank.deliveries(self._after):
            self._after = delivery.number
            if delivery.url:
                self._messages[delivery.event] = delivery
                self._waiting[delivery.event] = TRIES
        for event in list(self._waiting):
            if self._stopped:
                return
            self._waiting[event] -= 1
            if self.send(self._messages[event]) // 100 == 2 or not self._waiting[event]:
                del self._waiting[event], self._messages[event]

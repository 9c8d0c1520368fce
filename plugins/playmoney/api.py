"""What a bank of its own answers over HTTP, without the sockets: a path in, an answer out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from core import Money
from plugins.playmoney.bank import WAYS, Bank, BankRefused, UnknownPayment, Wish
from plugins.playmoney.courier import Courier
from plugins.playmoney.reports import Report
from plugins.playmoney.transports import UNHEARD

Sent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is answered; `operation` is what a fault on demand calls it."""

    method: str
    path: re.Pattern[str]
    answer: Callable[[Api, Sent], Any]
    operation: str = ""


class Api:
    """The bank behind its addresses. `url` is where people reach it."""

    def __init__(self, bank: Bank, courier: Courier, url: str, slow_seconds: float) -> None:
        self.bank = bank
        self.courier = courier
        self.url = url
        self.slow_seconds = slow_seconds

    def route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return what answers a path, and what the path names."""
        for route in ROUTES:
            match = route.path.fullmatch(path)
            if match and route.method == method:
                return route, match.groupdict()
        return None

    def answer(self, route: Route, sent: Sent) -> tuple[int, Any]:
        """Do what is asked and return status and answer; a 4xx says that nothing happened."""
        try:
            return 200, route.answer(self, sent)
        except UnknownPayment as error:
            return 404, {"error": UNHEARD, "message": str(error)}
        except BankRefused as error:
            return 409, {"error": "refused", "message": str(error)}
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            return 400, {"error": "bad request", "message": f"{type(error).__name__}: {error}"}

    def shown(self, report: Report) -> Report:
        """Add the page's address to a report."""
        return msgspec.structs.replace(report, url=f"{self.url}/pay/{report.ref}")


def _begin(api: Api, sent: Sent) -> Report:
    return api.shown(api.bank.begin(msgspec.convert(sent, Wish)))


def _look_up(api: Api, sent: Sent) -> Report:
    return api.shown(api.bank.find(sent["payee"], sent["name"]))


def _refund(api: Api, sent: Sent) -> Report:
    amount = Money(sent["minor"], sent["currency"])
    return api.shown(api.bank.refund(sent["payee"], sent["name"], sent["key"], amount))


def _cancel(api: Api, sent: Sent) -> Report:
    return api.shown(api.bank.cancel(sent["payee"], sent["name"]))


def _capture(api: Api, sent: Sent) -> Report:
    return api.shown(api.bank.capture(sent["payee"], sent["name"]))


def _charge_saved(api: Api, sent: Sent) -> Report:
    return api.shown(api.bank.charge_saved(msgspec.convert(sent["wish"], Wish), sent["token"]))


def _forget(api: Api, sent: Sent) -> Report:
    return api.shown(api.bank.forget(sent["payee"], sent["name"]))


def _account(api: Api, sent: Sent) -> Any:
    return api.bank.account(sent["payee"], int(sent["since"]), int(sent["until"]))


def _pay_out(api: Api, sent: Sent) -> Any:
    api.bank.pay_out(sent["payee"])
    return {}


def _pay(api: Api, sent: Sent) -> Report:
    if sent["how"] not in WAYS:
        raise ValueError(f"how is one of {', '.join(WAYS)}")
    instead = Money(sent["minor"], sent["currency"]) if "minor" in sent else None
    slow = float(sent.get("slow_seconds", api.slow_seconds))
    return api.bank.pay(sent["ref"], sent["how"], slow_seconds=slow, instead=instead)


def _dispute(api: Api, sent: Sent) -> Any:
    return api.bank.dispute(sent["ref"], sent["minor"])


def _decide(api: Api, sent: Sent) -> Any:
    if sent["verdict"] not in ("won", "lost"):
        raise ValueError("verdict is won or lost")
    return api.bank.decide(sent["dispute"], sent["verdict"])


def _finish_slow(api: Api, sent: Sent) -> Any:
    api.bank.finish_slow(early=True)
    return {}


def _faults(api: Api, sent: Sent) -> Any:
    api.bank.faults.add(
        sent["operation"], sent["way"], done=bool(sent.get("done")), times=int(sent.get("times", 1))
    )
    return {}


def _deliveries(api: Api, sent: Sent) -> Any:
    found = api.bank.deliveries(int(sent.get("after", 0)))
    return [asdict(one) | {"body": one.body.decode()} for one in found]


def _deliver(api: Api, sent: Sent) -> Any:
    """Send the messages with these numbers, in this order, as often as each is named."""
    known = {one.number: one for one in api.bank.deliveries()}
    return [api.courier.send(known[number]) for number in sent["numbers"]]


def _charges(api: Api, sent: Sent) -> Any:
    return [asdict(row) for row in api.bank.charges()]


NAMED = "/v1/payments/(?P<name>[^/]+)"
ROUTES = (
    Route("POST", re.compile("/v1/payments"), _begin, "begin"),
    Route("GET", re.compile(NAMED), _look_up, "look_up"),
    Route("POST", re.compile(NAMED + "/refund"), _refund, "refund"),
    Route("POST", re.compile(NAMED + "/cancel"), _cancel, "cancel"),
    Route("POST", re.compile(NAMED + "/capture"), _capture, "capture"),
    Route("POST", re.compile("/v1/charges"), _charge_saved, "charge_saved"),
    Route("POST", re.compile(NAMED + "/forget"), _forget, "forget"),
    Route("GET", re.compile("/v1/account"), _account, "account"),
    Route("POST", re.compile("/control/pay_out"), _pay_out),
    Route("POST", re.compile("/control/pay"), _pay),
    Route("POST", re.compile("/control/finish_slow"), _finish_slow),
    Route("POST", re.compile("/control/dispute"), _dispute),
    Route("POST", re.compile("/control/decide"), _decide),
    Route("POST", re.compile("/control/faults"), _faults),
    Route("GET", re.compile("/control/deliveries"), _deliveries),
    Route("POST", re.compile("/control/deliver"), _deliver),
    Route("GET", re.compile("/control/charges"), _charges),
)

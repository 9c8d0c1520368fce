"""The bank as a process of its own: its page, its key, its messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from core import Inbound
from core.http import request
from plugins.playmoney.provider import PlayMoney
from plugins.playmoney.transports import RemoteBank
from tests.plugins.playmoney.bank_process import BankProcess, bank_process

pytestmark = pytest.mark.xdist_group("playmoney")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankProcess]:
    folder = tmp_path_factory.mktemp("bank")
    with bank_process(folder, "--slow-seconds", "0.1") as running:
        yield running


@contextmanager
def receiving(*statuses: int) -> Iterator[tuple[str, list[Inbound]]]:
    """Run a site that only takes messages; it answers with these statuses, then with 204."""
    taken: list[Inbound] = []
    left = list(statuses)

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(Inbound(dict(self.headers), body))
            self.send_response(left.pop(0) if left else 204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/webhooks/playmoney", taken
        server.shutdown()
        thread.join()


def begin(process: BankProcess, key: str, webhook_url: str = "", language: str = "en") -> str:
    """Begin a payment; return the bank's reference."""
    wish = {
        "payee": "site", "key": key, "reference": key, "minor": 20, "currency": "EUR",
        "description": "A <post>", "return_url": "http://localhost/back",
        "webhook_url": webhook_url, "language": language,
    }  # fmt: skip
    return str(process.ask("POST", "/v1/payments", wish)[1]["ref"])


def page(process: BankProcess, ref: str) -> tuple[int, str]:
    """Return status and text of a payment's page."""
    host = process.url.removeprefix("http://")
    answer = request("GET", f"{process.url}/pay/{ref}", hosts={host})
    return answer.status, answer.body.decode()


def wait_for(found: list[Inbound], number: int) -> None:
    """Wait until so many messages came in, at most ten seconds."""
    end = time.monotonic() + 10
    while len(found) < number and time.monotonic() < end:
        time.sleep(0.01)
    assert len(found) >= number


@pytest.mark.parametrize(("language", "button", "price"), [
    ("en", "Pay slowly", "€0.20"), ("it", "Paga lentamente", "0,20\N{NO-BREAK SPACE}€"),
])  # fmt: skip
def test_it_has_a_page_of_its_own(
    process: BankProcess, language: str, button: str, price: str
) -> None:
    """The same words as on a site, in the payment's language."""
    status, text = page(process, begin(process, f"page-{language}", language=language))

    assert status == 200
    assert f'<html lang="{language}">' in text
    assert f">{button}</button>" in text
    assert price in text
    assert "A &lt;post&gt;" in text


def test_an_unknown_payment_has_no_page(process: BankProcess) -> None:
    """A guessed reference finds nothing."""
    assert page(process, "pm_unknown")[0] == 404
    assert process.choose("pm_unknown", "pay") == 404


def test_nobody_without_the_key_is_answered(process: BankProcess) -> None:
    """Neither sites nor tests: all but the page asks for the key."""
    stranger = BankProcess(process.url, b"another secret", process.process)

    assert stranger.ask("GET", "/v1/payments/pay_1?payee=site")[0] == 401
    assert stranger.ask("POST", "/control/faults", {})[0] == 401


@pytest.mark.parametrize(("path", "sent"), [
    ("/v1/payments", {"payee": "site"}), ("/v1/payments", []), ("/control/pay", {"how": "pay"}),
    ("/control/faults", {"operation": "begin", "way": "flood"}),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(process: BankProcess, path: str, sent: object) -> None:
    """A 4xx says that nothing happened."""
    assert process.ask("POST", path, sent)[0] == 400


def test_it_tells_the_site_by_itself(process: BankProcess) -> None:
    """What a person does arrives as a message that the provider believes."""
    bank = RemoteBank(process.url, process.secret)
    with receiving() as (url, taken):
        ref = begin(process, "told", url)
        process.choose(ref, "pay")
        wait_for(taken, 1)

    (hint,) = PlayMoney(lambda: bank).hear(taken[0])
    assert (hint.reference, hint.ref) == ("told", ref)


def test_it_tells_of_a_slow_payment_when_it_is_paid(process: BankProcess) -> None:
    """First that it is on its way, and after its time that it is paid, though nobody asked."""
    with receiving() as (url, taken):
        process.choose(begin(process, "slow", url), "slow")
        wait_for(taken, 2)

    assert [b"payment.processing" in one.body for one in taken] == [True, False]
    assert b"payment.paid" in taken[1].body


def test_a_message_that_is_not_taken_is_sent_again(process: BankProcess) -> None:
    """Three tries, the same event each time, and not one more after it was taken."""
    with receiving(500, 500) as (url, taken):
        process.choose(begin(process, "again", url), "pay")
        wait_for(taken, 3)
        time.sleep(0.7)

    assert len(taken) == 3
    assert len({one.body for one in taken}) == 1


def test_messages_go_in_any_order_on_demand(process: BankProcess) -> None:
    """A test says which, in which order and how often; the site's answers come back."""
    known = process.ask("GET", "/control/deliveries")[1]
    after = known[-1]["number"] if known else 0
    with receiving() as (url, taken):
        ref = begin(process, "order", url)
        process.choose(ref, "decline")
        process.choose(ref, "pay")
        wait_for(taken, 2)
        taken.clear()
        first, second = process.ask("GET", f"/control/deliveries?after={after}")[1]
        numbers = [second["number"], first["number"], second["number"]]
        statuses = process.control("deliver", numbers=numbers)

    assert statuses == [204, 204, 204]
    bodies = [one.body.decode() for one in taken]
    assert bodies == [second["body"], first["body"], second["body"]]


def test_the_judge_reads_the_charges(process: BankProcess) -> None:
    """Every charge with the site's reference, as the log has it."""
    process.choose(begin(process, "judged"), "pay")
    rows = process.ask("GET", "/control/charges")[1]

    assert [(row["minor"], row["currency"]) for row in rows if row["reference"] == "judged"] == [
        (20, "EUR")
    ]


def test_it_can_err_on_demand(process: BankProcess) -> None:
    """A test has it charge another amount than was asked."""
    ref = begin(process, "erring")
    report = process.control("pay", ref=ref, how="pay", minor=7, currency="EUR")

    assert (report["minor"], report["charge"]["minor"]) == (20, 7)


def test_it_is_there_within_seconds_and_prints_its_port(tmp_path: Path) -> None:
    """The first line of its output is the port, and it answers from then on."""
    started = time.monotonic()
    with bank_process(tmp_path, "--webhooks", "hold") as running:
        assert running.ask("GET", "/control/charges") == (200, [])
        assert time.monotonic() - started < 10
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0

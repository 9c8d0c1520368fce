"""obolo run and obolo worker."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from core.cli.house import init
from core.cli.server import PORTS_TRIED, free_port

ROOT = Path(__file__).parents[3]


def test_the_next_free_port_is_taken():
    """Somebody else's server does not stop this one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]

        assert wanted < free_port("127.0.0.1", wanted) < wanted + PORTS_TRIED


def test_port_zero_takes_any():
    """As tests and proofs do."""
    assert free_port("127.0.0.1", 0) > 1023


def test_no_free_port_is_said(monkeypatch):
    """Instead of a trace."""
    monkeypatch.setattr("core.cli.server.PORTS_TRIED", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(click.ClickException, match="is free"):
            free_port("127.0.0.1", taken.getsockname()[1])


def wait_for(process, log, pattern):
    for _ in range(600):
        if found := re.search(pattern, log.read_text()):
            return found[0]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def start(tmp_path):
    """Return what starts a process of a site, in a group that is ended after the test."""
    started = []

    def run(*words, **environment):
        log = tmp_path / f"{words[0]}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "core.cli", *words], cwd=ROOT, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "OBOLO_HOME": str(tmp_path / "instance"), **environment},
            )  # fmt: skip
        started.append(process)
        return process, log

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


@pytest.fixture
def new_site(tmp_path, template):
    """Make the folder of a site whose database has core's tables already."""
    home = tmp_path / "instance"
    CliRunner().invoke(init, env={"OBOLO_HOME": str(home)}, catch_exceptions=False)
    shutil.copyfile(template, home / "obolo.db")


def test_a_site_starts_says_where_and_ends_when_asked(start, new_site):
    """The address that it prints answers; SIGTERM is a plain end."""
    process, log = start("run", PORT="0")
    address = wait_for(process, log, r"http://localhost:\d+/")
    with urllib.request.urlopen(f"{address}readyz", timeout=10) as answer:
        body = answer.read()
    process.send_signal(signal.SIGTERM)

    assert body == b"ready\n"
    assert process.wait(20) == 0
    assert "Traceback" not in log.read_text()


def test_without_keys_a_site_does_not_start(start):
    """It says what to do, in one sentence, and shows no trace."""
    process, log = start("run", PORT="0")

    assert process.wait(20) == 1
    assert "obolo init" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_worker_works_until_it_is_ended(start, new_site):
    """In a process of its own."""
    process, log = start("worker")
    time.sleep(2)

    assert process.poll() is None, log.read_text()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert "Traceback" not in log.read_text()


def workers_of(process):
    """Return the processes that serve."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def is_alive(pid):
    """Tell whether a process runs; one that ended may wait for whoever collects it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ready(address):
    with urllib.request.urlopen(f"{address}readyz", timeout=20) as answer:
        return answer.read()


def test_a_worker_that_ends_is_started_again_and_nobody_is_refused(start, new_site):
    """However often: a plugin that hangs takes its worker along, and who comes then waits."""
    process, log = start("run", PORT="0")
    address = wait_for(process, log, r"http://localhost:\d+/")
    ready(address)
    seen = []
    for _ in range(4):
        (worker,) = workers_of(process)
        os.kill(worker, signal.SIGKILL)
        seen.append(worker)

        assert ready(address) == b"ready\n"
    assert len(set(seen)) == 4
    assert process.poll() is None, log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_of_a_site_is_asked_to_end_at_once(start, new_site, number):
    """By Ctrl-C, or by what supervises it: a worker then hears of it twice."""
    for _ in range(3):
        process, log = start("run", "--workers", "2", PORT="0")
        address = wait_for(process, log, r"http://localhost:\d+/")
        ready(address)
        os.killpg(process.pid, number)

        assert process.wait(8) == 0, log.read_text()  # after 10 s a worker is killed
        assert "Traceback" not in log.read_text()


def test_workers_end_with_the_process_that_started_them(start, new_site):
    """Or they would keep the port, and serve what nobody can end."""
    process, log = start("run", "--workers", "2", PORT="0")
    address = wait_for(process, log, r"http://localhost:\d+/")
    ready(address)
    workers = workers_of(process)
    process.kill()
    process.wait(20)

    deadline = time.monotonic() + 40
    while left := [worker for worker in workers if is_alive(worker)]:
        assert time.monotonic() < deadline, (left, log.read_text())
        time.sleep(0.05)
    assert len(workers) == 2


UNFINISHED = (
    b"POST /language HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nlanguage"
)


def test_ten_who_send_a_form_slowly_hold_up_nobody_else(start, new_site):
    """Each is waited for, and answered once it is whole."""
    process, log = start("run", PORT="0")
    address = wait_for(process, log, r"http://localhost:\d+/")
    port = int(address.rstrip("/").rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for _ in range(10)
        ]
        for one in slow:
            one.sendall(UNFINISHED)
        time.sleep(0.5)  # they are all read from by now

        assert [ready(address) for _ in range(10)] == [b"ready\n"] * 10
        for one in slow:
            one.sendall(b"=it")
        assert {one.recv(12) for one in slow} == {b"HTTP/1.1 303"}


SMUGGLED = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
TWOFOLD = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 41\r\n\r\n",
    "a coding nobody knows": b"Transfer-Encoding: xchunked\r\n\r\n",
    "a blank in a name": b"Content-Length : 41\r\n\r\n",
    "too large a head": b"X: " + b"x" * 1_000_000 + b"\r\n\r\n",
}


def answers_to(address, raw):
    """Return the status of each answer to what is sent over one connection, until it is closed."""
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with contextlib.suppress(OSError):  # it may hang up before it heard all
            connection.sendall(raw)
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                heard += part
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3})", heard)]


def test_what_a_proxy_could_read_otherwise_is_no_second_request(start, new_site):
    """Request smuggling: a body that is unclear ends the connection (RFC 9112, section 6.3)."""
    process, log = start("run", PORT="0")
    address = wait_for(process, log, r"http://localhost:\d+/")
    head = b"POST /language HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n"
    answers = {name: answers_to(address, head + rest + SMUGGLED) for name, rest in TWOFOLD.items()}

    assert answers_to(
        address, SMUGGLED + SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    ) == [200, 200]
    assert all(len(statuses) <= 1 and 200 not in statuses for statuses in answers.values()), answers

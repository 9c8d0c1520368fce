"""Plugins are switched on, off and changed while people read: no request fails.

Readers ask two workers all the time. Each change is live in all workers within a second, and the
memory stays where it is. `OBOLO_PROOF_FACTOR=13` changes the list 100 times; the small run, 8.
"""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import KEK, sqlite_url
from tests.core.plugins import shelf
from tests.proofs.test_hostile_plugins import Server

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
CHANGES = min(8 * FACTOR, 100)
LIVE_SECONDS = 1.0 if FACTOR > 1 else 3.0
"""The small run shares its machine with other tests."""
ROW = 10
"""Answers in a row that agree, from new connections, which either worker may take."""
GROWTH_BYTES = 24 << 20
READERS = 3
pytestmark = pytest.mark.proof


@pytest.fixture
def server(template, tmp_path):
    home = tmp_path / "home"
    shelf.make_home(home, KEK, sqlite_url(template, tmp_path))
    (tmp_path / "obolo.db").rename(home / "obolo.db")
    (home / "obolo.toml").write_text(f'database = "sqlite:///{home}/obolo.db"\nplugins = ["posts"]')
    running = Server(home)
    yield running
    running.stop()


def memory(server):
    """Return the resident bytes of all workers."""
    text = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    found = [Path(f"/proc/{pid}/status").read_text() for pid in text.split()]
    return sum(int(re.search(r"VmRSS:\s+(\d+)", one)[1]) << 10 for one in found)


def live_after(server, wanted):
    """Return the seconds until all of a row of answers are the wanted ones."""
    started, row = time.monotonic(), 0
    while row < ROW:
        assert time.monotonic() - started < 20, server.log.read_text()[-2_000:]
        row = row + 1 if wanted(server) else 0
        if row == 1:
            reached = time.monotonic() - started
    return reached


def test_the_list_changes_under_readers_and_no_request_fails(server):
    """On, changed, off, and again; the old apps are gone from memory."""
    ended, codes = threading.Event(), []

    def read():
        while not ended.is_set():
            codes.append(server.status("/", 10))

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    waited, before = [], 0
    try:
        for number in range(CHANGES):
            if number % 3 == 2:
                server.remove("fresh")
                waited.append(live_after(server, lambda s: s.status("/x/fresh/") == 404))
            else:
                body = f"return 'x', {200 + number % 3}"
                server.put("fresh", shelf.page("fresh", body))
                waited.append(
                    live_after(server, lambda s, n=number: s.status("/x/fresh/") == 200 + n % 3)
                )
            if number == CHANGES // 4:
                before = memory(server)
    finally:
        ended.set()
        for reader in readers:
            reader.join(30)
    grown = memory(server) - before
    slowest = f"live after {max(waited):.2f} s at most"
    print(f"{len(codes)} requests, {CHANGES} changes, {slowest}, {grown / 2**20:+.1f} MiB")

    assert set(codes) == {200}
    assert len(codes) > CHANGES
    assert max(waited) < LIVE_SECONDS
    assert grown < GROWTH_BYTES
    assert "Traceback" not in server.log.read_text()

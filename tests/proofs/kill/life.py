"""One life of the site: open the database, recover, serve, and die at the place it was told."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask

from core import crashpoints, notices, storage
from core.clock import now
from core.payments import inbox
from core.reconcile import reconcile
from core.storage import execute
from core.verify import verify
from tests.proofs.kill.processes import Say
from tests.proofs.kill.server import Server

THREADS = 3
CORE = Path(crashpoints.__file__).parent
POINTS = tuple(
    sorted(
        {
            name
            for path in CORE.rglob("*.py")
            for name in re.findall(r'\bcrashpoint\("([a-z-]+)"\)', path.read_text())
        }
    )
)
"""Every named crash point there is in core, found in its text."""

SOON = timedelta(hours=25)
"""After the longest pause between two looks at a payment, before any order's time is over."""
LATE = timedelta(days=30)
"""After every order's time."""
UNSETTLED = ("new", "customer", "bank", "ready")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one life goes. `point` empty: the parent kills it at an instant of its choice.

    `recovery` is first (before serving, then judged), beside (while serving) or none; `while_` says
    whether it dies while it serves or while it recovers; `late` also lets the orders expire.
    """

    point: str = ""
    arrival: int = 1
    recovery: str = "first"
    while_: str = "serving"
    late: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What the parent knows when a life begins: since when, and what the bank's log has new."""

    since: int
    orders: Sequence[str]
    entries: Sequence[str]


def live(
    app: Flask, url: str, listener: socket.socket, plan: Plan, before: Before, say: Say
) -> None:
    """Be the site until SIGKILL."""
    storage.connect(url)
    say(**left_behind(before))
    if plan.while_ == "recovering":
        arm(plan)
    if plan.recovery == "first":
        recover(late=plan.late)
    if plan.while_ == "serving":
        arm(plan)
    server = Server(app, listener)
    server.start(THREADS - 1)
    say(serving=True)
    if plan.recovery == "beside":
        recover(late=plan.late)
    server.answer()


def close_down(url: str, before: Before, say: Say) -> None:
    """Recover for the last time, check every invariant, and end without a kill."""
    storage.connect(url)
    say(**left_behind(before))
    recover(late=True)
    faults = [[one.invariant, one.subject, one.detail] for one in verify()]
    faults += [["inbox", event, f"waits: {why}"] for _, event, _, _, why in inbox.unsettled()]
    faults += [["outbox", cause, f"untold: {why}"] for cause, _, _, _, why in notices.untold()]
    say(faults=faults)
    storage.close()


def recover(*, late: bool) -> None:
    """Do what the periodic tasks of a site do after a start, as if the pauses were over."""
    at = now() + (LATE if late else SOON)
    reconcile(at)
    notices.tell_due(at)


def arm(plan: Plan) -> None:
    """Let the process die by SIGKILL at the n-th arrival at the point, in whichever thread."""
    if not plan.point:
        return
    arrivals = itertools.count(1)

    def arrive(name: str) -> None:
        if name == plan.point and next(arrivals) == plan.arrival:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()

    crashpoints.arrive = arrive


def left_behind(before: Before) -> dict[str, int]:
    """Count what the last kill cut in two, before anything is repaired.

    `intents`: payments of the last life, stored and not settled. `unbooked`: charges and refunds in
    the bank's log that the books do not have. `asked`: refunds that were stored and not settled.
    """
    marks = ", ".join("?" * len(before.orders)) or "''"
    rows = execute(
        "SELECT p.facts FROM payments_payment p JOIN orders_order o ON o.id = p.order_id "
        f"WHERE o.state = 'open' AND (p.created >= ? OR p.order_id IN ({marks}))",
        [before.since, *before.orders],
    ).fetchall()
    intents = sum(json.loads(facts)["state"] in UNSETTLED for (facts,) in rows)
    unbooked = len(before.entries)
    if before.entries:
        marks = ", ".join("?" * len(before.entries))
        sql = f"SELECT COUNT(*) FROM ledger_entry WHERE key IN ({marks})"
        unbooked -= execute(sql, before.entries).fetchone()[0]
    sql = "SELECT COUNT(*) FROM payments_refund WHERE state = 'asked'"
    return {"intents": intents, "unbooked": unbooked, "asked": execute(sql).fetchone()[0]}

"""Round after round: fork the site, let people buy, kill it, start it again, judge."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from core.clock import now
from core.storage import micros
from tests.proofs.kill.bank import Bank, Happened
from tests.proofs.kill.databases import Databases
from tests.proofs.kill.judge import Fault, evidence, judge, judge_everything
from tests.proofs.kill.life import POINTS, Before, Plan, close_down, live
from tests.proofs.kill.people import Crowd, Person, Post, World, somebody
from tests.proofs.kill.processes import PATIENCE_SECONDS, Child, Hung

ROUNDS = 50
"""So many kills a database; then everything is verified and a fresh one begun."""
BUYERS = 4
HELD = 0.15
"""So many of those who buy have their money held first, where the bank can do that."""
LOOK_SECONDS = 0.002
ARRIVALS = (1, 1, 1, 1, 2, 3)
"""At which arrival at its crash point a life ends."""


@dataclass
class Counts:
    """What happened so far; kept in a file, so that a long run can be interrupted."""

    kills: int = 0
    random: int = 0
    recovering: int = 0
    between: int = 0
    unbooked: int = 0
    refunding: int = 0
    charges: int = 0
    refunds: int = 0
    verified: int = 0
    lost: int = 0
    doubled: int = 0
    faults: int = 0
    seconds: float = 0.0
    points: dict[str, int] = field(default_factory=lambda: dict.fromkeys(POINTS, 0))


@dataclass
class Pace:
    """How long a life takes until nothing is left to do; random kills are spread over it."""

    serving: float = 0.08
    recovering: float = 0.02

    def learn(self, what: str, seconds: float, *, ended: bool) -> None:
        """Follow what was seen; a life that was cut off says only that it can be longer."""
        known = getattr(self, what)
        if ended:
            setattr(self, what, known + 0.15 * (seconds - known))
        elif seconds > 0.9 * known:
            setattr(self, what, known * 1.03)


class Campaign:
    """The rounds on one kind of database. `kept` is where a faulty one is kept, if anywhere."""

    def __init__(
        self, app: Flask, databases: Databases, folder: Path, kind: type[Bank], points: set[str],
        counts: Counts, kept: Path | None = None,
    ) -> None:  # fmt: skip
        self.app = app
        self.databases = databases
        self.folder = folder
        self.kind = kind
        self.points = points
        self.counts = counts
        self.kept = kept
        self.pace = Pace()
        self.chance = random.Random()
        self.found: list[Fault] = []
        self.people: list[Person] = []
        self.since = self.number = self.judged = 0
        self.dead = False
        self.plan = Plan()

    def run(self, kills: int) -> None:
        """Kill so many times more, on one fresh database, and verify all of it at the end."""
        started = time.monotonic()
        self.database = self.databases.copy()
        self.bank = self.kind(self.folder / f"bank-{uuid.uuid4().hex[:12]}.db")
        os.environ.update(self.bank.environment)
        self.post = Post(self.bank, self.chance)
        self.people, self.found, self.judged, self.dead = [], [], 0, False
        try:
            for _ in range(kills):
                self._round()
                if self.found:
                    break  # what follows a fault says nothing new
            self._close_down()
        finally:
            self.counts.seconds += time.monotonic() - started
            self._put_away()

    def _put_away(self) -> None:
        """Delete what this database was proved with, or keep it when something was found."""
        if self.found and self.kept:
            self.kept.mkdir(parents=True, exist_ok=True)
            self.database.keep(self.kept)
            self.bank.keep(self.kept)
        self.database.drop()
        self.bank.stop()

    def _plan(self) -> Plan:
        """Every second kill at a crash point, each in its turn; one of eight while it recovers."""
        chance = self.chance
        while_ = "recovering" if chance.random() < 0.125 else "serving"
        recovery = chance.choice(("first", "first", "first", "first", "beside", "none"))
        if while_ == "recovering":
            recovery = "first"
        late = chance.random() < 0.6
        if self.counts.kills % 2:
            return Plan(recovery=recovery, while_=while_, late=late)
        point = min(self.points, key=lambda name: (self.counts.points[name], chance.random()))
        return Plan(point, chance.choice(ARRIVALS), recovery, while_, late)

    def _round(self) -> None:
        plan = self.plan = self._plan()
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            before = self._before()
            self.since = micros(now())
            child = Child(
                lambda say: live(self.app, self.database.url, listener, plan, before, say)
            )
            try:
                by_itself = self._live_through(child, plan, listener)
            except Hung:
                self._fault(Fault("wrong", str(plan), f"silent for {PATIENCE_SECONDS} seconds"))
                by_itself = False
            finally:
                status = child.kill()
        if status != signal.SIGKILL:
            self._fault(Fault("wrong", str(plan), f"the site ended otherwise: status {status}"))
        self.counts.kills += 1
        if by_itself:
            self.counts.points[plan.point] += 1
        else:
            self.counts.random += 1

    def _live_through(self, child: Child, plan: Plan, listener: socket.socket) -> bool:
        """Let one life go by until its kill; tell whether it died at its crash point."""
        if not self._left_behind(child):
            return False
        began = time.monotonic()
        if plan.recovery == "first":
            if not self._recovered(child, plan):
                return bool(plan.point)
            self.pace.learn("recovering", time.monotonic() - began, ended=True)
            self._judge()
        return self._while_serving(child, plan, listener)

    def _left_behind(self, child: Child) -> bool:
        """Count what the kill before this life cut in two, as the new life found it."""
        found = child.hear()
        if found is None:
            self._fault(Fault("wrong", "start", "the site died before it did anything"))
            return False
        if self.dead:
            self.counts.between += bool(found["intents"] or found["unbooked"])
            self.counts.unbooked += bool(found["unbooked"])
            self.counts.refunding += bool(found["asked"])
        self.dead = True
        return True

    def _recovered(self, child: Child, plan: Plan) -> bool:
        """Wait until the site has recovered; False when it was killed while it did."""
        cut = plan.while_ == "recovering"
        patience = PATIENCE_SECONDS
        if cut and not plan.point:
            patience = self._instant(self.pace.recovering)
        try:
            alive = child.hear(patience) is not None
        except Hung:
            if not cut or plan.point:
                raise
            alive = False
        if not alive and not cut:
            self._fault(Fault("wrong", str(plan), "the site died while it recovered"))
        self.counts.recovering += cut and not alive
        return alive

    def _while_serving(self, child: Child, plan: Plan, listener: socket.socket) -> bool:
        """Let people buy until the site dies, or is killed; tell whether it died by itself."""
        world = World(listener.getsockname()[1], self.bank)
        self._call_people()
        seconds = PATIENCE_SECONDS if plan.point else self._instant(self.pace.serving)
        began = time.monotonic()
        crowd = Crowd(self.people, self.post, world)
        while (left := began + seconds - time.monotonic()) > 0:
            if child.died_within(min(LOOK_SECONDS, left)) or crowd.gone:
                break
        by_itself = child.died_within(0)
        if not by_itself:
            self.pace.learn("serving", time.monotonic() - began, ended=crowd.gone)
        child.kill()
        listener.close()  # who still waits to be accepted is cut off
        crowd.disperse()
        if by_itself and not plan.point:
            self._fault(Fault("wrong", str(plan), "the site died by itself"))
        for line in world.trouble:
            self._fault(Fault("wrong", "answer", line))
        return by_itself

    def _call_people(self) -> None:
        """Let those who were cut off come back, and new ones in place of those who are done.

        Who is new does what leads to the point at which this life is to end.
        """
        refunded = self.plan.point.startswith("refund-")
        decided = self.plan.point in ("hold-decided", "provider-acted")
        self.people = [person for person in self.people if not person.finished]
        while len(self.people) < BUYERS:
            self.number += 1
            held = self.kind.holds and not refunded and (decided or self.chance.random() < HELD)
            self.people.append(somebody(self.number, self.chance, refunded=refunded, held=held))

    def _instant(self, whole: float) -> float:
        """Choose when to kill: anywhere on the whole way, but mostly in its first quarter.

        People go on where they were cut off, so every stage of a sale falls into that quarter too.
        """
        return self.chance.uniform(0, whole / 4 if self.chance.random() < 0.75 else 1.1 * whole)

    def _before(self) -> Before:
        orders = [person.order for person in self.people if person.order]
        moved = [one for one in self.bank.after(self.judged) if one.kind in ("charged", "refunded")]
        return Before(self.since, orders, [one.entry for one in moved])

    def _judge(self) -> None:
        """Compare what happened at the bank since the last judgement with what the site has."""
        happened = self._news()
        with self.database.opened():
            for fault in judge(self.database, self.bank, happened):
                self._fault(fault)

    def _close_down(self) -> None:
        """Start the site once more, let it recover and check itself; then judge everything."""
        before = self._before()
        child = Child(lambda say: close_down(self.database.url, before, say))
        try:
            if self._left_behind(child):
                answer = child.hear(10 * PATIENCE_SECONDS)
                for invariant, subject, detail in answer["faults"] if answer else ():
                    self._fault(Fault("wrong", f"{invariant}: {subject}", detail))
            if child.bury():
                self._fault(Fault("wrong", "verify", "the site could not check itself"))
        finally:
            child.kill()
        self.dead = False
        self._news()
        with self.database.opened():
            for fault in judge_everything(self.database, self.bank):
                self._fault(fault)
        for mistake in self.bank.mistakes():
            self._fault(Fault("wrong", "request", mistake))
        self.counts.verified += 1

    def _news(self) -> list[Happened]:
        """Return, and count, what the bank's log has new since the last judgement."""
        happened = self.bank.after(self.judged)
        if happened:
            self.judged = happened[-1].number
        kinds = Counter(one.kind for one in happened)
        self.counts.charges += kinds["charged"]
        self.counts.refunds += kinds["refunded"]
        return happened

    def _fault(self, fault: Fault) -> None:
        if fault in self.found:
            return
        self.found.append(fault)
        self.counts.faults += 1
        self.counts.lost += fault.kind == "lost"
        self.counts.doubled += fault.kind == "doubled"
        if self.kept:
            self.kept.mkdir(parents=True, exist_ok=True)
            lines = [f"{fault.kind}: {fault.subject}: {fault.detail}", f"  {self.plan}"]
            if fault.subject.startswith("ord_"):
                rows = evidence(self.database, self.bank, fault.subject)
                lines += [f"  {row}" for row in rows]
            print(f"{lines[0]} (see {self.kept})", file=sys.stderr)
            with (self.kept / "faults.txt").open("a") as report:
                report.write("\n".join(lines) + "\n")

"""A stand-in for a provider, forked like the bank: it logs each movement as it happens."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.proofs.kill.bank import Happened
from tests.proofs.kill.processes import Child, Say
from tests.proofs.kill.wire import ask

Row = dict[str, Any]


@dataclass
class Log:
    """What moved, in the order in which it did. A row is added within the stand-in's own lock."""

    rows: list[Row] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, kind: str, ref: str, reference: str, id: str, minor: int, **more: Any) -> None:
        """Write a row down."""
        row = {"kind": kind, "ref": ref, "reference": reference, "id": id, "minor": minor}
        self.rows.append({"number": next(self._numbers), "key": "", "fee": 0} | row | more)


class Served:
    """Mixed into a stand-in's server: a site that dies in the middle of an answer is no news."""

    mistakes: list[str]

    def handle_error(self, _request: object, _address: object) -> None:
        """Write down what went wrong with the stand-in itself."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.mistakes.append(f"the stand-in failed: {error!r}")


class StandIn:
    """A stand-in in a process of its own; `serve` opens it there. It remembers until it ends."""

    provider = ""
    holds = False
    fixed: Mapping[str, str] = {}
    serve: Callable[[], ThreadingHTTPServer]

    def __init__(self, path: Path) -> None:
        serve = type(self).serve

        def live(say: Say) -> None:
            serving = serve()
            say(port=serving.server_port)
            serving.serve_forever()

        self._process = Child(live)
        answer = self._process.hear()
        assert answer is not None, "the stand-in did not start"
        self.port: int = answer["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._rows: list[Happened] = []

    @property
    def environment(self) -> Mapping[str, str]:
        return {f"OBOLO_{self.provider.upper()}__API_URL": self.url}

    def after(self, number: int) -> list[Happened]:
        return [row for row in self.everything() if row.number > number]

    def of(self, payments: Iterable[str]) -> list[Happened]:
        references = set(payments)
        return [row for row in self._rows if row.reference in references]

    def everything(self) -> list[Happened]:
        known = self._rows[-1].number if self._rows else 0
        news = self._control("happened", after=known)
        self._rows += [Happened(**row, provider=self.provider) for row in news]
        return self._rows

    def messages(self, after: int) -> list[Row]:
        found: list[Row] = self._control("messages", after=after)
        return found

    def mistakes(self) -> list[str]:
        found: list[str] = self._control("mistakes")
        return found

    def keep(self, folder: Path) -> None:
        rows = self._control("happened", after=0)
        (folder / "bank.json").write_text(json.dumps(rows, indent=1))

    def _control(self, what: str, **sent: Any) -> Any:
        body = json.dumps(sent).encode()
        return ask(self.port, "POST", f"/control/{what}", {"Host": "bank"}, body).json()

    def stop(self) -> None:
        self._process.kill()

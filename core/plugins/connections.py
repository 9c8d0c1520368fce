"""Check connection: plugins look whether what they need outside answers, and core keeps the answer.

They look when somebody asks for it, all at the same time, and for some seconds only. What one
raises is a “no” in words, never a failure that counts: a bank that is away is no reason to pause.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextvars import copy_context
from datetime import datetime
from threading import Thread
from time import monotonic
from typing import Any

from core import audit
from core.errors import OboloError, in_words
from core.plugins import caller
from core.plugins.declarations import Health
from core.plugins.loaded import Implementation
from core.storage import close, transaction

log = logging.getLogger("obolo.plugins")
HOOK = "check_health"
CHECKED = "plugins.check"
SECONDS = 15.0
"""So long an answer is waited for; a call of the one client takes ten at most."""
LONGEST_VALUE = 300
MOST_ANSWERS = 10


def able() -> list[str]:
    """Return the names of the plugins that are on and can look."""
    return [one.plugin for one in caller.implementations(HOOK)]


def check(
    names: Collection[str], *, actor: str, address: str = ""
) -> dict[str, tuple[Health, ...]]:
    """Let these plugins look now, and note in the audit log what they found."""
    deadline = monotonic() + SECONDS
    looks = [_Look(one) for one in caller.implementations(HOOK) if one.plugin in names]
    found = {look.plugin: look.found(deadline) for look in looks}
    with transaction():
        for name, healths in found.items():
            said = [[one.ok, one.words, _filled(one), one.address] for one in healths]
            ok = all(one.ok for one in healths)
            audit.record(CHECKED, actor=actor, subject=name, address=address, ok=ok, said=said)
    return found


def last(name: str) -> tuple[datetime | None, tuple[Health, ...]]:
    """Return when a plugin looked last, and what it found; None when it never did."""
    event = next(iter(audit.events(action=CHECKED, subject=name, limit=1)), None)
    if event is None:
        return None, ()
    said: Sequence[Sequence[Any]] = event.data.get("said", ())
    return event.at, tuple(
        Health(words, ok=ok, values=dict(filled), address=address)
        for ok, words, filled, address in said
    )


def in_language(health: Health, translate: Callable[[str], object]) -> str:
    """Say what was found in a reader's language; a translation that does not fit is not used."""
    try:
        words = str(translate(health.words))
        return words.format(**health.values) if health.values else words
    except (KeyError, IndexError, ValueError):
        return str(health)


def _filled(health: Health) -> list[list[str]]:
    return [[name, str(value)[:LONGEST_VALUE]] for name, value in health.values.items()]


class _Look:
    """One plugin looks in a thread of its own: an answer that does not come holds nobody up."""

    def __init__(self, one: Implementation) -> None:
        self.plugin = one.plugin
        self._found: tuple[Health, ...] | None = None
        self._thread = Thread(target=copy_context().run, args=(self._ask, one), daemon=True)
        self._thread.start()

    def _ask(self, one: Implementation) -> None:
        try:
            answer = caller.call(HOOK, one, {}, passes=(Exception,)) or ()
            for health in answer[:MOST_ANSWERS]:
                str(health)  # words and values must fit each other
            self._found = answer[:MOST_ANSWERS]
        except OboloError as error:
            self._found = (Health(error.message, ok=False, values=error.values),)
        except Exception as error:
            log.warning("plugin %s failed while it looked", self.plugin, exc_info=True)
            self._found = (Health(in_words(error), ok=False),)
        finally:
            close()  # the thread's connection goes with it

    def found(self, deadline: float) -> tuple[Health, ...]:
        """Return what was found by then."""
        self._thread.join(max(0.0, deadline - monotonic()))
        waited = {"seconds": int(SECONDS)}
        late = Health("There was no answer within {seconds} seconds.", ok=False, values=waited)
        return (late,) if self._found is None else self._found

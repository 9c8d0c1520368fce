"""Tell plugins what happened, at least once: a row in the transaction of the fact, told after it.

Each plugin that listens has a row of its own, so that one that fails is told again without the
others. Hooks `on_*` must therefore be repeatable.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from core import orders, outgoing, plugins
from core.clock import now
from core.money import Money
from core.storage import (
    after_commit,
    execute,
    in_transaction,
    insert,
    micros,
    new_id,
    to_json,
    transaction,
)

log = logging.getLogger("obolo.notices")

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360, 1440, 1440, 1440))
"""When a plugin that failed is told again; after the last try the row waits for a person."""
CLAIM = timedelta(minutes=2)
"""How long one worker has a notice to itself."""


def _stay() -> None:
    """Leave the telling to the periodic task."""


wake: Callable[[], object] = _stay
"""Called after the commit of a notice; the app sets it to what starts the telling."""


def _wake() -> None:
    wake()


def tell(hook: str, cause: str, *, order: str, **data: str | int) -> None:
    """Store, inside the caller's transaction, that the plugins listening to a hook are to be told.

    Endpoints of other machines are told the same. `cause` names the fact, so that a repeated fact
    is told once.
    """
    assert in_transaction()
    outgoing.keep(hook, cause, order=order, data=data)
    listeners = plugins.implementations(hook)
    if not listeners:
        return
    at = micros(now())
    insert("notices_notice", [{
        "id": new_id("not"), "cause": cause, "plugin": listener.plugin, "hook": hook,
        "data": to_json({"order": order, **data}), "created": at, "told": None, "attempts": 0,
        "next_try": at, "error": None,
    } for listener in listeners], ignore=True)  # fmt: skip
    after_commit(_wake)


def tell_due(at: datetime) -> int:
    """Tell what is due; return how many were told."""
    rows = execute(
        "SELECT id, plugin, hook, data, attempts, next_try FROM notices_notice "
        "WHERE next_try <= ? ORDER BY next_try LIMIT 200",
        [micros(at)],
    ).fetchall()
    return sum(_tell_one(*row) for row in rows)


def _tell_one(id: str, plugin: str, hook: str, data: str, attempts: int, next_try: int) -> bool:
    claimed = execute(
        "UPDATE notices_notice SET next_try = ?, attempts = attempts + 1 WHERE id = ? AND "
        "next_try = ?",
        [micros(now() + CLAIM), id, next_try],
    )
    if claimed.rowcount == 0:
        return False
    listener = next(
        (found for found in plugins.implementations(hook) if found.plugin == plugin), None
    )
    if listener is None:
        _postpone(id, attempts, f"plugin {plugin} is off or no longer listens")
        return False
    try:
        plugins.call(hook, listener, _arguments(json.loads(data)))
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        log.warning("notice %s: %s.%s: %s", id, plugin, hook, error)
        _postpone(id, attempts, str(error))
        return False
    with transaction():
        execute(
            "UPDATE notices_notice SET told = ?, next_try = NULL, error = NULL WHERE id = ?",
            [micros(now()), id],
        )
    return True


def _arguments(data: dict[str, Any]) -> dict[str, Any]:
    order = orders.find(data["order"])
    amount = Money(data["minor"], order.currency) if "minor" in data else None
    return {"order": order, "amount": amount, "status": data.get("status")}


def _postpone(id: str, attempts: int, error: str) -> None:
    next_try = micros(now() + PAUSES[attempts]) if attempts < len(PAUSES) else None
    execute(
        "UPDATE notices_notice SET next_try = ?, error = ? WHERE id = ?",
        [next_try, error[:500], id],
    )


def untold() -> list[tuple[str, str, str, int, str]]:
    """Return what was not told yet: cause, plugin, hook, tries so far, last error."""
    rows = execute(
        "SELECT cause, plugin, hook, attempts, COALESCE(error, '') FROM notices_notice "
        "WHERE told IS NULL ORDER BY created"
    )
    return [tuple(row) for row in rows]


def retell(cause: str, plugin: str) -> bool:
    """Have a plugin told anew, from now on, of what it was not told yet; False when it was."""
    done = execute(
        "UPDATE notices_notice SET next_try = ?, attempts = 0 "
        "WHERE cause = ? AND plugin = ? AND told IS NULL",
        [micros(now()), cause, plugin],
    )
    after_commit(_wake)
    return bool(done.rowcount)

"""Seals: a chain of digests over rows that can only grow, so that nothing old changes unnoticed.

Ids are in order of time and no transaction lasts minutes, so rows older than some minutes are
complete. A changed, added or removed row breaks its seal. The digests are made with a key of the
vault: who can write the database alone cannot make them anew.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.storage.database import execute, insert, micros, transaction
from core.storage.keys import key_for

SUBJECT, PURPOSE = "shop:seals", "mac"


@dataclass(frozen=True, slots=True)
class Seals:
    """The seals in `table` over rows that `rows` selects by `id > ? AND id <= ?`, in order of id.

    The first column is the id, which starts with `prefix`.
    """

    table: str
    rows: str
    prefix: str

    def add(self, before: datetime) -> int:
        """Chain the rows made before an instant to the seal before them; return how many."""
        with transaction():
            row = execute(
                f"SELECT number, last_id, digest FROM {self.table} ORDER BY number DESC LIMIT 1"
            ).fetchone()
            number, last, digest = row or (0, "", "")
            cut = f"{self.prefix}_{micros(before) // 1000 << 80:032x}"
            count, digest, last = self._digest(last, cut, digest)
            if count:
                insert(self.table, {
                    "number": number + 1, "last_id": last, "entries": count, "digest": digest,
                    "at": micros(now()),
                }, ignore=True)  # fmt: skip
        return count

    def broken(self) -> list[int]:
        """Return the numbers of the seals that the rows no longer match."""
        broken, last, digest = [], "", ""
        for number, last_id, entries, sealed in execute(
            f"SELECT number, last_id, entries, digest FROM {self.table} ORDER BY number"
        ).fetchall():
            count, computed, _ = self._digest(last, last_id, digest)
            if count != entries or not hmac.compare_digest(computed, sealed):
                broken.append(number)
            last, digest = last_id, sealed
        return broken

    def head(self) -> tuple[int, str]:
        """Return the number and digest of the newest seal, to be noted elsewhere."""
        sql = f"SELECT number, digest FROM {self.table} ORDER BY number DESC LIMIT 1"
        row = execute(sql).fetchone()
        return (row[0], row[1]) if row else (0, "")

    def _digest(self, after: str, until: str, previous: str) -> tuple[int, str, str]:
        """Hash the rows with `after < id <= until`, chained to the digest before them."""
        secret = key_for(SUBJECT, PURPOSE).secret
        hashed = hmac.new(secret, f"{self.table}|{previous}".encode(), hashlib.sha256)
        count, last = 0, after
        for row in execute(self.rows, [after, until]):
            hashed.update("\x1f".join(map(str, row)).encode() + b"\x1e")
            count += row[0] != last
            last = row[0]
        return count, hashed.hexdigest(), last

"""Where a guest wants receipts, and gets back in: an address that nobody has proved yet."""

from __future__ import annotations

from core.clock import now
from core.storage import execute, micros, transaction, vault

EMAIL_COLUMN = "people_contact.email"


def keep(holder: str, email: str, language: str) -> None:
    """Note where a guest's receipts go; a later address replaces it."""
    cell = vault.seal(
        email, table="people_contact", column="email", row=holder, subject=f"person:{holder}"
    )
    with transaction():
        execute(
            "INSERT INTO people_contact (holder, email, email_index, language, at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (holder) DO UPDATE SET email = excluded.email, "
            "email_index = excluded.email_index, language = excluded.language, at = excluded.at",
            [holder, cell, vault.blind_index(EMAIL_COLUMN, email), language, micros(now())],
        )


def of_holder(holder: str) -> tuple[str, str] | None:
    """Return where a holder's receipts go, and in which language."""
    row = execute(
        "SELECT email, language FROM people_contact WHERE holder = ?", [holder]
    ).fetchone()
    if row is None:
        return None
    email = vault.unseal(bytes(row[0]), table="people_contact", column="email", row=holder)
    return email, row[1]


def of_email(email: str) -> list[str]:
    """Return the guests that gave this address; whoever proves to read it may claim them."""
    indexes = vault.blind_indexes(EMAIL_COLUMN, email)
    marks = ", ".join("?" * len(indexes))
    sql = f"SELECT holder FROM people_contact WHERE email_index IN ({marks}) ORDER BY at"
    return [row[0] for row in execute(sql, indexes).fetchall()]


def forget(holder: str) -> None:
    """Delete a holder's address."""
    with transaction():
        execute("DELETE FROM people_contact WHERE holder = ?", [holder])

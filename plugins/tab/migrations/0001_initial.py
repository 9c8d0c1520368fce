"""Whose tab was opened where, and what of it was written off."""


def up(migrator, db):
    """Make the one table; what is owed stands in the ledger."""
    db.execute_sql(
        "CREATE TABLE tab_tab (holder TEXT NOT NULL PRIMARY KEY, network TEXT NOT NULL, "
        "opened BIGINT NOT NULL, lost BIGINT, minor BIGINT NOT NULL DEFAULT 0)"
    )


def down(migrator, db):
    """Drop it."""
    db.execute_sql("DROP TABLE tab_tab")

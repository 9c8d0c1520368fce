"""Whom the plugin reminded that a balance expires, and when."""


def up(migrator, db):
    """Make the one table; the balances themselves stand in the ledger."""
    db.execute_sql(
        "CREATE TABLE wallet_reminder (holder TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)"
    )


def down(migrator, db):
    """Drop it."""
    db.execute_sql("DROP TABLE wallet_reminder")

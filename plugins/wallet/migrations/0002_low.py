"""What a reader wants when little is left, and the top-up that is under way for it."""


def up(migrator, db):
    """Make the table: one wish for each holder, and at most one order at a time."""
    db.execute_sql(
        "CREATE TABLE wallet_low (holder TEXT NOT NULL PRIMARY KEY, below BIGINT NOT NULL, "
        "adds BIGINT NOT NULL, method TEXT NOT NULL, page TEXT NOT NULL, agreed BIGINT NOT NULL, "
        "told BIGINT NOT NULL, order_id TEXT NOT NULL, asked BIGINT NOT NULL)"
    )


def down(migrator, db):
    """Drop it."""
    db.execute_sql("DROP TABLE wallet_low")

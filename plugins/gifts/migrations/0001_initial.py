"""Gifts: which order paid one, the hash of its link, and who took it."""


def up(migrator, db):
    """Make the one table. Whether a gift counts stands with the entitlement of its order."""
    db.execute_sql("""
    CREATE TABLE gifts_gift (
        id TEXT NOT NULL PRIMARY KEY,
        order_id TEXT NOT NULL,
        line INTEGER NOT NULL,
        holder TEXT NOT NULL,
        resource TEXT NOT NULL,
        until BIGINT NOT NULL,
        link TEXT,
        taker TEXT,
        taken BIGINT,
        closed BIGINT,
        CHECK (taker IS NULL OR closed IS NULL)
    )""")
    db.execute_sql("CREATE UNIQUE INDEX gifts_gift_link ON gifts_gift (link)")
    db.execute_sql("CREATE INDEX gifts_gift_order ON gifts_gift (order_id)")
    db.execute_sql("CREATE INDEX gifts_gift_holder ON gifts_gift (holder)")
    db.execute_sql("CREATE INDEX gifts_gift_taker ON gifts_gift (taker)")
    db.execute_sql("CREATE INDEX gifts_gift_until ON gifts_gift (until) WHERE taker IS NULL")


def down(migrator, db):
    """Drop it."""
    db.execute_sql("DROP TABLE gifts_gift")

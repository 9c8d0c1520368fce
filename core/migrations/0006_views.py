"""What was seen, by day; the books summed by day, so that a page can ask for years."""

TABLES = """
CREATE TABLE views_day (
    day BIGINT NOT NULL,
    resource TEXT NOT NULL,
    stage TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (day, resource, stage)
);
CREATE TABLE figures_day (
    day BIGINT NOT NULL PRIMARY KEY
);
CREATE TABLE figures_money (
    day BIGINT NOT NULL,
    mode TEXT NOT NULL,
    provider TEXT NOT NULL,
    reason TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL,
    PRIMARY KEY (day, mode, provider, reason, account, currency)
);
CREATE TABLE figures_sale (
    day BIGINT NOT NULL,
    mode TEXT NOT NULL,
    resource TEXT NOT NULL,
    currency TEXT NOT NULL,
    sold BIGINT NOT NULL,
    minor BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    PRIMARY KEY (day, mode, resource, currency)
);
CREATE TABLE figures_wait (
    day BIGINT NOT NULL,
    mode TEXT NOT NULL,
    seconds BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (day, mode, seconds)
);
CREATE INDEX ledger_entry_at ON ledger_entry (at);
CREATE INDEX orders_order_paid ON orders_order (mode, holder, created)
    WHERE state = 'paid'
"""


def up(migrator, db):
    """Make the tables of counts and daily sums, and what finds entries and buyers by time.

    On SQLite the sums lie in the order of their keys, which is how they are read.
    """
    sqlite = type(migrator).__name__.startswith("Sqlite")
    for statement in TABLES.split(";"):
        keyed = sqlite and "PRIMARY KEY (" in statement
        db.execute_sql(f"{statement} WITHOUT ROWID" if keyed else statement)

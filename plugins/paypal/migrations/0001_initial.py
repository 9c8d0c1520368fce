"""What was asked of PayPal, kept before it is asked."""

TABLE = """
CREATE TABLE paypal_payment (
    id TEXT NOT NULL PRIMARY KEY,
    minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    request TEXT NOT NULL,
    order_id TEXT,
    url TEXT NOT NULL,
    cancelled INTEGER NOT NULL,
    failure TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX paypal_payment_order ON paypal_payment (order_id) WHERE order_id IS NOT NULL
"""


def up(migrator, db):
    """Make the table."""
    for statement in TABLE.split(";"):
        db.execute_sql(statement)

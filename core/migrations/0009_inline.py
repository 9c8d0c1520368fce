"""Payments that are made on a page of the site, beside those on a provider's own."""

COLUMN = "ALTER TABLE payments_payment ADD COLUMN inline INTEGER NOT NULL DEFAULT 0"


def up(migrator, db):
    """Say of each payment where it is made; those before were made at their providers."""
    db.execute_sql(COLUMN)

"""Payments that are made on a page of the site, and the scripts that pages load."""

COLUMN = "ALTER TABLE payments_payment ADD COLUMN inline INTEGER NOT NULL DEFAULT 0"
SCRIPTS = """
CREATE TABLE scripts_script (
    owner TEXT NOT NULL,
    src TEXT NOT NULL,
    version TEXT NOT NULL,
    accepted TEXT NOT NULL,
    found TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (owner, src)
)
"""


def up(migrator, db):
    """Say of each payment where it is made; those before were made at their providers."""
    db.execute_sql(COLUMN)
    db.execute_sql(SCRIPTS)

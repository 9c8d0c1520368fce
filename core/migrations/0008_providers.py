"""Holds, kept methods, refunds named by staff, and the lines of providers' own accounts."""

TABLES = """
ALTER TABLE payments_payment ADD COLUMN hold TEXT NOT NULL DEFAULT '';
ALTER TABLE payments_payment ADD COLUMN save BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments_payment ADD COLUMN method TEXT NOT NULL DEFAULT '';
ALTER TABLE payments_payment ADD COLUMN back TEXT NOT NULL DEFAULT '';
ALTER TABLE payments_refund ADD COLUMN movement TEXT NOT NULL DEFAULT '';
CREATE TABLE payments_method (
    id TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    provider TEXT NOT NULL,
    token {bytes} NOT NULL,
    label {bytes} NOT NULL,
    payment_id TEXT NOT NULL UNIQUE REFERENCES payments_payment (id) ON DELETE RESTRICT,
    created BIGINT NOT NULL
);
CREATE INDEX payments_method_holder ON payments_method (holder);
CREATE TABLE payments_line (
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    payout TEXT,
    words TEXT NOT NULL,
    PRIMARY KEY (provider, kind, id, at, currency, minor)
);
CREATE INDEX payments_line_at ON payments_line (provider, at);
CREATE INDEX payments_line_payout ON payments_line (provider, payout);
CREATE TABLE payments_difference (
    provider TEXT NOT NULL,
    day BIGINT NOT NULL,
    subject TEXT NOT NULL,
    problem TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL,
    PRIMARY KEY (provider, day, subject, problem, currency)
)
"""


def up(migrator, db):
    """Add the columns and make the tables."""
    kind = "BLOB" if type(migrator).__name__.startswith("Sqlite") else "BYTEA"
    for statement in TABLES.replace("{bytes}", kind).split(";"):
        db.execute_sql(statement)

"""Transfers that were asked for, lines of bank statements, refunds sent by hand."""

TABLES = """
CREATE TABLE banktransfer_transfer (
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    holder TEXT NOT NULL,
    minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    words TEXT NOT NULL,
    state TEXT NOT NULL,
    failure TEXT NOT NULL,
    back TEXT NOT NULL,
    language TEXT NOT NULL,
    created BIGINT NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX banktransfer_transfer_state ON banktransfer_transfer (state, created);
CREATE TABLE banktransfer_line (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    day TEXT NOT NULL,
    minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    payer BYTES NOT NULL,
    words BYTES NOT NULL,
    transfer_id TEXT,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    imported BIGINT NOT NULL
);
CREATE INDEX banktransfer_line_state ON banktransfer_line (state, day);
CREATE INDEX banktransfer_line_transfer ON banktransfer_line (transfer_id);
CREATE TABLE banktransfer_refund (
    id TEXT NOT NULL PRIMARY KEY,
    transfer_id TEXT NOT NULL,
    minor BIGINT NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    done BIGINT
);
CREATE INDEX banktransfer_refund_transfer ON banktransfer_refund (transfer_id);
CREATE TABLE banktransfer_file (
    id TEXT NOT NULL PRIMARY KEY,
    content BYTES NOT NULL,
    created BIGINT NOT NULL
)
"""


def up(migrator, db):
    """Make the tables; what is sealed is bytes."""
    kind = "BLOB" if type(migrator).__name__.startswith("Sqlite") else "BYTEA"
    for statement in TABLES.replace("BYTES", kind).split(";"):
        db.execute_sql(statement)

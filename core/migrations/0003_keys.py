"""Wrapped data keys, what was shredded, and which rotations are under way."""

TABLES = """
CREATE TABLE keys_site (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
CREATE TABLE keys_key (
    id BLOB NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('next', 'active', 'single', 'decrypt-only', 'destroyed')),
    kek TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created BIGINT NOT NULL,
    destroyed BIGINT
);
CREATE UNIQUE INDEX keys_key_active ON keys_key (subject, purpose) WHERE state = 'active';
CREATE INDEX keys_key_subject ON keys_key (subject, purpose);
CREATE INDEX keys_key_kek ON keys_key (kek) WHERE state <> 'destroyed';
CREATE TABLE keys_shredded (
    subject TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE TABLE keys_rotation (
    name TEXT NOT NULL PRIMARY KEY,
    started BIGINT NOT NULL
)
"""


def up(migrator, db):
    """Make the tables of the vault."""
    sqlite = type(migrator).__name__.startswith("Sqlite")
    for statement in TABLES.split(";"):
        db.execute_sql(statement if sqlite else statement.replace("BLOB", "BYTEA"))

"""Users, what they sign in with, and the guests that they claimed. Sealed columns are bytes."""

TABLES = """
CREATE TABLE people_user (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled', 'erased')),
    role TEXT NOT NULL,
    language TEXT NOT NULL,
    email {bytes},
    email_index {bytes} UNIQUE,
    name {bytes},
    receipts INTEGER NOT NULL,
    password TEXT,
    totp {bytes},
    totp_step BIGINT NOT NULL,
    totp_since BIGINT,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE TABLE people_claim (
    holder TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES people_user (id) ON DELETE RESTRICT,
    at BIGINT NOT NULL
);
CREATE INDEX people_claim_user ON people_claim (user_id);
CREATE TABLE people_session (
    id TEXT NOT NULL PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES people_user (id) ON DELETE RESTRICT,
    device TEXT NOT NULL,
    strong INTEGER NOT NULL,
    started BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    confirmed BIGINT NOT NULL
);
CREATE INDEX people_session_user ON people_session (user_id);
CREATE TABLE people_passkey (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES people_user (id) ON DELETE RESTRICT,
    public_key {bytes} NOT NULL,
    signs BIGINT NOT NULL,
    name {bytes} NOT NULL,
    created BIGINT NOT NULL,
    used BIGINT
);
CREATE INDEX people_passkey_user ON people_passkey (user_id);
CREATE TABLE people_recovery (
    user_id TEXT NOT NULL REFERENCES people_user (id) ON DELETE RESTRICT,
    code TEXT NOT NULL,
    used BIGINT,
    PRIMARY KEY (user_id, code)
);
CREATE TABLE people_code (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    code TEXT NOT NULL,
    link TEXT NOT NULL UNIQUE,
    data {bytes} NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    tries INTEGER NOT NULL,
    used BIGINT
);
CREATE INDEX people_code_expires ON people_code (expires);
CREATE TABLE people_contact (
    holder TEXT NOT NULL PRIMARY KEY,
    email {bytes} NOT NULL,
    email_index {bytes} NOT NULL,
    language TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX people_contact_email ON people_contact (email_index)
"""


def up(migrator, db):
    """Make the tables."""
    kind = "BLOB" if type(migrator).__name__.startswith("Sqlite") else "BYTEA"
    for statement in TABLES.replace("{bytes}", kind).split(";"):
        db.execute_sql(statement)

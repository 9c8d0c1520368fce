"""Personal tokens, answers kept for repeated requests, and webhooks to other machines."""

TABLES = """
CREATE TABLE people_token (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES people_user (id) ON DELETE RESTRICT,
    name {bytes} NOT NULL,
    token TEXT NOT NULL UNIQUE,
    mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT
);
CREATE INDEX people_token_user ON people_token (user_id);
CREATE TABLE api_answer (
    user_id TEXT NOT NULL REFERENCES people_user (id) ON DELETE RESTRICT,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    subject TEXT NOT NULL,
    status INTEGER,
    body TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX api_answer_created ON api_answer (created);
CREATE TABLE outgoing_endpoint (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('on', 'off', 'failed')),
    secrets {bytes} NOT NULL,
    created BIGINT NOT NULL,
    failing_since BIGINT
);
CREATE TABLE outgoing_delivery (
    id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL REFERENCES outgoing_endpoint (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    type TEXT NOT NULL,
    order_id TEXT,
    data TEXT NOT NULL,
    body TEXT,
    created BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    next_try BIGINT,
    delivered BIGINT,
    status INTEGER,
    answer TEXT,
    error TEXT,
    PRIMARY KEY (id, endpoint_id),
    UNIQUE (cause, endpoint_id)
);
CREATE INDEX outgoing_delivery_due ON outgoing_delivery (next_try) WHERE next_try IS NOT NULL;
CREATE INDEX outgoing_delivery_endpoint ON outgoing_delivery (endpoint_id, id)
"""


def up(migrator, db):
    """Make the tables."""
    kind = "BLOB" if type(migrator).__name__.startswith("Sqlite") else "BYTEA"
    for statement in TABLES.replace("{bytes}", kind).split(";"):
        db.execute_sql(statement)

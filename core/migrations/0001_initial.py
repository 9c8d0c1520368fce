"""Core's first tables: instants are BIGINT microseconds, JSON is text, amounts minor units."""

TABLES = """
CREATE TABLE site_generation (
    name TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);
CREATE TABLE settings_value (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    sealed BLOB,
    changed BIGINT NOT NULL
);
CREATE TABLE audit_event (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX audit_event_at ON audit_event (at);
CREATE TABLE audit_seal (
    number BIGINT NOT NULL PRIMARY KEY,
    last_id TEXT NOT NULL,
    entries BIGINT NOT NULL,
    digest TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE TABLE limits_hit (
    key TEXT NOT NULL,
    "window" BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (key, "window")
);
CREATE TABLE mail_message (
    id TEXT NOT NULL PRIMARY KEY,
    recipient BLOB NOT NULL,
    subject BLOB NOT NULL,
    body BLOB NOT NULL,
    language TEXT NOT NULL,
    created BIGINT NOT NULL,
    sent BIGINT,
    attempts INTEGER NOT NULL,
    next_try BIGINT,
    error TEXT
);
CREATE INDEX mail_message_due ON mail_message (next_try) WHERE next_try IS NOT NULL;
CREATE TABLE tasks_slot (
    name TEXT NOT NULL,
    slot BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (name, slot)
);

CREATE TABLE orders_order (
    id TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'closed')),
    mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    return_to TEXT NOT NULL,
    language TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    payment TEXT
);
CREATE INDEX orders_order_holder ON orders_order (holder);
CREATE INDEX orders_order_expiring ON orders_order (expires) WHERE state = 'open';
CREATE TABLE orders_line (
    order_id TEXT NOT NULL REFERENCES orders_order (id) ON DELETE RESTRICT,
    number INTEGER NOT NULL,
    label TEXT NOT NULL,
    minor BIGINT NOT NULL,
    account TEXT NOT NULL,
    grants TEXT NOT NULL,
    part_of INTEGER,
    tax_class TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (order_id, number)
);
CREATE TABLE orders_answer (
    order_id TEXT NOT NULL REFERENCES orders_order (id) ON DELETE RESTRICT,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    answer BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (order_id, key)
);

CREATE TABLE payments_payment (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders_order (id) ON DELETE RESTRICT,
    provider TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL CHECK (minor > 0),
    ref TEXT,
    facts TEXT NOT NULL,
    wrong TEXT NOT NULL,
    created BIGINT NOT NULL,
    next_look BIGINT,
    looks INTEGER NOT NULL,
    UNIQUE (provider, ref)
);
CREATE INDEX payments_payment_order ON payments_payment (order_id);
CREATE INDEX payments_payment_due ON payments_payment (next_look) WHERE next_look IS NOT NULL;
CREATE TABLE payments_movement (
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payments_payment (id) ON DELETE RESTRICT,
    PRIMARY KEY (provider, kind, id)
);
CREATE TABLE payments_refund (
    id TEXT NOT NULL PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES payments_payment (id) ON DELETE RESTRICT,
    minor BIGINT NOT NULL CHECK (minor > 0),
    lines TEXT NOT NULL,
    destination TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'done', 'failed')),
    created BIGINT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX payments_refund_payment ON payments_refund (payment_id);
CREATE TABLE payments_delivery (
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    hint TEXT NOT NULL,
    received BIGINT NOT NULL,
    settled BIGINT,
    attempts INTEGER NOT NULL,
    next_try BIGINT,
    error TEXT,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX payments_delivery_due ON payments_delivery (next_try) WHERE next_try IS NOT NULL;

CREATE TABLE ledger_entry (
    id TEXT NOT NULL PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    reason TEXT NOT NULL,
    order_id TEXT
);
CREATE INDEX ledger_entry_order ON ledger_entry (order_id);
CREATE TABLE ledger_leg (
    entry_id TEXT NOT NULL REFERENCES ledger_entry (id) ON DELETE RESTRICT,
    number INTEGER NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL CHECK (minor <> 0),
    PRIMARY KEY (entry_id, number)
);
CREATE INDEX ledger_leg_account ON ledger_leg (account, currency);
CREATE TABLE ledger_balance (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL,
    PRIMARY KEY (account, currency)
);
CREATE TABLE ledger_bound (
    prefix TEXT NOT NULL PRIMARY KEY,
    least BIGINT,
    most BIGINT
);
CREATE TABLE ledger_seal (
    number BIGINT NOT NULL PRIMARY KEY,
    last_id TEXT NOT NULL,
    entries BIGINT NOT NULL,
    digest TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE entitlements_entitlement (
    order_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    holder TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
    starts BIGINT NOT NULL,
    until BIGINT,
    PRIMARY KEY (order_id, line, key)
);
CREATE INDEX entitlements_entitlement_holder
    ON entitlements_entitlement (holder, key, state, until);

CREATE TABLE notices_notice (
    id TEXT NOT NULL PRIMARY KEY,
    cause TEXT NOT NULL,
    plugin TEXT NOT NULL,
    hook TEXT NOT NULL,
    data TEXT NOT NULL,
    created BIGINT NOT NULL,
    told BIGINT,
    attempts INTEGER NOT NULL,
    next_try BIGINT,
    error TEXT,
    UNIQUE (cause, plugin)
);
CREATE INDEX notices_notice_due ON notices_notice (next_try) WHERE next_try IS NOT NULL
"""

APPEND_ONLY = ("ledger_entry", "ledger_leg", "ledger_seal", "audit_event", "audit_seal")

POSTGRES_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME;
END $$
"""


def up(migrator, db):
    """Make the tables, and triggers that keep books and audit append-only."""
    sqlite = type(migrator).__name__.startswith("Sqlite")
    tables = TABLES if sqlite else TABLES.replace("BLOB", "BYTEA")
    for statement in tables.split(";"):
        counters = sqlite and "CREATE TABLE limits_hit" in statement
        db.execute_sql(f"{statement} WITHOUT ROWID" if counters else statement)
    if not sqlite:
        db.execute_sql(POSTGRES_FUNCTION)
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            if sqlite:
                db.execute_sql(
                    f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            else:
                db.execute_sql(
                    f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
                )
        if not sqlite:
            db.execute_sql(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )

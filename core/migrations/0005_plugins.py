"""Which plugins are on, in which order; what failed in them, and the time that they took."""

TABLES = """
CREATE TABLE plugins_plugin (
    name TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('enabled', 'paused', 'off')),
    position BIGINT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE TABLE plugins_failure (
    id TEXT NOT NULL PRIMARY KEY,
    plugin TEXT NOT NULL,
    what TEXT NOT NULL,
    at BIGINT NOT NULL,
    error TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX plugins_failure_plugin ON plugins_failure (plugin, at);
CREATE TABLE plugins_timing (
    plugin TEXT NOT NULL,
    what TEXT NOT NULL,
    day BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    micros BIGINT NOT NULL,
    slowest BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    PRIMARY KEY (plugin, what, day)
)
"""


def up(migrator, db):
    """Make the tables of the plugin host."""
    for statement in TABLES.split(";"):
        db.execute_sql(statement)

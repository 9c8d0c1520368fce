"""Files of the site: what they are, under which key; the name is sealed."""

TABLES = """
CREATE TABLE files_file (
    id TEXT NOT NULL PRIMARY KEY,
    key_id BLOB NOT NULL UNIQUE,
    mimetype TEXT NOT NULL,
    name BLOB NOT NULL,
    size BIGINT NOT NULL CHECK (size >= 0),
    version INTEGER NOT NULL,
    subject TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX files_file_subject ON files_file (subject)
"""


def up(migrator, db):
    """Make the table of files."""
    sqlite = type(migrator).__name__.startswith("Sqlite")
    for statement in TABLES.split(";"):
        db.execute_sql(statement if sqlite else statement.replace("BLOB", "BYTEA"))

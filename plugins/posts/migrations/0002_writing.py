"""Writing in the browser: who wrote, what waits, what was withdrawn; unsaved copies; media."""

import json

COLUMNS = """
ALTER TABLE posts_post ADD COLUMN withdrawn BIGINT;
ALTER TABLE posts_post ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE posts_post ADD COLUMN asked BIGINT;
ALTER TABLE posts_revision ADD COLUMN user_id TEXT NOT NULL DEFAULT ''
"""

TABLES = """
CREATE TABLE posts_unsaved (
    post_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    form TEXT NOT NULL,
    saved BIGINT NOT NULL,
    PRIMARY KEY (post_id, user_id)
);
CREATE INDEX posts_unsaved_user ON posts_unsaved (user_id);
CREATE TABLE posts_medium (
    name TEXT NOT NULL PRIMARY KEY,
    file TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    alt TEXT NOT NULL,
    tags TEXT NOT NULL,
    copied BIGINT,
    created BIGINT NOT NULL
);
CREATE INDEX posts_medium_created ON posts_medium (created);
CREATE INDEX posts_medium_waiting ON posts_medium (name) WHERE copied IS NULL
"""


def up(migrator, db):
    """Add the columns and tables, and list the files that texts have already."""
    for statement in (COLUMNS + ";" + TABLES).split(";"):
        db.execute_sql(statement)
    mark = "?" if type(migrator).__name__.startswith("Sqlite") else "%s"
    sql = "INSERT INTO posts_medium VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    rows = db.execute_sql("SELECT media, created FROM posts_revision ORDER BY created").fetchall()
    for media, created in rows:
        for file, name, width, height, _ in json.loads(media):
            last = file.rpartition("/")[2]
            db.execute_sql(
                sql.replace("?", mark), (name, last, width, height, "", "[]", None, created)
            )

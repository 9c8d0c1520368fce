"""The tables of posts: instants are BIGINT microseconds, lists and maps are JSON in text."""

TABLES = """
CREATE TABLE posts_post (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('post', 'page')),
    state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    published BIGINT CHECK (published IS NOT NULL OR state = 'draft'),
    revision_id TEXT NOT NULL,
    translation_of TEXT,
    translations TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX posts_post_published ON posts_post (kind, published) WHERE state = 'published';
CREATE TABLE posts_revision (
    id TEXT NOT NULL PRIMARY KEY,
    post_id TEXT NOT NULL REFERENCES posts_post (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    file TEXT NOT NULL,
    language TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    source TEXT NOT NULL,
    teaser_html TEXT NOT NULL,
    rest_html TEXT NOT NULL,
    tags TEXT NOT NULL,
    authors TEXT NOT NULL,
    fields TEXT NOT NULL,
    media TEXT NOT NULL,
    cover TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    more_minutes INTEGER NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX posts_revision_post ON posts_revision (post_id);
CREATE TABLE posts_tag (
    post_id TEXT NOT NULL REFERENCES posts_post (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (tag, post_id)
);
CREATE INDEX posts_tag_post ON posts_tag (post_id);
CREATE TABLE posts_author (
    post_id TEXT NOT NULL REFERENCES posts_post (id) ON DELETE CASCADE,
    author TEXT NOT NULL,
    PRIMARY KEY (author, post_id)
);
CREATE INDEX posts_author_post ON posts_author (post_id)
"""

SQLITE_SEARCH = """
CREATE VIRTUAL TABLE posts_search USING fts5 (
    post_id UNINDEXED, part UNINDEXED, words,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
)
"""

POSTGRES_SEARCH = """
CREATE TABLE posts_search (
    post_id TEXT NOT NULL REFERENCES posts_post (id) ON DELETE CASCADE,
    part TEXT NOT NULL CHECK (part IN ('public', 'whole')),
    words TSVECTOR NOT NULL,
    PRIMARY KEY (post_id, part)
);
CREATE INDEX posts_search_words ON posts_search USING gin (words)
"""


def up(migrator, db):
    """Make the tables, and the index of words that this database has."""
    sqlite = type(migrator).__name__.startswith("Sqlite")
    for statement in (TABLES + ";" + (SQLITE_SEARCH if sqlite else POSTGRES_SEARCH)).split(";"):
        db.execute_sql(statement)

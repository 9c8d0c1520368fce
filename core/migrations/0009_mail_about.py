"""What a message tells of, such as an order, so that its story can show it."""


def up(migrator, db):
    """Add the column, and what finds the messages by it."""
    db.execute_sql("ALTER TABLE mail_message ADD COLUMN about TEXT NOT NULL DEFAULT ''")
    db.execute_sql("CREATE INDEX mail_message_about ON mail_message (about) WHERE about <> ''")

"""What each token may spend, and the drafts by which machines pay."""


def up(migrator, db):
    """Make both tables; the money itself stands in the ledger."""
    db.execute_sql(
        "CREATE TABLE machinepay_budget (token TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, "
        "most BIGINT NOT NULL, most_a_day BIGINT NOT NULL, spent BIGINT NOT NULL, "
        "spent_today BIGINT NOT NULL, day BIGINT NOT NULL, "
        "CHECK (spent >= 0 AND spent_today >= 0))"
    )
    db.execute_sql(
        "CREATE TABLE machinepay_draft (id TEXT NOT NULL PRIMARY KEY, token TEXT NOT NULL, "
        "holder TEXT NOT NULL, resource TEXT NOT NULL, offer TEXT NOT NULL, minor BIGINT NOT NULL, "
        "currency TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL, order_id TEXT)"
    )
    db.execute_sql(
        "CREATE INDEX machinepay_draft_token ON machinepay_draft (token, resource, offer)"
    )
    db.execute_sql("CREATE INDEX machinepay_draft_holder ON machinepay_draft (holder, order_id)")


def down(migrator, db):
    """Drop them."""
    db.execute_sql("DROP TABLE machinepay_draft")
    db.execute_sql("DROP TABLE machinepay_budget")

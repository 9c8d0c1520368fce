"""Obolo as it is measured: `obolo run --no-tasks` whose doors are wide enough for a benchmark.

`python -m tests.bench.site POSTS` imports the posts, sells one thing, prints what that wrote, waits
for a line while the database is filled, and answers. `$OBOLO_HOME` is the site's folder.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from flask import Flask

from core import config as configuration
from core import limits, plugins
from core.app import create_app
from core.cli.server import Server
from core.plugins import Query, catalogue
from core.storage import execute, is_postgres
from tests.bench.rows import CAPTURED, HOLDER

FACTOR = 10**6
NOT_OF_A_SALE = ("posts_", "site_", "settings_", "tasks_", "sqlite_", "core_")


def main() -> None:
    """Prepare the site in a child, which takes its connections along, and serve it once told to."""
    child = os.fork()
    if child == 0:
        print(json.dumps(prepare(build(), Path(sys.argv[1]))), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, "the site could not be prepared"
    print("ready", flush=True)
    sys.stdin.readline()
    Server(build(), configuration.load(), workers=1, with_tasks=False).run()


def build() -> Flask:
    """Build the site of `$OBOLO_HOME`."""
    config = configuration.load()
    app = create_app(config)
    assert not catalogue.failed, catalogue.failed
    limits.set_key(config.derived_key("limits"), factor=FACTOR)
    return app


def prepare(app: Flask, posts: Path) -> dict[str, Any]:
    """Import the posts and sell one thing; return the posts' cards and the rows of the sale."""
    with app.app_context(), redirect_stdout(sys.stderr):
        app.cli.commands["posts"].commands["import"].callback(posts)  # type: ignore[attr-defined]
    before = _tables()
    with app.test_client() as client:
        client.set_cookie("obolo", app.extensions["obolo_signer"].sign(HOLDER).decode())
        form = {"resource": CAPTURED, "offer": "bench", "provider": "till", "return_to": "/"}
        answer = client.post(
            "/checkout/offer", data=form, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 303, answer.text
    sale = {}
    for table, (columns, rows) in _tables().items():
        old = before[table][1]
        assert all(row in rows for row in old), f"the sale changed rows of {table}"
        if new := [row for row in rows if row not in old]:
            sale[table] = {"columns": columns, "rows": new}
    with app.test_request_context():
        cards = [card for _, some in plugins.each("list_resources", query=Query()) for card in some]
    return {"sale": sale, "posts": {card.resource: card.url for card in cards}}


def _tables() -> dict[str, tuple[list[str], list[list[Any]]]]:
    """Return all rows of all tables in which a sale may leave any."""
    if is_postgres():
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    else:
        names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    found = {}
    for (name,) in execute(names).fetchall():
        if not name.startswith(NOT_OF_A_SALE) and not name.endswith("migrations"):
            cursor = execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in cursor.description]
            found[name] = (columns, [list(row) for row in cursor.fetchall()])
    return found


if __name__ == "__main__":
    main()

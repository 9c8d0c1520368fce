"""docs/machines.md is true: its commands are run against a site and print what the page says."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from plugins.machinepay import gatekeeping
from tests.docs.pages import ROOT, blocks
from tests.docs.test_api_page import holds
from tests.plugins.machinepay.payer import PAID_IN, PRICE, Payer, fill, left, sales
from tests.plugins.posts.texts import bring, write

PAGE = ROOT / "docs" / "machines.md"
COMMANDS = [block.text for block in blocks(PAGE, "sh")]
PRINTED = [json.loads(block.text) for block in blocks(PAGE, "json")]


class Silent(WSGIRequestHandler):
    """A handler that writes no log."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_walk_with_curl_is_as_the_page_says(make_site, tmp_path):
    """402, the text in the same answer, the receipt; and one sale for two requests."""
    app = make_site("posts", "paywall", "wallet", "machinepay")
    write(tmp_path, "closed", "For all.\n\n<!-- more -->\n\nPaid.\n", price="0.20 EUR")
    bring(app, tmp_path)
    payer = Payer(app)
    fill(payer.user.id)
    with make_server("127.0.0.1", 0, app, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        shell = {
            "PATH": "/usr/bin:/bin", "SITE": f"http://localhost:{server.server_port}",
            "TOKEN": payer.headers["Authorization"].removeprefix("Bearer "),
        }  # fmt: skip
        try:
            for command, said in zip([*COMMANDS, COMMANDS[1]], [*PRINTED, PRINTED[1]], strict=True):
                done = subprocess.run(
                    ["sh", "-c", command], env=shell, cwd=tmp_path, capture_output=True, text=True,
                    timeout=20, check=False,
                )  # fmt: skip
                answer = json.loads(done.stdout)
                assert holds(answer, said), done
                if challenges := answer.get("challenges"):
                    shell["CHALLENGE"] = challenges[0]["id"]
        finally:
            server.shutdown()
            thread.join()

    assert (sales(), left(payer.user.id)) == (1, PAID_IN - PRICE)


def test_the_page_names_every_code(make_site):
    """And no other."""
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    with make_site().app_context():
        known = set(gatekeeping._words())

    assert named == known | {"refused"}

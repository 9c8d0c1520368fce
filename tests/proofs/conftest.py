"""A site with a weak handler, which each attack of the replays must get the better of."""

from __future__ import annotations

import pytest

from core import limits
from core.verify import verify
from core.web.callers import callers
from tests.plugins.posts.texts import bring, write

WEAK = "/x/weak"


@pytest.fixture
def shop(make_site, tmp_path):
    """Return a site that sells a post, and has an address at which a weak handler can answer."""
    app = make_site(
        "posts", "paywall", "tipjar", "playmoney", settings={"checkout.allow_loss": True}
    )
    limits.set_key(bytes(32), factor=100_000)
    write(tmp_path / "texts", "hello", "All.\n\n<!-- more -->\n\nPaid.\n", price="3.00 EUR")
    bring(app, tmp_path / "texts")

    @callers("anyone")
    def weak():
        return app.extensions["weak"]()

    app.add_url_rule(WEAK, "weak", weak, methods=["GET", "POST"])
    yield app
    assert verify() == []


def weakly(app, view):
    """Let a weak handler answer; returns its address."""
    app.extensions["weak"] = view
    return WEAK

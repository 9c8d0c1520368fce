"""The site that `make run` shows."""

from __future__ import annotations

import tomllib

import pytest

from core import config as configuration
from core.app import create_app
from core.cli import demo
from core.settings import save, value
from core.storage import execute


@pytest.fixture
def app(home, monkeypatch):
    monkeypatch.delenv("OBOLO_PLUGINS")
    for name in ("obolo.toml", "keys/session.key"):
        (home / name).unlink()
    demo.make_home(home)
    return create_app(configuration.load(home), immediate=True)


def posts():
    return execute("SELECT COUNT(*) FROM posts_post").fetchone()[0]


def test_its_folder_names_the_bundled_plugins(app, home):
    """Posts, a price on them, a jar, a balance, and play money to pay with."""
    chosen = tomllib.loads((home / "obolo.toml").read_text())

    assert chosen["plugins"] == [
        "posts", "paywall", "tipjar", "wallet", "takeback", "machinepay", "playmoney",
    ]  # fmt: skip


def test_content_is_loaded_once(app):
    """A second start keeps what an owner changed."""
    with app.app_context():
        demo.load()
        first = posts()
        save("site.name", "Mine", actor="test")
        demo.load()

    assert first >= 6
    assert posts() == first
    assert value("site.name") == "Mine"
    assert value("checkout.allow_loss") is False

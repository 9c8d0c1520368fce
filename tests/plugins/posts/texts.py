"""Texts for the tests, and a gate that sells each closed one for twenty cents."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from core import Field, Gate, Grant, Line, Money, Offer, execute, hookimpl
from core.plugins import loaded
from plugins.posts import records
from plugins.posts.importing import import_folder

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><rect width="40" height="30" '
    'fill="{fill}"/></svg>'
)


def check_price(text):
    """Take a price as the paywall does."""
    Money.parse(text.partition(" ")[0], "EUR", "en")


@hookimpl
def register_fields(kind):
    """Let posts have a price."""
    return [Field("price", "money", {"en": "Price"}, check_price)] if kind == "post" else []


@hookimpl
def guard(resource):
    """Put a gate before whatever has a price."""

    def offers():
        card = records.find_card(resource)
        if card is None or "price" not in card.fields:
            return None
        line = Line("Read this post", Money(20, "EUR"), "income:posts", (Grant(resource),))
        return (Offer("paywall", "Read", (line,)),)

    return Gate(frozenset({resource}), offers)


def add_shop():
    """Add the gate to the plugins of the site that was just made."""
    shop = ModuleType("shop")
    shop.guard, shop.register_fields = guard, register_fields
    loaded().add("shop", shop)


def write(folder: Path, name: str, body: str = "Words.\n", **front: str) -> Path:
    """Write one text; a key whose value is None is left out."""
    front = {"title": name.capitalize(), "published": "2026-01-02", **front}
    lines = [f"{key}: {value}" for key, value in front.items() if value is not None]
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n" + "\n".join(lines) + "\n---\n" + body)
    return path


def bring(app, folder: Path):
    """Import a folder into a site."""
    with app.app_context():
        return import_folder(folder)


def buy(client, resource: str, back: str):
    """Pay on the bank's page, as a person would."""
    form = {"resource": resource, "offer": "paywall", "return_to": back}
    to_bank = client.post("/checkout/offer", data=form).location
    returned = client.post(to_bank, data={"how": "pay"}).location
    return client.get(returned)


def media_names(page: str, slug: str) -> list[str]:
    """Return the names of the media that a page shows."""
    return re.findall(rf"/{slug}/media/([^\"]+)", page)


def count(table: str) -> int:
    """Return how many rows a table has."""
    return execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]

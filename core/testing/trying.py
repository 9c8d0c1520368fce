"""What tests do in a reader's place: pay at the bank, and put resources before the gates."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Literal

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.hookspecs import hookimpl
from core.plugins import Loaded, Query, ResourceCard


class PlayMoney:
    """The bank that moves no money, as a person uses it."""

    def pay(
        self,
        client: FlaskClient,
        ordered: TestResponse,
        how: Literal["pay", "decline", "cancel"] = "pay",
        provider: str = "playmoney",
    ) -> TestResponse:
        """Pay what a request ordered, come back, and return the answer to that.

        `ordered` leads to the bank, or to a page on which a way to pay is chosen first.
        """
        to_bank = ordered
        if ordered.location.startswith("/checkout/"):
            to_bank = client.post(f"{ordered.location}/pay", data={"provider": provider})
        back = client.post(to_bank.location, data={"how": how})
        return client.get(back.location)


class Cards:
    """Describes resources to a site, in place of the plugin whose they would be."""

    def __init__(self, plugins: Loaded) -> None:
        self._cards: dict[str, ResourceCard] = {}

        @hookimpl
        def describe(resource: str) -> ResourceCard | None:
            return self._cards.get(resource)

        @hookimpl
        def list_resources(query: Query) -> list[ResourceCard]:
            return list(self._cards.values())[: query.limit]

        hooks = SimpleNamespace(describe=describe, list_resources=list_resources)
        plugins.add("cards", hooks)

    def add(self, *cards: ResourceCard) -> None:
        """Let these be resources of the site."""
        self._cards |= {card.resource: card for card in cards}

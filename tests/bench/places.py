"""A site with so many sales behind it, and the bare app that serves pages of the same size."""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core import config as configuration
from core.people.holders import holder_signer
from tests.bench import client
from tests.bench.databases import Raw
from tests.bench.processes import Server, started
from tests.bench.rows import POSTS, Sale, holder

PLUGINS = ("posts", "paywall", "till")
PARAGRAPH = (
    "The ferry leaves at six, and whoever misses it has an hour for the *harbour*: nets, "
    "[crates](https://example.org/), a radio that nobody listens to, and the price of anchovies "
    "in chalk on a board.\n\n"
)
POST = """\
---
title: Letter {number} from the harbour
published: 2025-0{month}-11
tags: letters, harbour
authors: Ada
summary: What one sees while waiting for the ferry.
price: 0.20 EUR
---
{teaser}
<!-- more -->

{rest}
"""
NEAR = 0.02
"""By how much a bare page may differ in size from ours."""


def write_posts(folder: Path) -> Path:
    """Write closed posts of some 9 KB, as their author would."""
    folder.mkdir()
    for number in range(POSTS):
        text = POST.format(
            number=number, month=number % 9 + 1, teaser=PARAGRAPH * 3, rest=PARAGRAPH * 36
        )
        (folder / f"letter-{number}.md").write_text(text)
    return folder


@dataclass
class Place:
    """A site whose server answers, its database, and who bought there."""

    name: str
    stored: int
    raw: Raw
    home: Path
    sale: Sale
    posts: Mapping[str, str]
    server: Server
    wanted: int = 0

    def __post_init__(self) -> None:
        self._signer = holder_signer(configuration.load(self.home).derived_keys("holder"))
        self._random = random.Random(self.stored)

    def buyer(self) -> str:
        """Return one of those who bought before."""
        return holder(self._random.randrange(max(1, self.stored // POSTS)))

    def cookie(self, buyer: str) -> str:
        """Return a holder's cookie."""
        return self._signer.sign(buyer).decode()

    def reading(self) -> bytes:
        """Return the request of a holder for a post that is open to them."""
        path = self._random.choice(list(self.posts.values()))
        return client.request("GET", path, cookie=self.cookie(self.buyer()))

    def buying(self) -> bytes:
        """Return the request by which a holder opens something new."""
        form = f"resource={quote(self.fresh())}&offer=bench&provider=till&return_to=%2F"
        return client.request(
            "POST", "/checkout/offer", cookie=self.cookie(self.buyer()), form=form
        )

    def fresh(self) -> str:
        """Return what nobody bought yet."""
        self.wanted += 1
        return f"bench:{self.wanted}"

    def read_turn(self, requests: int, clients: int = 1) -> Callable[[], float]:
        """Return what reads open posts, and tells how many a second."""
        return lambda: (
            requests
            / client.drive(
                self.server.port, [self.reading() for _ in range(requests + clients)], 200, clients
            )
        )

    def front_turn(self, requests: int) -> Callable[[], float]:
        """Return what reads the front page as a stranger."""
        wanted = [client.request("GET", "/")] * (requests + 1)
        return lambda: requests / client.drive(self.server.port, wanted, 200)

    def unlock_turn(self, requests: int, clients: int = 1) -> Callable[[], float]:
        """Return what buys over HTTP."""
        return lambda: (
            requests
            / client.drive(
                self.server.port, [self.buying() for _ in range(requests + clients)], 303, clients
            )
        )

    def raw_turn(self, sales: int, clients: int = 1) -> Callable[[], float]:
        """Return what writes the rows of such sales, each sale in one transaction."""

        def turn() -> float:
            bound = [self.sale.values(self.buyer(), self.fresh()) for _ in range(sales)]
            return sales / self.raw.write(self.sale, bound, clients)

        return turn


def make_home(home: Path, database: str) -> None:
    """Make a site's folder for a database."""
    configuration.initialise(home)
    place = home / "obolo.toml"
    listed = json.dumps(PLUGINS)
    folders = json.dumps([str(Path(__file__).parent / "plugins")])
    place.write_text(
        f"{place.read_text()}\nplugins = {listed}\nplugin_folders = {folders}\n"
        f"database = {json.dumps(database)}\n"
    )


@contextmanager
def place(raw: Raw, stored: int, home: Path, posts: Path) -> Iterator[Place]:
    """Make a site, sell one thing there, fill it with sales like that one, and serve it."""
    make_home(home, raw.url)
    with started(["tests.bench.site", str(posts)], OBOLO_HOME=str(home)) as server:
        found: dict[str, Any] = json.loads(server.hear())
        assert server.hear() == "ready\n"
        sale = Sale(found["sale"])
        assert len(found["posts"]) == POSTS, found["posts"]
        raw.fill(sale, stored, list(found["posts"]))
        server.let_go_on()
        server.wait("/")
        made = Place(raw.name, stored, raw, home, sale, found["posts"], server)
        yield made
        assert raw.bought() == made.wanted, "what was measured was no sale"
    raw.close()


@contextmanager
def served_again(one: Place) -> Iterator[Place]:
    """Serve a place by one more process, as its owner does."""
    with started(["core.cli", "run", "--no-tasks"], OBOLO_HOME=str(one.home)) as server:
        server.wait("/")
        yield replace(one, server=server)


PARTS = re.compile(r"(<script.*?</script>|<[^>]*>)", re.DOTALL)
"""What of a page is a tag, or a script as a whole."""


def _filled(part: str, texts: list[str]) -> str:
    """Return a part of a page as its template has it; a text is remembered, to be filled in."""
    if part.startswith("<") or not part.strip():
        return f"{{% raw %}}{part}{{% endraw %}}"
    texts.append(html.unescape(part))
    return f"{{{{ texts[{len(texts) - 1}] }}}}"


def write_bare(one: Place, folder: Path) -> None:
    """Write this site's `/post` and `/front` as templates that are drawn without Obolo.

    The tags are the template's; every text between them is filled in and escaped.
    """
    folder.mkdir()
    sizes = {}
    for name, wanted in (("post", one.reading()), ("front", client.request("GET", "/"))):
        page = client.fetch(one.server.port, wanted).decode()
        sizes[name] = len(page.encode())
        texts: list[str] = []
        parts = [_filled(part, texts) for part in PARTS.split(page) if part]
        (folder / f"{name}.html").write_text("".join(parts))
        (folder / f"{name}.json").write_text(json.dumps(texts))
    with started(["tests.bench.bare", str(folder), "PORT"]) as server:
        server.wait("/post")
        for name, size in sizes.items():
            found = len(client.fetch(server.port, client.request("GET", f"/{name}")))
            assert abs(found - size) <= NEAR * size, (name, found, size)


def bare_turn(server: Server, page: str, requests: int, clients: int = 1) -> Callable[[], float]:
    """Return what reads a bare page."""
    wanted = [client.request("GET", page)] * (requests + clients)
    return lambda: requests / client.drive(server.port, wanted, 200, clients)

"""Who buys: people who pay, decline, wait, walk away, come back and try again; and the post."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.proofs.kill.bank import Bank
from tests.proofs.kill.site import PRICE
from tests.proofs.kill.wire import Answer, CutOff, ask

SITE = "localhost"
"""The site's name stays the same in all its lives, whatever its port."""
WAYS = ["pay"] * 15 + ["slow"] * 2 + ["decline", "cancel", "abandon"]
REFUNDS = [[], [], [], [PRICE], [PRICE // 2, PRICE // 4]]
PATIENCE = 5
"""How often somebody who is cut off comes back."""


class Later(Exception):
    """The person stops here, and goes on in the site's next life."""


@dataclass
class World:
    """What the people of one round share."""

    port: int
    bank: Bank
    moved: threading.Event = field(default_factory=threading.Event)
    trouble: list[str] = field(default_factory=list)

    def site(self, method: str, path: str, cookie: str, form: Mapping[str, str]) -> Answer:
        """Send what a browser sends; an error of the site's own is written down."""
        headers = {"Host": SITE, "Origin": f"http://{SITE}", "Cookie": cookie}
        body = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        answer = ask(self.port, method, path, headers, body)
        if answer.status >= 500:
            self.trouble.append(f"{method} {path}: {answer.status}")
        return answer

    def page(self, path: str, how: str) -> Answer:
        """Press a button on the bank's page."""
        kind = {"Host": "bank", "Content-Type": "application/x-www-form-urlencoded"}
        answer = ask(self.bank.port, "POST", path, kind, urlencode({"how": how}).encode())
        self.moved.set()
        return answer


@dataclass
class Person:
    """A reader with one thing to buy, and how far they got; the site's death does not end them.

    `decides` is what the owner does with the money of this reader, where it is held at first.
    """

    resource: str
    chance: random.Random
    how: str = "pay"
    decides: str = ""
    refunds: list[int] = field(default_factory=list)
    dawdles: bool = False
    stage: str = "offer"
    cookie: str = ""
    page: str = ""
    back: str = ""
    order: str = ""
    looks: int = 0
    cut_off: int = 0

    @property
    def finished(self) -> bool:
        """Whether there is nothing left that this person wants."""
        return self.stage == "done" or self.cut_off > PATIENCE

    def walk(self, world: World) -> None:
        """Go on until all is done, or the site does not answer any more."""
        try:
            while self.stage != "done":
                self.stage = getattr(self, f"_{self.stage}")(world)
        except CutOff:
            self.cut_off += 1
        except Later:
            self.dawdles = False

    def _offer(self, world: World) -> str:
        form = {"resource": self.resource, "offer": "paywall", "return_to": "/hello"}
        answer = world.site("POST", "/checkout/offer", self.cookie, form)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return self._follow(answer, world)

    def _follow(self, answer: Answer, world: World) -> str:
        """Go where the site sends: to the bank, to the order's page, or to what is open now."""
        if answer.location.startswith(world.bank.url):
            self.page = answer.location.removeprefix(world.bank.url)
            return "bank"
        if "/checkout/" in answer.location:
            self.order = answer.location.rpartition("/")[2]
            return "look"
        return "look" if self.order and answer.status != 303 else "done"

    def _bank(self, world: World) -> str:
        if self.how == "abandon":
            return "done"
        if self.dawdles:  # pays when the order may be closed
            raise Later
        answer = world.page(self.page, self.how)
        self.how = "pay"
        self.back = answer.location or _way_back(answer.body)
        if "/checkout/" not in self.back:
            return "left"
        self.order = _order(self.back)
        return "back"

    def _left(self, world: World) -> str:
        """Come back by the way that the site gave to who does not pay."""
        self.order = _order(world.site("GET", self.back, self.cookie, {}).location)
        return "back" if self.order else "done"

    def _back(self, world: World) -> str:
        """Come back from the bank; who was cut off before may press the button again instead."""
        return "again" if self.cut_off and self.chance.random() < 0.5 else "look"

    def _look(self, world: World) -> str:
        answer = world.site("GET", f"/checkout/{self.order}", self.cookie, {})
        if answer.status == 303:
            return "refund"
        if self.decides:
            return "decide"
        self.looks += 1
        if answer.status != 200 or self.looks > 3:
            return "done"
        time.sleep(0.005)
        return self.chance.choice(("look", "again"))

    def _again(self, world: World) -> str:
        form = {"provider": world.bank.provider}
        return self._follow(
            world.site("POST", f"/checkout/{self.order}/pay", self.cookie, form), world
        )

    def _decide(self, world: World) -> str:
        """Be the owner, who takes money that is held, or lets it go."""
        form = {"what": self.decides}
        world.site("POST", f"/x/shop/decide/{self.order}", self.cookie, form)
        self.decides = ""
        world.moved.set()
        return "look"

    def _refund(self, world: World) -> str:
        if not self.refunds:
            return "done"
        path = f"/x/shop/refund/{self.order}"
        world.site("POST", path, self.cookie, {"minor": str(self.refunds[0])})
        self.refunds.pop(0)
        world.moved.set()
        return "refund"


@dataclass
class Post:
    """Carries the bank's messages: shuffled, several times, late, or not at all."""

    bank: Bank
    chance: random.Random
    seen: int = 0
    bag: list[dict[str, Any]] = field(default_factory=list)
    leaving: bool = False

    def carry(self, world: World) -> None:
        """Deliver as long as the round goes on and the site answers."""
        self.leaving = False
        try:
            while True:
                world.moved.wait()
                world.moved.clear()
                last = self.leaving
                self._collect()
                self._deliver(world)
                if last:
                    return
        except CutOff:
            return

    def leave(self, world: World) -> None:
        """Say that nothing more will happen in this round."""
        self.leaving = True
        world.moved.set()

    def _collect(self) -> None:
        for message in self.bank.messages(self.seen):
            self.seen = message["number"]
            if self.chance.random() > 0.2:
                self.bag += [message] * self.chance.choice((1, 1, 1, 2, 3))

    def _deliver(self, world: World) -> None:
        self.chance.shuffle(self.bag)
        kept = len(self.bag) // 4
        while len(self.bag) > kept:
            message = self.bag[-1]
            headers = {"Host": SITE, **message["headers"]}
            body = message["body"].encode()
            answer = ask(world.port, "POST", f"/webhooks/{self.bank.provider}", headers, body)
            if answer.status != 204:
                world.trouble.append(f"webhook {message['event']}: {answer.status}")
            self.bag.pop()


class Crowd:
    """The people and the post of one round, each in a thread of their own."""

    def __init__(self, people: Iterable[Person], post: Post, world: World) -> None:
        self.world = world
        self.post = post
        self._walks = [threading.Thread(target=one.walk, args=[world]) for one in people]
        self._carry = threading.Thread(target=post.carry, args=[world])
        for thread in (self._carry, *self._walks):
            thread.start()

    @property
    def gone(self) -> bool:
        """Whether all of them are done or cut off."""
        if any(thread.is_alive() for thread in self._walks):
            return False
        if self._carry.is_alive():
            self.post.leave(self.world)
        return not self._carry.is_alive()

    def disperse(self) -> None:
        """Wait for all of them; there is no site any more."""
        self.post.leave(self.world)
        for thread in (self._carry, *self._walks):
            thread.join()


def somebody(
    number: int, chance: random.Random, *, refunded: bool = False, held: bool = False
) -> Person:
    """Return a new reader who wants something of their own.

    `refunded`: and then the money back; `held`: whose money the owner takes or lets go.
    """
    how = chance.choice(WAYS)
    return Person(
        resource=f"{'seat' if held else 'post'}:{number}",
        chance=random.Random(chance.random()),
        how="pay" if refunded or (held and how == "slow") else how,
        decides=chance.choice(("capture", "capture", "release")) if held else "",
        refunds=list(chance.choice([some for some in REFUNDS if some or not refunded])),
        dawdles=chance.random() < 0.15,
    )


def _order(address: str) -> str:
    """Return the order that an address of the site is about."""
    return urlsplit(address).path.rpartition("/")[2]


def _way_back(page: bytes) -> str:
    """Return where the bank's page leads who leaves it."""
    found = re.search(rb'href="([^"]+)"', page)
    return found[1].decode() if found else ""

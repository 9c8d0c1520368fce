"""How the routes that concern machines are visited: tokens, the interface, webhooks, buttons."""

from __future__ import annotations

import re
from typing import Any

from core import outgoing
from core.people import tokens, users
from core.storage import insert, new_id, transaction
from core.web.api import OPERATIONS
from tests.paths.cast import Person
from tests.paths.visits import MADE_UP, SEE_OTHER, Ask, Visit, form, of, own

NAMES = re.compile(r"<(\w+)>")


def own_token(person: Person) -> str:
    """Return the id of a token of this person's."""
    made, _ = tokens.make(
        users.find(person.holder), "A", [tokens.OWN], days=30, actor=person.holder
    )
    return made.id


def paying_token(person: Person) -> str:
    """Return the id of a token of this person's that may pay."""
    scopes = [tokens.OWN, tokens.SPEND]
    made, _ = tokens.make(users.find(person.holder), "A", scopes, days=30, actor=person.holder)
    return made.id


def new_endpoint() -> str:
    """Return the id of an endpoint that is off, so that nothing is sent anywhere."""
    for one in outgoing.listed():
        return outgoing.switch(one.id, "off", actor="test").id
    made, _ = outgoing.make("https://hooks.example.org/", ["order.paid"], actor="test")
    return outgoing.switch(made.id, "off", actor="test").id


def endpoint(**fields: str) -> dict[str, Any]:
    """Ask for an endpoint of the site's, and for one that there is not."""
    return {
        "own": lambda _: Ask({"id": new_endpoint()}, fields),
        "foreign": lambda _: Ask({"id": MADE_UP}, fields),
    }


def sent_message(_: Person) -> Ask:
    """Name a message that was stored for an endpoint, which is off."""
    id = new_endpoint()
    message = new_id("evt")
    with transaction():
        insert("outgoing_delivery", {
            "id": message, "endpoint_id": id, "cause": message, "type": "order.paid",
            "order_id": None, "data": "{}", "created": 0, "attempts": 0, "next_try": None,
        })  # fmt: skip
    return of(id=id, delivery=message)


def unsent_message() -> Ask:
    """Name a message that there is not."""
    return of(id=new_endpoint(), delivery=MADE_UP)


def for_machines() -> dict[str, Visit]:
    """Visit every operation that needs a token, which nobody in a browser has."""
    return {
        f"api.{found.name}": Visit(
            own=lambda _, path=found.path: of(**dict.fromkeys(NAMES.findall(path), MADE_UP))
        )
        for found in OPERATIONS.values()
        if found.who != "anyone"
    }


MACHINE_VISITS: dict[str, Visit] = {
    **for_machines(),
    "api.show_me": Visit((401,)),
    "api.show_resource": Visit(own=lambda _: of(id="post:free"), foreign=lambda _: of(id="x:y")),
    "admin_outgoing.make": Visit(
        own=lambda _: form(url="https://hooks.example.org/", event="order.paid"),
        foreign=lambda _: form(url="https://localhost/", event="order.paid"), refused=(422,),
    ),
    "admin_outgoing.show_one": Visit(**endpoint()),
    "admin_outgoing.switch": Visit(SEE_OTHER, **endpoint(state="off")),
    "admin_outgoing.test": Visit(SEE_OTHER, **endpoint()),
    "admin_outgoing.renew": Visit(**endpoint()),
    "admin_outgoing.remove": Visit(SEE_OTHER, **endpoint(host="hooks.example.org")),
    "admin_outgoing.again": Visit(SEE_OTHER, own=sent_message, foreign=lambda _: unsent_message()),
    "buttons.back": Visit((404,)),
    "buttons.go": Visit(own=lambda _: of(resource="post:free"), foreign=lambda _: of(resource="x")),
    "buttons.picture": Visit(
        own=lambda _: of(resource="post:free"), foreign=lambda _: of(resource="x")
    ),
    "machinepay.allow": Visit(
        SEE_OTHER, **own(paying_token, "token", most="5", most_a_day="1")
    ),
    "tokens.make": Visit(
        own=lambda _: form(name="A", scope="own.view", days="30"),
        foreign=lambda _: form(name="A", scope="keys.manage", days="30"), refused=(422,),
    ),
    "tokens.revoke": Visit(SEE_OTHER, **own(own_token)),
}  # fmt: skip

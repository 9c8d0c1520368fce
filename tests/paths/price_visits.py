"""How the pages of prices and gifts are visited."""

from __future__ import annotations

from core import checkout
from core.storage import new_id
from plugins.gifts import giving, records
from tests.paths import cast
from tests.paths.cast import Person
from tests.paths.visits import MADE_UP, Ask, Visit, form, of, own, token, token_form

SEE_OTHER = (303,)
CLOSED = "post:closed"


def gift(person: Person) -> str:
    """Return a gift that this person paid for."""
    number = new_id("gft")
    with person.app.test_request_context():
        lines = (giving.line_for(CLOSED, number, person.reader),)
        cast.paid_at_bank(person, checkout.start_order(person.reader, lines).id)
    return number


def link(person: Person) -> str:
    """Return the secret of a link that somebody else made."""
    given = records.find(gift(person.stranger))
    assert given is not None
    return records.new_link(given)


def ordering(number: str) -> Ask:
    """Order a gift by the form of this number."""
    return Ask({"resource": CLOSED}, {"number": number})


PRICES = {
    "prices.pay": Visit(
        SEE_OTHER, own=lambda _: form(resource=CLOSED, own="0.40", back="/closed"),
        foreign=lambda _: form(resource=CLOSED, own="0.01", back="/closed"),
        refused=(422, 303),
    ),
    "gifts.new": Visit(
        own=lambda _: of(resource=CLOSED), foreign=lambda _: of(resource="post:absent")
    ),
    "gifts.buy": Visit(
        SEE_OTHER, own=lambda _: ordering(new_id("gft")), foreign=lambda _: ordering(MADE_UP),
        refused=(400,),
    ),
    "gifts.show": Visit(**own(gift)),
    "gifts.make_link": Visit(**own(gift)),
    "gifts.take_back": Visit(SEE_OTHER, **own(gift)),
    "gifts.look": Visit(**token(link), refused=(410,)),
    "gifts.take": Visit(SEE_OTHER, **token_form(link), refused=(410,)),
}  # fmt: skip

"""How each route is visited by who may: what is one's own there, what is not, what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core import checkout
from core.clock import now
from core.people import codes, passkeys
from core.people.users import User
from core.storage import transaction
from plugins.playmoney.chosen import local_bank
from plugins.playmoney.signature import HEADER, sign
from plugins.posts import records
from tests.paths import cast
from tests.paths.cast import PASSWORD, SEED, Kind, Person
from tests.people import PLACE, Device, code_of

MADE_UP = "made-up"


@dataclass(frozen=True)
class Ask:
    """One request: what stands in its address, its form or body, its headers."""

    args: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


Asking = Callable[[Person], Ask | None]


def of(**args: str) -> Ask:
    """Name something in the address."""
    return Ask(args=args)


def form(**fields: str) -> Ask:
    """Send a form."""
    return Ask(form=fields)


@dataclass(frozen=True)
class Visit:
    """What a route answers to who may call it.

    `own` asks for something of the person's own and is answered by one of `meant`; `foreign` for
    what is somebody else's, or nobody's, and is answered by one of `refused`. `unless` gives
    another answer for some kinds of people.
    """

    meant: tuple[int, ...] = (200,)
    own: Asking = lambda _: Ask()
    foreign: Asking | None = None
    refused: tuple[int, ...] = (404,)
    unless: Callable[[Kind], tuple[int, ...]] = lambda _: ()

    def answers(self, kind: Kind) -> tuple[int, ...]:
        """Return what is meant for people of this kind."""
        return self.unless(kind) or self.meant


def issued(purpose: str, **data: Any) -> codes.Issued:
    """Return a code that the site has just sent."""
    with transaction():
        return codes.issue(purpose, data)


def to_enter() -> codes.Issued:
    """Return a code for an address that nobody has yet."""
    return issued(
        "enter", email=cast.new_email(), to="/library/", password="", name="", language="en"
    )


def pending(user: User) -> str:
    """Return what stands for a user of whom the second factor is awaited."""
    return issued("second", user=user.id, to="/library/", claims=[], news="").token


def to_second(_: Person) -> Ask:
    """Show the right code for who is awaited."""
    return form(pending=pending(cast.new_user(protected=True)), code=code_of(SEED))


def by_passkey(_: Person) -> Ask:
    """Show a passkey that is known."""
    return form(credential=json.dumps(cast.shown_passkey()))


def by_unknown_passkey(_: Person) -> Ask:
    """Show a passkey that nobody has added."""
    device = Device()
    device.make(passkeys.options_to_make("usr_x", "", PLACE))
    return form(credential=json.dumps(device.show(passkeys.options_to_show(PLACE))))


def made_passkey(user: str) -> Ask:
    """Send the passkey that the browser was asked to make for a user."""
    return form(credential=json.dumps(Device().make(passkeys.options_to_make(user, "", PLACE))))


def offered(_: Person) -> str:
    """Return the token that another browser's guest shows as a QR code."""
    return issued("device", user="", holders=["gst_other"]).token


def setup(person: Person) -> str:
    """Return the token of the set-up link, on a site without an owner, unless it is this person."""
    if person.kind.role != "owner":
        cast.take_owners()
    return issued("setup").token


def confirming(person: Person) -> Ask:
    """Show what proves once more to be the user."""
    if person.kind.protected:
        return form(secret=code_of(SEED))
    return form(secret=PASSWORD)


def foreign_confirming(person: Person) -> Ask:
    """Show a code that was sent to somebody else."""
    sent = issued("confirm", user=person.stranger.holder)
    return form(id=sent.id, secret=sent.digits)


def new_address(owner: Person) -> Ask:
    """Show the code that was sent to the address that the owner wants."""
    sent = issued("email", user=owner.holder, email=cast.new_email())
    return form(id=sent.id, code=sent.digits)


def new_app(owner: Person) -> Ask:
    """Show the code of the app that was offered to the owner."""
    token = issued("app", user=owner.holder, seed=SEED).token
    return form(token=token, code=code_of(SEED))


def own_passkey(person: Person) -> Ask | None:
    """Name a passkey of one's own; who has one is protected."""
    return of(id=cast.new_passkey(person.holder)) if person.kind.protected else None


def erasing(person: Person) -> Ask:
    """Ask to be erased; somebody else is an owner, too."""
    if person.kind.role == "owner":
        cast.new_user("owner")
    return form(sure="yes")


def closed_medium(owner: Person) -> Ask:
    """Name a picture behind the gate, which this person has paid for."""
    if owner.holder:
        cast.paid_order(owner, "post:closed")
    (name,) = [one.name for one in records.find("closed").media if not one.public]  # type: ignore[union-attr]
    return of(slug="closed", name=name)


def refunding(person: Person, amount: str) -> Ask:
    """Give something of a sale back, or more than was paid."""
    order = cast.settled_order(person)
    number = checkout.new_refund_id()
    return Ask({"id": order}, {"line-1": amount, "reason": "Asked for", "form_id": number})


def naming(person: Person, amount: str) -> Ask:
    """Say what a refund was for that the bank made, to the cent or not."""
    order, refund = cast.refunded_elsewhere(person)
    form = {"line-1": amount, "reason": "Asked for", "movement": refund}
    return Ask({"id": order}, form)


def at_bank(person: Person) -> str:
    """Name a payment at the bank, whose page is for whoever was sent there."""
    return cast.begun_payment(person if person.holder else person.stranger)


def genuine(_: Person) -> Ask:
    """Send a message that the bank has signed, about nothing of ours."""
    body = json.dumps({"id": "ev_x", "payee": "other", "reference": "x", "ref": "x"}).encode()
    signature = sign(local_bank().secret, body, now())
    return Ask({"provider_name": "playmoney"}, body=body, headers={HEADER: signature})


def forged(_: Person) -> Ask:
    """Send a message that nobody has signed."""
    return Ask({"provider_name": "playmoney"}, body=b"{}")


def own(make: Callable[[Person], str], name: str = "id", **fields: str) -> dict[str, Any]:
    """Ask for what `make` returns, of one's own and of a stranger's."""

    def asked(owner: Person) -> Ask | None:
        return Ask({name: make(owner)}, fields) if owner.holder else None

    return {"own": asked, "foreign": lambda person: asked(person.stranger)}


def holding(kind: Kind) -> tuple[int, ...]:
    """Answer 404 to who has nothing yet."""
    return (404,) if kind.role == "nobody" else ()


def owning(kind: Kind) -> tuple[int, ...]:
    """Answer that there is an owner already."""
    return (410,) if kind.role == "owner" else ()


def token(make: Callable[[Person], str]) -> dict[str, Any]:
    """Show what counts for whoever has it, and something made up."""
    return {"own": lambda p: of(token=make(p)), "foreign": lambda _: of(token=MADE_UP)}


def token_form(make: Callable[[Person], str], **fields: str) -> dict[str, Any]:
    """Send what counts for whoever has it, and something made up."""
    return {
        "own": lambda p: form(token=make(p), **fields),
        "foreign": lambda _: form(token=MADE_UP, **fields),
    }


def digits(right: bool) -> Ask:
    """Type the digits that were sent, or others."""
    sent = to_enter()
    wrong = f"{(int(sent.digits) + 1) % 10**6:06}"
    return form(id=sent.id, code=sent.digits if right else wrong)


SEE_OTHER = (303,)
VISITS: dict[str, Visit] = {
    "core.static": Visit(own=lambda _: of(filename="icon.svg")),
    "theme.static": Visit(own=lambda _: of(theme="quaderno", filename="theme.css")),
    "theme.settings": Visit(own=lambda _: of(digest="0" * 12)),
    "counting.panel": Visit((204,), own=lambda _: form(resource="post:closed")),
    "languages.choose": Visit(SEE_OTHER, own=lambda _: form(language="it")),
    "posts.show": Visit(own=lambda _: of(slug="free"), foreign=lambda _: of(slug="absent")),
    "posts.by_tag": Visit(own=lambda _: of(tag="essays"), foreign=lambda _: of(tag="absent")),
    "posts.by_author": Visit(own=lambda _: of(name="Ada"), foreign=lambda _: of(name="Absent")),
    "posts.medium": Visit(
        own=lambda p: closed_medium(p) if p.holder else None,
        foreign=lambda p: closed_medium(p.stranger), refused=(403,),
    ),
    "tipjar.tip": Visit(SEE_OTHER, own=lambda _: form(minor="200")),
    "wallet.pay_in": Visit(SEE_OTHER, own=lambda _: form(minor="500")),
    "wallet.give_back": Visit(
        SEE_OTHER, own=lambda p: form(order=cast.topped_up(p)) if p.holder else None,
        foreign=lambda p: form(order=cast.topped_up(p.stranger)),
    ),
    "tab.settle": Visit(SEE_OTHER),
    "takeback.show": Visit(
        own=lambda p: of(order=cast.settled_order(p)) if p.holder else None,
        foreign=lambda p: of(order=cast.settled_order(p.stranger)),
    ),
    "takeback.take_back": Visit(
        SEE_OTHER, own=lambda p: of(order=cast.settled_order(p)) if p.holder else None,
        foreign=lambda p: of(order=cast.settled_order(p.stranger)),
    ),
    "playmoney.static": Visit(own=lambda _: of(filename="express.js")),
    "playmoney.show": Visit(
        own=lambda p: of(ref=at_bank(p)), foreign=lambda _: of(ref=MADE_UP)
    ),
    "playmoney.choose": Visit(
        SEE_OTHER, own=lambda p: Ask({"ref": at_bank(p)}, {"how": "pay"}),
        foreign=lambda _: Ask({"ref": MADE_UP}, {"how": "pay"}),
    ),
    "webhooks.receive": Visit((204,), own=genuine, foreign=forged, refused=(400,)),
    "checkout.take_offer": Visit(
        SEE_OTHER, own=lambda _: form(resource="post:closed", offer="paywall", return_to="/closed"),
        foreign=lambda _: form(resource="post:closed", offer="absent"),
    ),
    "checkout.show": Visit(**own(cast.open_order)),
    "checkout.pay": Visit(SEE_OTHER, **own(cast.open_order, provider="playmoney")),
    "checkout.keep_contact": Visit(
        SEE_OTHER, **own(cast.open_order, email="ada@example.org"),
        unless=lambda kind: (403,) if kind.signed_in else (),
    ),
    "library.remove_method": Visit(SEE_OTHER, **own(cast.kept_method)),
    "library.receipt": Visit(**own(cast.paid_order)),
    "library.keep_contact": Visit(
        SEE_OTHER, own=lambda _: form(email=cast.new_email()),
        unless=lambda kind: () if kind.role == "guest" else (404,),
    ),
    "doors.sign_in": Visit(unless=lambda kind: SEE_OTHER if kind.signed_in else ()),
    "doors.send_code": Visit(SEE_OTHER, own=lambda _: form(email=cast.new_email())),
    "doors.enter_code": Visit(
        SEE_OTHER, own=lambda _: digits(right=True), foreign=lambda _: digits(right=False),
        refused=(422,),
    ),
    "doors.link": Visit(**token(lambda _: to_enter().token), refused=(410,)),
    "doors.enter_link": Visit(
        SEE_OTHER, **token_form(lambda _: to_enter().token), refused=(400,)
    ),
    "doors.enter_password": Visit(
        SEE_OTHER, own=lambda _: form(email=cast.new_user().email, password=PASSWORD),
        foreign=lambda _: form(email=cast.new_user().email, password=PASSWORD + "x"),
        refused=(422,),
    ),
    "doors.enter_second": Visit(
        SEE_OTHER, own=to_second,
        foreign=lambda _: form(pending=pending(cast.new_user(protected=True)), code="12345"),
        refused=(422,),
    ),
    "doors.enter_passkey": Visit(
        SEE_OTHER, own=by_passkey, foreign=by_unknown_passkey, refused=(403,)
    ),
    "doors.take_first_passkey": Visit(
        SEE_OTHER, own=lambda _: made_passkey(f"usr_{cast.new_email()}"),
        foreign=lambda _: form(credential=json.dumps(cast.shown_passkey())), refused=(403,),
    ),
    "doors.take_sign_up": Visit(SEE_OTHER, own=lambda _: form(email=cast.new_email())),
    "doors.take_reset": Visit(SEE_OTHER, own=lambda _: form(email=cast.new_email())),
    "doors.sign_out": Visit(SEE_OTHER),
    "doors.passkey_options": Visit(),
    "doors.first_passkey_options": Visit(),
    "account.send_confirmation": Visit(),
    "account.confirm_options": Visit(),
    "account.passkey_options": Visit(),
    "personal.export": Visit(),
    "doors.show_offer": Visit(unless=holding),
    "doors.device": Visit(**token(offered), refused=(410,)),
    "doors.take_device": Visit(SEE_OTHER, **token_form(offered), refused=(400,)),
    "doors.setup": Visit(**token(setup), refused=(410,), unless=owning),
    "doors.take_setup": Visit(
        SEE_OTHER, own=lambda p: form(token=setup(p), email=cast.new_email(), name="Ada"),
        foreign=lambda _: form(token=MADE_UP, email=cast.new_email()), refused=(403,),
        unless=lambda kind: (403,) if kind.role == "owner" else (),
    ),
    "doors.change_password": Visit((302,)),
    "account.save": Visit(SEE_OTHER, own=lambda _: form(language="en", name="Ada")),
    "account.take_confirmation": Visit(
        SEE_OTHER, own=confirming, foreign=foreign_confirming, refused=(422,)
    ),
    "account.take_password": Visit(SEE_OTHER, own=lambda _: form(password=PASSWORD + " again")),
    "account.send_email_code": Visit(own=lambda _: form(email=cast.new_email())),
    "account.take_email": Visit(
        SEE_OTHER, own=new_address, foreign=lambda p: new_address(p.stranger), refused=(422,)
    ),
    "account.add_app": Visit(
        own=new_app, foreign=lambda p: new_app(p.stranger), refused=(422,)
    ),
    "account.remove_app": Visit(
        SEE_OTHER, unless=lambda kind: () if kind.protected or kind.role == "reader" else (403,)
    ),
    "account.new_recovery": Visit(unless=lambda kind: () if kind.protected else (400,)),
    "account.add_passkey": Visit(
        SEE_OTHER, own=lambda p: made_passkey(p.holder),
        foreign=lambda p: made_passkey(p.stranger.holder), refused=(403,),
    ),
    "account.remove_passkey": Visit(
        SEE_OTHER, own=own_passkey,
        foreign=lambda p: of(id=cast.new_passkey(p.stranger.holder)), refused=(403, 404),
    ),
    "account.end_device": Visit(SEE_OTHER, **own(cast.other_session)),
    "account.end_others": Visit(SEE_OTHER),
    "personal.erase": Visit(own=erasing, foreign=lambda _: form(sure=""), refused=(422,)),
    "admin.enter": Visit(
        SEE_OTHER, unless=lambda kind: () if kind.role == "owner" else (303, 403)
    ),
    "admin_home.hide_checklist": Visit(SEE_OTHER),
    "admin_money.file": Visit(
        own=lambda _: of(table="days"), foreign=lambda _: of(table=MADE_UP)
    ),
    "admin_orders.order": Visit(
        own=lambda p: of(id=cast.paid_order(p)), foreign=lambda _: of(id=MADE_UP)
    ),
    "admin_orders.refund": Visit(
        SEE_OTHER, own=lambda p: refunding(p, "1.00"), foreign=lambda p: refunding(p, "9.99"),
        refused=(422,),
    ),
    "admin_orders.decide": Visit(
        SEE_OTHER, own=lambda p: Ask({"id": cast.held_order(p)}, {"decision": "capture"}),
        foreign=lambda p: Ask({"id": cast.settled_order(p)}, {"decision": "release"}),
        refused=(422,),
    ),
    "admin_orders.name": Visit(
        SEE_OTHER, own=lambda p: naming(p, "1.00"), foreign=lambda p: naming(p, "0.99"),
        refused=(422,),
    ),
    "admin_readers.find": Visit(
        SEE_OTHER, own=lambda p: form(q=p.holder), foreign=lambda _: form(q=MADE_UP),
        refused=(422,),
    ),
    "admin_readers.reader": Visit(
        own=lambda p: of(holder=p.holder), foreign=lambda _: of(holder=MADE_UP)
    ),
    "admin_readers.export": Visit(
        own=lambda p: of(holder=p.holder), foreign=lambda _: of(holder=MADE_UP)
    ),
    "admin_readers.erase": Visit(
        own=lambda _: Ask({"holder": cast.new_user().id}, {"word": "erase"}),
        foreign=lambda p: Ask({"holder": p.holder}, {"word": "erase"}), refused=(422,),
    ),
}  # fmt: skip
"""By endpoint. A GET without anything in its address answers 200 to whoever may call it."""

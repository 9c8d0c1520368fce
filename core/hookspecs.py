"""Every question core asks its plugins.

The first word of a name says when a hook is called and what an error does:
  register_*  while the app is built; the plugin stays off, the site starts, the owner is told
  render_*    while a page is drawn; the error is logged and that piece is left out
  on_*        after the fact is stored; the error is logged and the plugin is told again
  any other   during a request; the error stops that request, so that nothing is guessed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flask import Blueprint
    from markupsafe import Markup

    from core.access import Gate
    from core.mail import Message
    from core.money import Money
    from core.orders import Line, Offer, Order, Question
    from core.payments import Provider
    from core.people import Reader
    from core.plugins import Embed, Field, Health, Periodic, Query, Refusal, ResourceCard
    from core.plugins.declarations import MachineRequest, Toll

hookspec = pluggy.HookspecMarker("obolo")
hookimpl = pluggy.HookimplMarker("obolo")


@hookspec
def register_blueprint() -> Blueprint:
    """Return the plugin's pages; each view declares who may call it."""


@hookspec
def register_provider() -> Provider:
    """Return a way to pay."""


@hookspec
def register_tasks() -> Iterable[Periodic]:
    """Return work that is to be done again and again."""


@hookspec
def register_embeds() -> Mapping[str, Embed]:
    """Return what draws the directives `{{ name key=value }}` in texts, by name."""


@hookspec
def register_fields(kind: str) -> Iterable[Field]:
    """Return further fields of resources of this kind, such as a price."""


@hookspec
def guard(resource: str, reader: Reader, gate: Gate | None) -> Gate | None:
    """Put up a gate before a resource, or answer a wider one than the gate so far."""


@hookspec
def require(resource: str, reader: Reader) -> Gate | None:
    """Return a further gate that must open as well."""


@hookspec
def describe(resource: str) -> ResourceCard | None:
    """Return the card of a resource that is this plugin's."""


@hookspec
def list_resources(query: Query) -> Iterable[ResourceCard]:
    """Return the cards of this plugin's resources that answer a query."""


@hookspec
def add_lines(order: Order) -> Iterable[Line] | None:
    """Return lines to add to a draft; pure, and later plugins see them."""


@hookspec
def ask(order: Order) -> Iterable[Question]:
    """Return what the reader must answer before this order can be made."""


@hookspec
def review(order: Order, reader: Reader) -> Refusal | None:
    """Return why this order is refused, in words for the reader."""


@hookspec
def reserve(order: Order) -> None:
    """Take what the order needs (a seat), in its transaction, or raise Refused."""


@hookspec
def pay_machine(request: MachineRequest, resource: str, offers: Sequence[Offer]) -> Toll | None:
    """Return how a machine can pay for a resource, or that it pays by this request."""


@hookspec
def send_message(message: Message) -> bool | None:
    """Send a message and return True; the first plugin that takes it is the last asked."""


@hookspec
def export_reader(holder: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
    """Return what the plugin keeps of a holder, as rows by section."""


@hookspec
def erase_reader(holder: str) -> str | None:
    """Forget a holder, in the caller's transaction; say what stays and why."""


@hookspec
def check_health() -> Iterable[Health]:
    """Look whether what the plugin needs outside answers, and say so in words for the owner."""


@hookspec
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Return a piece for a named place on a page."""


@hookspec
def on_order_paid(order: Order) -> None:
    """The order is paid, booked and granted."""


@hookspec
def on_order_refunded(order: Order, amount: Money) -> None:
    """Money of the order went back to the reader."""


@hookspec
def on_order_expired(order: Order) -> None:
    """The order was never paid and is closed."""


@hookspec
def on_payment_saved(order: Order) -> None:
    """The reader keeps the method by which they paid the order, to be charged later."""


@hookspec
def on_payment_failed(order: Order) -> None:
    """One try to pay the order failed; another may still succeed."""


@hookspec
def on_dispute(order: Order, status: str) -> None:
    """A payment is suspected (warning), disputed (pending), lost (done) or won (failed)."""

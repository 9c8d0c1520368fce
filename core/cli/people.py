"""obolo user: make, list, shut out, help somebody who lost a second factor."""

from __future__ import annotations

import click
from flask import current_app
from peewee import IntegrityError

from core import doors
from core.cli.opened import address_of, open_site
from core.errors import BadInput, NotFound
from core.people import roles, tokens, users
from core.people.users import User
from core.storage import transaction


@click.group()
def user() -> None:
    """The people who can sign in."""


def _found(name: str) -> User:
    """Return a user by address or id. Raises NotFound."""
    one = users.by_email(name) if "@" in name else users.find(name)
    if one is None:
        raise NotFound("There is no such user.")
    return one


@user.command()
@click.argument("email")
@click.option("--role", type=click.Choice(roles.ROLES), default=roles.READER, show_default=True)
@click.option("--name", default="")
def create(email: str, role: str, name: str) -> None:
    """Make a user and print the link by which they sign in for the first time."""
    open_site()
    email, name = users.clean_email(email), users.clean_name(name)
    try:
        made = users.create(email=email, name=name, role=role, actor="cli")
    except IntegrityError:
        raise BadInput("Somebody has a user with this address already.") from None
    click.echo(f"{made.id}  {made.email}  {made.role}")
    _print_link(made)


def _print_link(one: User) -> None:
    address = address_of(current_app.extensions["obolo_config"])
    click.echo(f"Signs in once, within a week: {address}/sign-in/link/{doors.invite(one)}")


@user.command("list")
@click.option("--staff", is_flag=True, help="Only those who may do more than a reader.")
def list_users(staff: bool) -> None:  # noqa: FBT001 - an option
    """List users: id, address, role, state, second factor."""
    open_site()
    for one in users.listed(staff_only=staff):
        factor = "second factor" if doors.is_protected(one) else "-"
        click.echo(f"{one.id}  {one.email or '-':30} {one.role:10} {one.state:8} {factor}")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Shut somebody out of every device, at once. NAME is an address or an id."""
    open_site()
    doors.set_state(_found(name), "disabled", actor="cli")
    click.echo(f"{name} can no longer sign in.")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let somebody in again."""
    open_site()
    doors.set_state(_found(name), "active", actor="cli")
    click.echo(f"{name} can sign in again.")


@user.command("reset-factor")
@click.argument("name")
def reset_factor(name: str) -> None:
    """Take app, recovery codes and passkeys away, and print a link to sign in once."""
    open_site()
    one = _found(name)
    doors.reset_factors(one, actor="cli")
    click.echo(f"{name} has no second factor any more, and is signed out everywhere.")
    if one.active:
        _print_link(users.find(one.id))


@click.group()
def token() -> None:
    """Personal tokens, by which a machine acts as a user."""


@token.command("create")
@click.argument("name")
@click.argument("scopes", nargs=-1, required=True)
@click.option("--label", default="Command line", show_default=True, help="What it is for.")
@click.option("--days", type=int, default=90, show_default=True)
@click.option("--mode", type=click.Choice(tokens.MODES), default="live", show_default=True)
def create_token(name: str, scopes: tuple[str, ...], label: str, days: int, mode: str) -> None:
    """Make a token of a user and print it, this once. NAME is an address or an id."""
    open_site()
    one = _found(name)
    with transaction():
        made, text = tokens.make(one, label, scopes, days=days, mode=mode, actor="cli")
        doors.notify(one, "token", device=made.name)
    click.echo(f"{made.id}  {text}")


@token.command("list")
@click.argument("name")
def list_tokens(name: str) -> None:
    """List the tokens of a user: id, name, mode, scopes, end, last use."""
    open_site()
    for one in tokens.of_user(_found(name).id):
        used = f"used {one.used:%Y-%m-%d}" if one.used else "never used"
        scopes = " ".join(sorted(one.scopes))
        click.echo(f"{one.id}  {one.name}  {one.mode}  {scopes}  {one.expires:%Y-%m-%d}  {used}")


@token.command("revoke")
@click.argument("name")
@click.argument("id")
def revoke_token(name: str, id: str) -> None:
    """Take a token of a user away, at once."""
    open_site()
    if not tokens.revoke(id, _found(name).id, actor="cli"):
        raise NotFound("There is no such token.")
    click.echo(f"{id} counts no more.")


COMMANDS = (user, token)

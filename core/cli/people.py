"""obolo user: make, list, shut out, help somebody who lost a second factor."""

from __future__ import annotations

import click
from flask import current_app
from peewee import IntegrityError

from core import doors
from core.cli.opened import address_of, open_site
from core.errors import BadInput, NotFound
from core.people import roles, users
from core.people.users import User


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


COMMANDS = (user,)

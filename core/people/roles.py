"""Roles of staff and what each may do; everybody else is a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

READER, OWNER = "reader", "owner"

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "admin.enter": frozenset({"author", "editor", "bookkeeper"}),
    "people.view": frozenset({"bookkeeper"}),
    "people.manage": frozenset(),
    "orders.view": frozenset({"bookkeeper"}),
    "orders.refund": frozenset({"bookkeeper"}),
    "orders.export": frozenset({"bookkeeper"}),
    "posts.write": frozenset({"author", "editor"}),
    "posts.publish": frozenset({"editor"}),
    "settings.change": frozenset(),
    "plugins.manage": frozenset(),
    "keys.manage": frozenset(),
    "audit.view": frozenset({"bookkeeper"}),
}
"""Core's permissions, and the roles that have them beside the owner, who has all."""

ROLES = (OWNER, "editor", "author", "bookkeeper", READER)


@dataclass(slots=True)
class _Declared:
    """What enabled plugins add."""

    permissions: dict[str, frozenset[str]] = field(default_factory=dict)


_declared = _Declared()


def declare(permissions: Mapping[str, Iterable[str]]) -> None:
    """Take the permissions of the enabled plugins, each with the roles that have it."""
    _declared.permissions = {name: frozenset(roles) for name, roles in permissions.items()}


def known() -> Mapping[str, frozenset[str]]:
    """Return every permission of this site, with the roles that have it beside the owner."""
    return {**PERMISSIONS, **_declared.permissions}


def is_staff(role: str) -> bool:
    """Tell whether a role may do more than any reader."""
    return role != READER


def permissions_of(role: str) -> frozenset[str]:
    """Return what a role may do."""
    if role == OWNER:
        return frozenset(known())
    return frozenset(name for name, roles in known().items() if role in roles)

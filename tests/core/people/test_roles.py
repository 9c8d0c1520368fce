"""Roles: what each may do, and what plugins add."""

from __future__ import annotations

import pytest

from core.people import roles
from core.people.roles import PERMISSIONS, ROLES, is_staff, known, permissions_of


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch):
    """Let no plugin of another test add permissions."""
    monkeypatch.setattr(roles, "_declared", roles._Declared())


def test_a_reader_may_do_nothing_of_staff_s():
    """And is no staff."""
    assert permissions_of("reader") == frozenset()
    assert not is_staff("reader")


def test_the_owner_may_do_everything():
    """What plugins declare, too."""
    roles.declare({"raffle.draw": ["editor"], "raffle.cheat": []})

    assert permissions_of("owner") == {*PERMISSIONS, "raffle.draw", "raffle.cheat"}


@pytest.mark.parametrize(("role", "may"), [
    ("editor", {"admin.enter", "posts.write", "posts.publish"}),
    ("author", {"admin.enter", "posts.write"}),
    ("bookkeeper", {
        "admin.enter", "people.view", "orders.view", "orders.refund", "orders.export", "audit.view",
    }),
])  # fmt: skip
def test_each_role_may_do_its_own_work_only(role, may):
    """Written out here a second time, so that a right that slips in is seen."""
    assert permissions_of(role) == may
    assert is_staff(role)


@pytest.mark.parametrize("permission", [
    "people.manage", "settings.change", "plugins.manage", "keys.manage",
])  # fmt: skip
def test_what_can_give_more_rights_is_the_owner_s_alone(permission):
    """Whoever has one of these could take all others."""
    assert [role for role in ROLES if permission in permissions_of(role)] == ["owner"]


def test_a_plugin_s_permission_is_given_to_the_roles_that_it_names():
    """And to the owner."""
    roles.declare({"raffle.draw": ["editor", "author"]})

    may = [role for role in ROLES if "raffle.draw" in permissions_of(role)]
    assert may == ["owner", "editor", "author"]
    assert known()["raffle.draw"] == {"editor", "author"}


def test_a_plugin_that_is_off_takes_its_permissions_along():
    """Each list replaces the one before."""
    roles.declare({"raffle.draw": ["editor"]})
    roles.declare({})

    assert "raffle.draw" not in known()
    assert "raffle.draw" not in permissions_of("owner")


@pytest.mark.parametrize("role", ["", "admin", "Owner", "root"])
def test_a_role_that_nobody_knows_may_do_nothing(role):
    """It fails closed."""
    assert permissions_of(role) == frozenset()


def test_every_permission_names_known_roles():
    """A typing error would give a right to nobody."""
    assert {role for some in PERMISSIONS.values() for role in some} <= set(ROLES)

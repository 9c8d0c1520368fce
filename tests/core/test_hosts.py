"""Who can reach the site, and which keys of a provider belong on it."""

from __future__ import annotations

import pytest

from core import check_mode, hosts, is_public_host
from core.errors import Refused


@pytest.fixture(autouse=True)
def _named():
    yield
    hosts.set_names(())


@pytest.mark.parametrize(("names", "public"), [
    (("localhost", "127.0.0.1"), False),
    (("localhost:8000", "[::1]:8000", "::1", "127.0.0.9"), False),
    (("shop.localhost", "nas.local", "nas", "shop.test", "192.168.1.7", "10.0.0.1:80"), False),
    ((), False),
    (("localhost", "shop.example.org"), True),
    ((".example.org",), True),
    (("Example.ORG:8443",), True),
    (("93.184.215.14",), True),
    (("[2606:2800:21f::1]:443",), True),
    (("localhost.example.org",), True),
])  # fmt: skip
def test_a_site_is_public_when_a_name_of_it_means_something_to_strangers(names, public):
    """Loopback, private networks and reserved names mean nothing to them."""
    hosts.set_names(names)

    assert is_public_host() is public


def test_keys_belong_where_their_money_does():
    """Live keys on a public site, test keys on this machine, and nothing else."""
    hosts.set_names(("localhost",))
    check_mode("test")
    with pytest.raises(Refused, match="live keys"):
        check_mode("live")
    hosts.set_names(("shop.example.org",))
    check_mode("live")
    with pytest.raises(Refused, match="test keys"):
        check_mode("test")


def test_the_names_are_those_of_the_configuration(make_site):
    """`trusted_hosts` says under which names the site is reached."""
    make_site(trusted_hosts=("localhost", "shop.example.org"))

    assert is_public_host()

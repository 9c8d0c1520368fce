"""A command opens the site, and says where people reach it."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from flask import current_app
from flask_babel import gettext

from core.cli.opened import address_of, open_site
from core.settings import value


def config(**given):
    return SimpleNamespace(**{
        "trusted_hosts": ("localhost", "127.0.0.1"), "host": "127.0.0.1", "port": 8000, **given
    })  # fmt: skip


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://localhost:8000"),
        ({"port": 5000}, "http://localhost:5000"),
        ({"host": "localhost"}, "http://localhost:8000"),
        ({"host": "192.0.2.7"}, "http://192.0.2.7:8000"),
        ({"trusted_hosts": ("localhost", "site.example", "www.site.example")},
         "https://site.example"),
        ({"trusted_hosts": ("site.example",), "host": "0.0.0.0"}, "https://site.example"),
        ({"trusted_hosts": ()}, "http://localhost:8000"),
    ],
)  # fmt: skip
def test_the_site_is_where_people_reach_it(given, address):
    """By its first name of its own, else this machine, as localhost: a number has no passkeys."""
    assert address_of(config(**given)) == address


def test_a_command_has_the_site_s_words_and_settings(home):
    """For as long as it runs, and no longer."""
    seen = []

    @click.command()
    def command():
        app = open_site()
        seen.append((current_app._get_current_object() is app, value("site.name"), gettext("Back")))

    done = CliRunner().invoke(command, [], catch_exceptions=False)

    assert done.exit_code == 0
    assert seen == [(True, "Obolo", "Back")]
    assert not current_app

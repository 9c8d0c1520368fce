"""obolo init, db, settings, audit, doctor."""

from __future__ import annotations

import stat
import tomllib

import pytest
from flask import Blueprint

from core import hookimpl, settings, storage
from core.cli import main
from core.errors import OboloError
from core.storage import execute


def test_a_new_site_gets_its_folder_and_keys(obolo, tmp_path):
    """Its keys are its user's alone, and it can sell a text; a second time nothing changes."""
    home = tmp_path / "new"
    first = obolo("--home", str(home), "init")
    key = (home / "keys" / "session.key").read_text()
    config = (home / "obolo.toml").read_text()
    (home / "obolo.toml").write_text(config.replace("playmoney", "tipjar"))
    second = obolo("--home", str(home), "init")

    assert first.code == second.code == 0
    assert str(home / "keys") in first.text
    assert tomllib.loads(config) == {"plugins": ["posts", "paywall", "playmoney"]}
    assert "tipjar" in (home / "obolo.toml").read_text()
    assert (home / "keys" / "session.key").read_text() == key
    assert stat.S_IMODE((home / "keys" / "session.key").stat().st_mode) == 0o600


def test_migrations_are_listed(obolo):
    """The fixture's database has core's."""
    done = obolo("db", "status")

    assert done.code == 0
    assert "0001_initial" in done.text
    assert "pending" not in done.text


def test_pending_migrations_fail_and_are_run_once(obolo, home, monkeypatch):
    """On a database that has none."""
    monkeypatch.setenv("OBOLO_DATABASE", f"sqlite:///{home}/empty.db")
    before = obolo("db", "status")
    ran = obolo("db", "migrate")
    after = obolo("db", "status")
    again = obolo("db", "migrate")
    storage.close()

    assert before.code == 1
    assert "pending" in before.text
    assert "core: 0001_initial" in ran.text
    assert after.code == 0
    assert again.text == ""


def test_settings_are_listed_without_secrets(obolo, monkeypatch):
    """And those fixed from outside say so."""
    monkeypatch.setenv("OBOLO_CHECKOUT__ORDER_MINUTES", "30")
    text = obolo("settings", "list").text

    assert "(secret)" in text
    (line,) = [line for line in text.splitlines() if line.startswith("checkout.order_minutes")]
    assert line.split()[1] == "30"
    assert "fixed by the environment" in line


def test_a_secret_is_asked_for_and_never_shown(obolo, monkeypatch):
    """So that it stands neither in the history of a shell nor in a log."""
    asked = []

    def prompt(name, *, hide_input):
        asked.append((name, hide_input))
        return "sk_live_1"

    monkeypatch.setattr("click.prompt", prompt)
    done = obolo("settings", "set", "playmoney.secret")

    assert done.code == 0
    assert asked == [("playmoney.secret", True)]
    assert "sk_live_1" not in done.text
    assert settings.value("playmoney.secret") == "sk_live_1"


def test_a_setting_is_set_and_noted(obolo):
    """With who did it."""
    done = obolo("settings", "set", "checkout.order_minutes", "90")

    assert (done.code, done.text) == (0, "checkout.order_minutes = 90\n")
    assert "cli" in obolo("audit", "list", "--limit", "1").text


@pytest.mark.parametrize(("name", "value"), [
    ("checkout.order_minutes", "soon"), ("checkout.order_minutes", "1"), ("no.such", "1"),
])  # fmt: skip
def test_a_value_that_cannot_be_is_refused(obolo, name, value):
    """In words; `main` prints them."""
    done = obolo("settings", "set", name, value)

    assert isinstance(done.error, OboloError)
    assert execute("SELECT COUNT(*) FROM settings_value").fetchone()[0] == 0


def test_the_doctor_finds_a_new_site_well(obolo):
    """Play money is worth a note, and no more."""
    done = obolo("doctor")

    assert done.code == 0
    assert "All is well." in done.text
    assert "playmoney are play money" in done.text


def test_the_doctor_names_what_is_wrong(obolo, monkeypatch):
    """A plugin that is off though it should be on."""
    monkeypatch.setenv("OBOLO_PLUGINS", "nobody")
    done = obolo("doctor")

    assert done.code == 1
    assert "WRONG  The plugin nobody is off" in done.text
    assert "Wrong: 1" in done.text


def test_the_doctor_notes_sales_that_lose_money(obolo):
    """Until there are balances, the demo allows them."""
    obolo("settings", "set", "checkout.allow_loss", "true")

    assert "checkout.allow_loss is on" in obolo("doctor").text


def test_a_plugins_commands_stand_under_its_name(obolo, monkeypatch):
    """They are those of its blueprint, and run with the site built."""
    pages = Blueprint("shop", __name__)
    pages.cli.command("count")(lambda: print("three"))
    monkeypatch.setattr(
        "plugins.playmoney.register_blueprint", hookimpl(lambda: pages), raising=False
    )

    assert obolo("shop", "count").text == "three\n"
    assert obolo("nothing").code == 2


def test_a_refusal_is_told_in_one_sentence(home, monkeypatch, capsys):
    """`main` is what the program `obolo` runs."""
    monkeypatch.setattr("sys.argv", ["obolo", "settings", "set", "no.such", "1"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("obolo: ")

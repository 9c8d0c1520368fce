"""How the process runs."""

from __future__ import annotations

import stat
from dataclasses import fields
from pathlib import Path

import pytest

from core import config
from core.config import ConfigError


@pytest.fixture
def home(tmp_path, monkeypatch):
    for field in fields(config.Config):
        monkeypatch.delenv(f"OBOLO_{field.name.upper()}", raising=False)
    config.initialise(tmp_path / "site")
    return tmp_path / "site"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(home: Path, text: str) -> None:
    (home / "obolo.toml").write_text(text, encoding="utf-8")


def test_a_new_site_is_closed_to_others(home):
    """Folder and keys belong to their owner alone: 0700 and 0600."""
    assert mode(home) == 0o700
    assert mode(home / "keys") == 0o700
    assert mode(home / "keys" / "session.key") == 0o600
    assert mode(home / "obolo.toml") == 0o600


def test_a_second_start_never_overwrites(home):
    """What is there stays as it is: the key above all."""
    key = (home / "keys" / "session.key").read_text()
    (kek,) = (home / "keys").glob("kek-*.key")
    write(home, 'site_name = "Mine"\n')

    config.initialise(home)

    assert (home / "keys" / "session.key").read_text() == key
    assert config.load(home).site_name == "Mine"
    names = sorted(path.name for path in home.rglob("*"))
    assert names == [kek.name, "keys", "obolo.toml", "session.key"]


def test_the_commented_file_says_the_real_defaults(home):
    """Each commented line of a new `obolo.toml` is a default; uncommented it changes nothing."""
    plain = config.load(home)
    text = (home / "obolo.toml").read_text()
    lines = [line.removeprefix("# ") for line in text.splitlines() if " = " in line]
    chosen = [line for line in lines if not line.startswith("database")]
    write(home, "\n".join(chosen))

    assert len(chosen) >= 11
    assert config.load(home) == plain


def test_the_defaults_need_nothing_but_a_key(home):
    """Without any setting a site runs on this machine only, on SQLite in its own folder."""
    found = config.load(home)

    assert found.database == f"sqlite:///{home}/obolo.db"
    assert found.database.startswith("sqlite:////")
    assert (found.host, found.port, found.currency) == ("127.0.0.1", 8000, "EUR")
    assert found.plugin_folders == (str(home / "plugins"),)
    assert found.mail == "console:"


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(home, monkeypatch):
    """Order: default, `obolo.toml`, environment."""
    write(home, 'port = 8100\nsite_name = "File"\nplugins = ["posts"]\n')
    monkeypatch.setenv("OBOLO_PORT", "9000")
    monkeypatch.setenv("OBOLO_PLUGINS", "posts, paywall,")
    monkeypatch.setenv("OBOLO_SAFE_MODE", "1")

    found = config.load(home)

    assert found.port == 9000
    assert found.site_name == "File"
    assert found.plugins == ("posts", "paywall")
    assert found.safe_mode is True
    assert found.language == "en"


def test_the_folder_comes_from_the_environment(home, monkeypatch):
    """`$OBOLO_HOME` names the folder when nobody else does, else it is ./instance."""
    monkeypatch.setenv("OBOLO_HOME", str(home))
    assert config.load().home == home

    monkeypatch.delenv("OBOLO_HOME")
    monkeypatch.chdir(home.parent)
    (home.parent / "instance").symlink_to(home)
    assert config.load().home == home.parent / "instance"


def test_an_unknown_key_is_named_with_its_file(home):
    """A misspelt key is an error that names key and file, and guesses what was meant."""
    write(home, 'databse = "sqlite:////tmp/x.db"\n')

    with pytest.raises(ConfigError) as caught:
        config.load(home)

    assert "“databse”" in str(caught.value)
    assert str(home / "obolo.toml") in str(caught.value)
    assert "“database”" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        'port = "8000"',
        "port = 70000",
        "trusted_proxies = -1",
        'currency = "eur"',
        'language = "de"',
        "plugins = [1]",
        'mail = "ftp://host"',
        'mail = "smtp://"',
        'home = "/tmp"',
        'session_keys = ["aa"]',
        "port = ",
    ],
)
def test_a_wrong_value_stops_the_start(home, line):
    """What cannot be used is refused in words, never guessed; a folder's key is set by nobody."""
    write(home, line + "\n")

    with pytest.raises(ConfigError) as caught:
        config.load(home)

    assert line.partition(" ")[0] in str(caught.value) or "obolo.toml" in str(caught.value)


def test_a_wrong_variable_is_named(home, monkeypatch):
    """A value of the environment that cannot be used names its variable."""
    monkeypatch.setenv("OBOLO_PORT", "eight")

    with pytest.raises(ConfigError, match="OBOLO_PORT"):
        config.load(home)


def test_a_missing_key_says_what_to_do(tmp_path):
    """No key, no start: a made-up key would throw out everybody who is signed in."""
    with pytest.raises(ConfigError, match="obolo init"):
        config.load(tmp_path)


@pytest.mark.parametrize(("name", "bits"), [("keys", 0o750), ("keys/session.key", 0o604)])
def test_keys_that_others_can_read_stop_the_start(home, name, bits):
    """Group and world may not even read; the error says how to close it."""
    (home / name).chmod(bits)

    with pytest.raises(ConfigError, match="chmod"):
        config.load(home)


@pytest.mark.parametrize("text", ["", "abc\n", "00ff\n", "zz" * 32 + "\n"])
def test_a_damaged_key_stops_the_start(home, text):
    """A key that is short or no hexadecimal number signs nothing."""
    (home / "keys" / "session.key").write_text(text)

    with pytest.raises(ConfigError, match="damaged"):
        config.load(home)


def test_the_first_key_signs_and_older_ones_are_accepted(home):
    """Keys rotate by a new first line."""
    path = home / "keys" / "session.key"
    old = bytes.fromhex(path.read_text())
    path.write_text("ab" * 32 + "\n" + old.hex() + "\n")

    assert config.load(home).session_keys == (b"\xab" * 32, old)


def test_no_secret_is_written_by_repr(home):
    """Keys and addresses with passwords stay out of logs and tracebacks."""
    write(
        home, 'mail = "smtp://me:hunter2@mail.example:587"\ndatabase = "postgresql://u:pw9@h/d"\n'
    )
    found = config.load(home)

    assert "hunter2" not in repr(found)
    assert "pw9" not in repr(found)
    assert found.session_keys[0].hex() not in repr(found)
    assert "session_keys" not in repr(found)


def test_a_wrong_mail_address_does_not_show_its_password(home):
    """An error message is a log line, too."""
    write(home, 'mail = "imap://me:hunter2@mail.example"\n')

    with pytest.raises(ConfigError) as caught:
        config.load(home)

    assert "hunter2" not in str(caught.value)


def test_each_purpose_has_a_key_of_its_own(home):
    """A derived key is neither the key itself nor that of another purpose, and it stays."""
    found = config.load(home)

    assert found.derived_key("limits") == config.load(home).derived_key("limits")
    assert len({found.derived_key("limits"), found.derived_key("x"), *found.session_keys}) == 3

"""What an owner changes while the site runs: default, then what was saved, then the environment.

A setting is declared as data (core's here, a plugin's in its `plugin.toml`). Each process keeps
what was saved and asks at most once a second whether somebody changed it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from core import audit
from core.clock import now
from core.config import ConfigError
from core.errors import NotFound, Refused
from core.storage import (
    after_commit,
    database,
    execute,
    in_transaction,
    micros,
    seal,
    to_json,
    transaction,
    unseal,
)

Kind = Literal[
    "text", "longtext", "secret", "bool", "int", "money", "select", "color", "url", "image"
]
Value = str | int | bool

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\.[a-z][a-z0-9]*(_[a-z0-9]+)*")
COLOR = re.compile(r"#[0-9a-f]{6}")
LONGEST = {"text": 300, "longtext": 20_000, "secret": 4_000, "url": 2_000, "image": 2_000}
"""How many characters a setting of this kind may have when its declaration does not say."""
LARGEST = 10**15
ASK_SECONDS = 1.0
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

CORE = Path(__file__).with_suffix(".toml")
"""Where core's own settings are declared."""


class Setting(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"kind": "type", "least": "min", "most": "max"},
):
    """One thing that an owner may set; in `plugin.toml` it is `[settings.<key>]`.

    `least` and `most` bound a number, or the characters of a text; money is in minor units of the
    site's currency. `label`, `help` and the labels of `choices` are texts by language. A form shows
    it only while others of the same plugin have the values of `visible_if`. One that is
    `per_language` may have another value in each language of the site. Where it is a `price`, or a
    text with prices (`0.20 EUR`, or whole numbers in minor units), forms say what remains of each.
    """

    kind: Kind
    name: str = ""
    default: Value | None = None
    label: dict[str, str] = {}
    help: dict[str, str] = {}
    least: int | None = None
    most: int | None = None
    choices: dict[str, dict[str, str]] = {}
    visible_if: dict[str, Value] = {}
    per_language: bool = False
    price: bool = False

    @property
    def secret(self) -> bool:
        """Whether its value is never shown again."""
        return self.kind == "secret"

    @property
    def variable(self) -> str:
        """The environment variable that fixes it: `OBOLO_STRIPE__SECRET_KEY`."""
        return f"OBOLO_{self.name.replace('.', '__').upper()}"

    @property
    def initial(self) -> Value:
        """Its value before anybody set it."""
        if self.default is not None:
            return self.default
        if self.kind == "select":
            return next(iter(self.choices))
        return {"bool": False, "int": 0, "money": 0}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class _Saved:
    """What this process remembers of one database."""

    database: Any
    generation: int
    values: Mapping[str, Value]
    asked_at: float


class _Site:
    """What is fixed for this process."""

    currency = "EUR"


_site = _Site()
_declared: dict[str, Setting] = {}
_memory: dict[Literal["saved"], _Saved] = {}


def declare(settings: Iterable[Setting]) -> None:
    """Make settings known, in place of any of the same name. Raises ValueError for a wrong one."""
    for setting in settings:
        if not NAME.fullmatch(setting.name):
            raise ValueError(f"“{setting.name}” is no name for a setting; write plugin.key")
        if setting.kind == "select" and not setting.choices:
            raise ValueError(f"{setting.name} is a select without choices")
        if setting.secret and setting.default is not None:
            raise ValueError(f"{setting.name} is a secret and can have no default")
        try:
            check(setting, setting.initial)
        except Refused as error:
            raise ValueError(f"the default of {setting.name} cannot be used: {error}") from None
        _declared[setting.name] = setting


def declared() -> tuple[Setting, ...]:
    """Return all settings that are known, by name."""
    return tuple(_declared[name] for name in sorted(_declared))


def setting(name: str) -> Setting:
    """Return what was declared under this name. Raises NotFound."""
    try:
        return _declared[name]
    except KeyError:
        raise NotFound(f"There is no setting “{name}”.") from None


def value(name: str, language: str = "") -> Any:
    """Return what a setting is now: a text, a whole number or a bool, after its kind.

    In a language it is that language's own value, where somebody gave it one. Raises NotFound, and
    ConfigError when the environment holds something that it cannot be.
    """
    wanted = setting(name)
    if language and wanted.per_language and (own := _values().get(f"{name}@{language}")):
        return own
    text = os.environ.get(wanted.variable)
    if text is not None:
        try:
            return from_text(wanted, text)
        except Refused as error:
            raise ConfigError(f"{wanted.variable} cannot be used: {error}") from None
    if wanted.secret:
        return _secret(name)
    return _values().get(name, wanted.initial)


def locked(name: str) -> bool:
    """Tell whether the environment fixes this setting, so that nobody can save it."""
    return setting(name).variable in os.environ


def save(name: str, value: Value, actor: str, *, language: str = "") -> None:
    """Keep a new value, tell the other processes, and leave a line in the audit log.

    A secret is kept sealed, and the audit log says only that it changed. Raises NotFound, and
    Refused with a sentence for the owner when the value cannot be used or the environment fixes it.
    """
    wanted = setting(name)
    if locked(name):
        raise Refused(
            "{name} is fixed by {variable} where the site was started.",
            name=name, variable=wanted.variable,
        )  # fmt: skip
    check(wanted, value)
    if language:
        assert wanted.per_language, name
        name = f"{name}@{language}"
    cell = seal(str(value), subject="shop:settings", **_place(name)) if wanted.secret else None
    with transaction():
        before = None if wanted.secret else _load_values().get(name)
        execute(
            "INSERT INTO settings_value (name, value, sealed, changed) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value, sealed = excluded.sealed, "
            "changed = excluded.changed",
            [name, to_json(None if wanted.secret else value), cell, micros(now())],
        )
        after = "(secret)" if wanted.secret else value
        audit.record("settings.save", actor=actor, subject=name, before=before, after=after)
        bump("settings")
        after_commit(reload)


def from_text(setting: Setting, text: str) -> Value:
    """Read a value from a variable or a command line. Raises Refused when it cannot be used."""
    read: Value = text
    if setting.kind == "bool":
        if text.lower() not in YES + NO:
            raise Refused("Write true or false.")
        read = text.lower() in YES
    elif setting.kind in {"int", "money"}:
        if not re.fullmatch(r"-?[0-9]{1,16}", text):
            raise Refused("Write a whole number, for money in minor units: 20 for 0.20.")
        read = int(text)
    check(setting, read)
    return read


def reload() -> None:
    """Forget what this process remembers; the next look asks the database."""
    _memory.clear()


def generation(name: str) -> int:
    """Return how often something was changed: `settings`, or the list of `plugins`."""
    row = execute("SELECT number FROM site_generation WHERE name = ?", [name]).fetchone()
    return int(row[0]) if row else 0


def bump(name: str) -> None:
    """Tell all processes, in the caller's transaction, that something was changed."""
    execute(
        "INSERT INTO site_generation (name, number) VALUES (?, 1) "
        "ON CONFLICT (name) DO UPDATE SET number = site_generation.number + 1",
        [name],
    )


def _secret(name: str) -> str:
    """Return what a secret is now; nothing but the database and the reader holds it."""
    row = execute("SELECT sealed FROM settings_value WHERE name = ?", [name]).fetchone()
    return unseal(row[0], **_place(name)) if row and row[0] is not None else ""


def _place(name: str) -> dict[str, str]:
    return {"table": "settings_value", "column": "sealed", "row": name}


def _values() -> Mapping[str, Value]:
    saved = _memory.get("saved")
    if saved is not None and saved.database is not database.obj:
        saved = None
    asked_at = time.monotonic()
    if saved is not None and asked_at - saved.asked_at < ASK_SECONDS:
        return saved.values
    if in_transaction():
        return _load_values()  # what is not committed yet must not be remembered
    number = generation("settings")
    if saved is not None and saved.generation == number:
        saved = replace(saved, asked_at=asked_at)
    else:
        saved = _Saved(database.obj, number, _load_values(), asked_at)
    _memory["saved"] = saved
    return saved.values


def stamp() -> int:
    """Return a number that changes whenever a setting does; at most a second behind."""
    _values()
    saved = _memory.get("saved")
    return saved.generation if saved is not None else -1


def _load_values() -> dict[str, Value]:
    rows = execute("SELECT name, value FROM settings_value WHERE sealed IS NULL").fetchall()
    return {name: json.loads(text) for name, text in rows}


def check(setting: Setting, value: Value) -> None:
    """Raise Refused with a sentence for the owner when a setting cannot have this value."""
    if setting.kind == "bool":
        if not isinstance(value, bool):
            raise Refused("This is either on or off.")
    elif setting.kind in {"int", "money"}:
        _check_number(setting, value)
    elif not isinstance(value, str):
        raise Refused("This must be a text.")
    elif setting.kind == "select":
        if value not in setting.choices:
            raise Refused("Choose one of: {choices}.", choices=", ".join(setting.choices))
    else:
        _check_text(setting, value)


def _check_number(setting: Setting, value: Value) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused("This must be a whole number.")
    least = -LARGEST if setting.least is None else setting.least
    most = LARGEST if setting.most is None else setting.most
    if value < least:
        raise Refused("This must be at least {least}.", least=least)
    if value > most:
        raise Refused("This must be at most {most}.", most=most)


def _check_text(setting: Setting, value: str) -> None:
    breaks = "\n\t" if setting.kind == "longtext" else ""
    if any(not (c.isprintable() or c in breaks) for c in value.replace("\r\n", "\n")):
        raise Refused("This holds characters that cannot be shown.")
    if len(value) < (setting.least or 0):
        raise Refused("Please write at least {least} characters.", least=setting.least)
    most = LONGEST.get(setting.kind, 300) if setting.most is None else setting.most
    if len(value) > most:
        raise Refused("Please write at most {most} characters.", most=most)
    if not value:
        return
    if setting.kind == "color" and not COLOR.fullmatch(value):
        raise Refused("Write a colour as # and six digits, such as #1a7f5a.")
    if setting.kind == "url" and not _is_web_address(value):
        raise Refused("Write a whole address that starts with https:// or http://.")
    if setting.kind == "image" and not re.fullmatch(r"/(?![/\\])[^\s\\]*", value):
        raise Refused("Choose a picture on this site; its address starts with /.")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and " " not in text


def core_settings(site_name: str = "Obolo", owner_email: str = "") -> tuple[Setting, ...]:
    """Return core's own settings; the app declares them again with the defaults of its config."""
    read = msgspec.toml.decode(CORE.read_bytes(), type=dict[str, Setting])
    defaults = {"site.name": site_name, "site.owner_email": owner_email}
    return tuple(
        msgspec.structs.replace(found, name=name, default=defaults.get(name, found.default))
        for name, found in read.items()
    )


declare(core_settings())


def site_currency() -> str:
    """Return the one currency of the site, as it was set where it was started."""
    return _site.currency


def set_site_currency(currency: str) -> None:
    """Say what the site's currency is."""
    _site.currency = currency

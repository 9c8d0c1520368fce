"""How the process runs: defaults, then `obolo.toml`, then the environment.

What an owner changes while the site runs is in `settings`.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
import os
import secrets
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit

import msgspec

from core.errors import OboloError

Count = Annotated[int, msgspec.Meta(ge=0, le=10)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
Language = Annotated[str, msgspec.Meta(pattern="^[a-z]{2}$")]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]

LEAST_KEY_BYTES = 32
KEK_BYTES = 32
FROM_PLACE = ("home", "session_keys")
"""Fields that no file and no variable sets: they follow from the folder."""

TEMPLATE = """\
# How this site runs. A line that starts with # shows the value that is used without it.
# The environment wins: OBOLO_PORT=9000 stands above `port` here.

# database = "sqlite:////path/to/obolo.db"   # or "postgresql://user@host/name"
# host = "127.0.0.1"
# port = 8000
# trusted_hosts = ["localhost", "127.0.0.1"] # the names under which the site is reached
# trusted_proxies = 0                        # how many proxies of yours stand before it
# plugins = []                               # switched on at the first start
# plugin_folders = ["plugins"]               # where further plugins lie, seen from this folder
# language = "en"
# languages = ["en", "it"]
# currency = "EUR"                           # fixed for ever with the first sale
# site_name = "Obolo"
# owner_email = ""
# mail = "console:"                          # or "smtp://user:password@host:587", "smtps://..."
# key_folder = "keys"                        # where kek-*.key is; keep it apart from the database
"""


class ConfigError(OboloError):
    """The site cannot start as it is set up; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that a process must know before it can start.

    `session_keys`: the first one signs, all are accepted. `port` 0 takes a free one.
    """

    home: Path
    session_keys: tuple[bytes, ...] = field(repr=False)
    database: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: Port = 8000
    trusted_hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    trusted_proxies: Count = 0
    plugins: tuple[str, ...] = ()
    plugin_folders: tuple[str, ...] = ("plugins",)
    theme: str = "quaderno"
    language: Language = "en"
    languages: tuple[Language, ...] = ("en", "it")
    currency: Currency = "EUR"
    site_name: str = "Obolo"
    safe_mode: bool = False
    trace: bool = False
    owner_email: str = ""
    mail: str = field(default="console:", repr=False)
    key_folder: str = "keys"

    @property
    def keys(self) -> Path:
        """The folder of the key-encryption keys."""
        return self.home / self.key_folder

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose, so that no key has two jobs."""
        return self.derived_keys(purpose)[0]

    def derived_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Return one such key for each session key, the one that signs first."""
        return tuple(
            hmac.new(key, purpose.encode(), hashlib.sha256).digest() for key in self.session_keys
        )


def load(home: Path | None = None) -> Config:
    """Read how this process runs, for the site in `home` (else `$OBOLO_HOME`, else `./instance`).

    Raises ConfigError when a value cannot be used or a key is missing or open to others.
    """
    home = (home or Path(os.environ.get("OBOLO_HOME") or "instance")).absolute()
    check_keys(home)
    values = _from_file(home / "obolo.toml") | _from_environment(os.environ)
    values["database"] = values.get("database") or f"sqlite:///{home}/obolo.db"
    folders = values.get("plugin_folders", ("plugins",))
    values["plugin_folders"] = tuple(str(home / folder) for folder in folders)
    config = Config(home=home, session_keys=_session_keys(home), **values)
    _check_together(config)
    return config


def initialise(home: Path) -> None:
    """Make the folder of a site, its keys and its `obolo.toml`; what is there stays as it is."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = home / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    _create(keys / "session.key", secrets.token_hex(LEAST_KEY_BYTES) + "\n")
    _create(home / "obolo.toml", TEMPLATE)
    if not any(keys.glob("kek-*.key")):
        make_kek(keys)


def make_kek(folder: Path, kek: bytes | None = None) -> Path:
    """Write a key-encryption key, a new one or this one, and return its file; never over another.

    The file's name carries the key's fingerprint. The folder is made if it is not there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kek = kek or secrets.token_bytes(KEK_BYTES)
    path = folder / f"kek-{kek_fingerprint(kek)}.key"
    _create(path, kek.hex() + "\n")
    return path


def kek_fingerprint(kek: bytes) -> str:
    """Return 16 hexadecimal digits that tell key-encryption keys apart and tell nothing of them."""
    return hashlib.sha256(b"obolo kek\x00" + kek).hexdigest()[:16]


def check_keys(home: Path) -> None:
    """Raise ConfigError when the keys are missing, or somebody else could read them."""
    keys = home / "keys"
    if not (keys / "session.key").is_file():
        raise ConfigError(
            f"There is no key in {keys}. For a new site run `obolo init`; for an old one "
            "put its `keys` folder back from your backup."
        )
    for path in (keys, *sorted(keys.iterdir())):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            mode = "700" if path.is_dir() else "600"
            raise ConfigError(f"Others on this machine can read {path}. Run: chmod {mode} '{path}'")


def _settable() -> dict[str, Any]:
    hints = get_type_hints(Config, include_extras=True)
    return {name: kind for name, kind in hints.items() if name not in FROM_PLACE}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    kinds = _settable()
    for name in raw.keys() - kinds.keys():
        near = difflib.get_close_matches(name, kinds, n=1)
        hint = f" Did you mean “{near[0]}”?" if near else ""
        raise ConfigError(f"{path} sets “{name}”, which does not exist.{hint}")
    return {
        name: _converted(value, kinds[name], f"“{name}” in {path}", strict=True)
        for name, value in raw.items()
    }


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, kind in _settable().items():
        variable = f"OBOLO_{name.upper()}"
        text = environment.get(variable)
        if text is None:
            continue
        parts = [part.strip() for part in text.split(",") if part.strip()]
        value = parts if getattr(kind, "__origin__", None) is tuple else text
        values[name] = _converted(value, kind, variable, strict=False)
    return values


def _converted(value: Any, kind: Any, where: str, *, strict: bool) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where} cannot be used: {error}.") from None


def _check_together(config: Config) -> None:
    if config.language not in config.languages:
        raise ConfigError(
            f"“language” is {config.language}, which is not one of “languages”: "
            f"{', '.join(config.languages)}. Add it there."
        )
    mail = urlsplit(config.mail)
    if not (config.mail == "console:" or (mail.scheme in {"smtp", "smtps"} and mail.hostname)):
        raise ConfigError(
            "“mail” must be console: or smtp://user:password@host:587 or smtps://..., "
            "with characters such as @ or / in the password written as %40 or %2F."
        )


def _session_keys(home: Path) -> tuple[bytes, ...]:
    path = home / "keys" / "session.key"
    try:
        keys = tuple(bytes.fromhex(line) for line in path.read_text().split())
    except ValueError:
        keys = ()
    if not keys or any(len(key) < LEAST_KEY_BYTES for key in keys):
        raise ConfigError(
            f"{path} is damaged: it must hold lines of at least {2 * LEAST_KEY_BYTES} "
            "hexadecimal digits. Put it back from your backup."
        )
    return keys


def _create(path: Path, text: str) -> None:
    """Write a new file that only its owner reads, whole or not at all, and never over another."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

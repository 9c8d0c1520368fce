"""What a plugin says of itself in `plugin.toml`, read without running any of its code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec

from core.errors import OboloError
from core.ledger import Bound
from core.settings import Setting
from core.storage import Columns, classes

NAME = re.compile(r"[a-z][a-z0-9]{1,30}")
RESERVED = frozenset({"core", "obolo", "theme", "site", "checkout"}) | {
    table.partition("_")[0] for table in classes.core_classes()
}
"""Names under which core keeps tables, settings or files."""
API_VERSION = (1, 0)
"""What plugins may rely on: the first number changes when something is taken away."""

Kind = TypeVar("Kind", bound=msgspec.Struct)
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
SETTING = "setting:"
"""Before the key of a setting, an address, whose host a plugin may call."""


class ManifestError(OboloError):
    """A `plugin.toml` cannot be used; the message names file and place."""


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[plugin]`."""

    name: str
    title: dict[str, Text]
    version: Text
    description: dict[str, Text]
    requires_api: str = ">=1.0,<2"
    author: str = ""
    licence: str = ""
    depends: tuple[str, ...] = ()
    prefix: str = ""


class Touches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[touches]`: where the plugin reaches; feeds the Content-Security-Policy.

    `hosts` are called by the server: names, with a port or without, or `setting:<key>`, the host of
    the address there. Scripts, frames and connections are origins, and count on pages on which the
    plugin draws.
    """

    hosts: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    connects: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()


class BoundRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `[bounds]`: the least and the most of a family of accounts, in minor units."""

    least: int | None = None
    most: int | None = None


class PermissionRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `[permissions]`: what it allows, and the roles that have it beside the owner."""

    label: dict[str, Text]
    roles: tuple[Literal["editor", "author", "bookkeeper"], ...] = ()


SECTIONS = ("home", "posts", "sell", "people", "money", "look", "plugins", "settings")
"""The parts of the administration, in the order in which they are shown."""


class AdminPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `[[admin]]`: a page of the plugin's that the administration leads to."""

    path: Annotated[str, msgspec.Meta(pattern="^/admin/")]
    section: Literal["home", "posts", "sell", "people", "money", "look", "plugins", "settings"]
    label: dict[str, Text]
    permission: str


class ButtonPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `[[buttons]]`: a page to which a button on another site may lead.

    The page asks `way_back` where to lead its reader afterwards.
    """

    path: Annotated[str, msgspec.Meta(pattern="^/[a-z0-9/_-]*$")]
    label: dict[str, Text]


class ScriptRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `[[scripts]]`: a file below `static/`, or an address elsewhere, and what it is for.

    PCI DSS 4.0.1, requirement 6.4.3, asks for the reason of each script on a page that pays.
    """

    src: Text
    reason: dict[str, Text]


class SetupPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[setup]`: the page on which the owner of a new site makes the first thing to sell.

    The set-up ends with it. Its view draws it by `setup_page`, and calls `end_setup` once done.
    """

    path: Annotated[str, msgspec.Meta(pattern="^/admin/")]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `plugin.toml`."""

    plugin: About
    touches: Touches = Touches()
    settings: dict[str, Setting] = {}
    bounds: dict[str, BoundRow] = {}
    permissions: dict[Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]*$")], PermissionRow] = {}
    columns: dict[str, Columns] = {}
    admin: tuple[AdminPage, ...] = ()
    buttons: tuple[ButtonPage, ...] = ()
    scripts: tuple[ScriptRow, ...] = ()
    setup: SetupPage | None = None

    @property
    def name(self) -> str:
        """The plugin's name, which is its folder's."""
        return self.plugin.name

    @property
    def declared_settings(self) -> list[Setting]:
        """The settings under their full names, `<plugin>.<key>`."""
        return [
            msgspec.structs.replace(setting, name=f"{self.name}.{key}")
            for key, setting in self.settings.items()
        ]

    @property
    def declared_permissions(self) -> dict[str, tuple[str, ...]]:
        """The permissions, `<plugin>.<key>`, with the roles that have them."""
        return {f"{self.name}.{key}": row.roles for key, row in self.permissions.items()}

    @property
    def declared_bounds(self) -> dict[str, Bound]:
        """The bounded families of accounts."""
        return {prefix: Bound(row.least, row.most) for prefix, row in self.bounds.items()}


def read_manifest(folder: Path, name: str | None = None) -> Manifest:
    """Read and check the `plugin.toml` of a plugin named so, else as its folder.

    Raises ManifestError.
    """
    path = folder / "plugin.toml"
    name = folder.name if name is None else name
    manifest = decoded(path, Manifest, ManifestError)
    if manifest.name != name or not NAME.fullmatch(manifest.name):
        raise ManifestError(
            "{path} names the plugin “{name}”; it must be named as its folder, in small letters.",
            path=path, name=manifest.name,
        )  # fmt: skip
    if name in RESERVED:
        raise ManifestError("“{name}” is a name of Obolo’s own; choose another.", name=name)
    strange = [table for table in manifest.columns if not table.startswith(f"{manifest.name}_")]
    if strange:
        raise ManifestError(
            "{path} gives classes to the columns of {table}, which is not the plugin’s table.",
            path=path, table=strange[0],
        )  # fmt: skip
    for host in manifest.touches.hosts:
        key = host.removeprefix(SETTING)
        if host != key and (key not in manifest.settings or manifest.settings[key].kind != "url"):
            raise ManifestError(
                "{path} names the host of {key}, which is no setting of the type url.",
                path=path, key=key,
            )  # fmt: skip
    if not api_fits(manifest.plugin.requires_api):
        raise ManifestError(
            "{name} needs version {range} of the plugin interface; this site has {version}.",
            name=manifest.name, range=manifest.plugin.requires_api,
            version=".".join(map(str, API_VERSION)),
        )  # fmt: skip
    return manifest


def decoded(path: Path, kind: type[Kind], wrong: type[OboloError]) -> Kind:
    """Read a manifest of a plugin or a theme. Raises `wrong`, which names file and place."""
    try:
        stat = path.stat()
        return cast("Kind", _decoded(path, kind, stat.st_mtime_ns, stat.st_size))
    except OSError as error:
        raise wrong("{path} cannot be read: {why}.", path=path, why=error.strerror) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong("{path} is wrong: {why}.", path=path, why=error) from None


@lru_cache(maxsize=512)
def _decoded(path: Path, kind: type[Any], _changed: int, _size: int) -> Any:
    """Read a manifest once for each state of its file: each new app asks for all of them."""
    return msgspec.toml.decode(path.read_bytes(), type=kind)


COMPARISON = re.compile(r"(>=|<=|==|<|>)\s*(\d+(?:\.\d+){0,3})")
NEED = re.compile(r"([a-z][a-z0-9]{1,30})\s*(.*)")


def api_fits(wanted: str) -> bool:
    """Tell whether a range such as `>=1.0,<2` holds this version of the plugin interface."""
    return fits(wanted, ".".join(map(str, API_VERSION)))


def fits(wanted: str, version: str) -> bool:
    """Tell whether a range such as `>=1.0,<2` holds a version; what is no range holds none."""
    own = _numbers(version)
    for part in wanted.split(","):
        match = COMPARISON.fullmatch(part.strip())
        if match is None:
            return False
        sign, limit = match[1], _numbers(match[2])
        holds = {
            ">=": own >= limit, "<=": own <= limit, "==": own == limit, "<": own < limit,
            ">": own > limit,
        }[sign]  # fmt: skip
        if not holds:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """Read a version as four numbers: `1.2` is 1.2.0.0, and what is no number counts as nothing."""
    parts = [int(part) if part.isdecimal() else 0 for part in version.split(".")[:4]]
    return (*parts, *[0] * (4 - len(parts)))


def needs(manifest: Manifest) -> list[str]:
    """Return the names of the plugins that one needs."""
    return [match[1] for need in manifest.plugin.depends if (match := NEED.fullmatch(need.strip()))]


def unmet(manifest: Manifest, versions: Mapping[str, str]) -> list[str]:
    """Return what a plugin needs (`posts`, or `posts>=0.1,<1`) that is not among these."""
    missing = []
    for need in manifest.plugin.depends:
        match = NEED.fullmatch(need.strip())
        version = versions.get(match[1]) if match else None
        if match is None or version is None or (match[2] and not fits(match[2], version)):
            missing.append(need)
    return missing

"""What plugins declare, and the data that passes between them and core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from markupsafe import Markup

    from core.errors import OboloError
    from core.orders import Line
    from core.payments import Provider
    from core.people import Reader
    from core.people.tokens import Bearer
    from core.plugins.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ResourceCard:
    """What everybody may know of a resource: never any of what is behind its gate.

    `fields` holds what its author set for other plugins, as text: `{"price": "0.20 EUR"}`.
    """

    resource: str
    kind: str
    title: str
    url: str
    language: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """What to list: words to look for, a kind, a tag, a language; empty means any."""

    words: str = ""
    kind: str = ""
    tag: str = ""
    language: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Field:
    """A further field of a resource, drawn in its editor and read from its front matter.

    `check` raises BadInput for a value that cannot be used.
    """

    name: str
    kind: Literal["text", "money", "bool"]
    label: Mapping[str, str]
    check: Callable[[str], object] = str


@dataclass(frozen=True, slots=True)
class Embed:
    """What draws a directive: `draw` gets its arguments and returns safe markup.

    The text is kept as it is; what the directive draws is drawn each time the page is. One with a
    label stands in the editor's menu, with a small form of its fields.
    """

    draw: Callable[[Mapping[str, str]], Markup]
    label: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that is done every so many seconds, by one worker at a time."""

    name: str
    seconds: int
    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order is refused, in words for the reader."""

    reason: str


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """A machine that asks for a resource: whose token it shows, its headers by small names.

    `open` tells whether the resource is open to it by now. `refused` is why core did not make the
    purchase for which a plugin had just answered.
    """

    reader: Reader
    bearer: Bearer | None
    headers: Mapping[str, str]
    open: bool = False
    refused: OboloError | None = None


@dataclass(frozen=True, slots=True)
class Toll:
    """How a machine can pay here, or that it pays now.

    `challenges` stand in the 402 document, `headers` on the answer. `code` says why it is not open,
    by a word for programs that stays the same, `detail` in words for a reader. With `buys` core
    orders these lines and settles them by the instant provider `by`, in one transaction, and asks
    once more.
    """

    challenges: tuple[Mapping[str, object], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""
    detail: str = ""
    buys: tuple[Line, ...] = field(default=(), kw_only=True)
    by: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Health:
    """What a plugin found when it looked whether all that it needs outside answers.

    `words` are English, the key under which their translation is found; `values` fill the {braces}
    after that, and hold nothing secret. `address` is where the owner mends it, if it is not the
    plugin's own page.
    """

    words: str
    ok: bool = field(default=True, kw_only=True)
    values: Mapping[str, object] = field(default_factory=dict, kw_only=True)
    address: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        """Say it in English."""
        return self.words.format(**self.values) if self.values else self.words


@dataclass
class Catalogue:
    """What the enabled plugins have declared; made anew with each app.

    `failed` holds those that are on and do not work, with the reason.
    """

    manifests: dict[str, Manifest] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    embeds: dict[str, Embed] = field(default_factory=dict)
    periodic: list[Periodic] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything."""
        for part in vars(self).values():
            part.clear()


class _Site:
    """What is fixed for this process."""

    home = Path()
    folders: tuple[Path, ...] = ()


def set_home(home: Path, folders: Sequence[str] = ()) -> None:
    """Say where the site's folder is, and in which others its own plugins lie."""
    _Site.home = home
    _Site.folders = tuple(Path(folder) for folder in folders)


def site_home() -> Path:
    """Return the site's folder."""
    return _Site.home


def plugin_folders() -> tuple[Path, ...]:
    """Return the folders in which the site's own plugins lie."""
    return _Site.folders


def data_folder(plugin: str) -> Path:
    """Return the folder in which a plugin keeps files of its own; only the site's user reads it."""
    folder = _Site.home / "data" / plugin
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder

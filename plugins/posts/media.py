"""Pictures and files of texts: checked, measured, kept under a name with their hash."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from core import BadInput, data_folder
from plugins.posts.pictures import PICTURES

WIDTHS = (480, 960, 1600)
"""How wide the copies of a picture are, in pixels: a phone, the column, a dense screen."""
SIZES = "(min-width: 40.5rem) 38rem, calc(100vw - 2.5rem)"
"""How wide a picture stands on the page: the measure, or the screen without its gutters."""
COPIED = frozenset({".png", ".jpg", ".jpeg", ".webp"})
MOST_BYTES = 20 * 1024 * 1024
"""A file larger than this does not belong beside a text; our own choice."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A file of a text: where it lay, its name here, its size in pixels (0: not known).

    `public` ones are sent to everybody; the others with the part behind the gate.
    """

    file: str
    name: str
    width: int = 0
    height: int = 0
    public: bool = False

    @property
    def mimetype(self) -> str:
        """Its type; what is no picture is sent as a file to keep."""
        return mimetype_of(self.name)

    @property
    def copies(self) -> dict[str, int]:
        """Return the names of its smaller copies, with their widths; they are made in a task."""
        path = Path(self.name)
        if path.suffix not in COPIED:
            return {}
        return {f"{path.stem}-{wide}.webp": wide for wide in WIDTHS if wide < self.width}

    def srcset(self, prefix: str) -> str:
        """Return the copies and the picture itself for a browser to choose from."""
        every = {**self.copies, self.name: self.width}
        return ", ".join(f"{prefix}{name} {wide}w" for name, wide in every.items())


def mimetype_of(name: str) -> str:
    """Return a kept file's type; what is no picture is sent as a file to keep."""
    return PICTURES.get(Path(name).suffix, "application/octet-stream")


def folder() -> Path:
    """Return where the files are kept."""
    place = data_folder("posts") / "media"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def examine(root: Path, text_file: str, target: str) -> tuple[str, str, bytes]:
    """Return the place, ending and content of a file that a text names. Raises BadInput.

    The file must lie in the folder that is imported.
    """
    path = (root / text_file).parent / target
    try:
        file = path.resolve().relative_to(root.resolve()).as_posix()
        if path.stat().st_size > MOST_BYTES:
            raise BadInput("“{file}” is larger than 20 MiB", file=target)
        content = path.read_bytes()
    except ValueError:
        raise BadInput("“{file}” lies outside of the folder", file=target) from None
    except OSError:
        raise BadInput("there is no file “{file}” beside the text", file=target) from None
    return file, path.suffix.lower(), content


def keep(name: str, content: bytes) -> None:
    """Write a file unless it is there; its name is of its content, so it never changes."""
    path = folder() / name
    if not path.exists():
        draft = path.with_name(f".{name}.part")
        draft.write_bytes(content)
        draft.replace(path)


def named(stem: str, ending: str, content: bytes) -> str:
    """Return the name under which a file is kept: its own, made plain, with its content's hash."""
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "file"
    tail = ending if re.fullmatch(r"\.[a-z0-9]{1,10}", ending) else ""
    mark = f"-{hashlib.sha256(content).hexdigest()[:16]}"
    return f"{plain.removesuffix(mark)}{mark}{tail}"

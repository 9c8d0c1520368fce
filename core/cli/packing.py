"""`obolo plugins pack`: a wheel of a plugin, written without a build tool and without a network.

The form is that of the binary distribution format 1.0 (PyPA specifications). The wheel names no
requirement: Obolo is no package of an index, and `requires_api` is checked by the site.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import click

from core.plugins import Manifest, read_manifest
from core.plugins.loader import ENTRY_POINTS

VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?")
"""What pip takes for a version (PyPA version specifiers), without its rarer forms."""
LEFT_OUT = {"tests", "__pycache__", ".git"}
WHEN = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same plugin gives the same wheel."""
WHEEL = "Wheel-Version: 1.0\nGenerator: obolo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack(folder: Path, into: Path) -> Path:
    """Write the wheel of a plugin into a folder and return it. Raises ClickException, ManifestError."""
    manifest = read_manifest(folder)
    version = manifest.plugin.version
    if not VERSION.fullmatch(version):
        raise click.ClickException(f"“{version}” is no version that pip takes; write 1.0.0.")
    package = f"obolo_{manifest.name}"
    about = f"{package}-{version}.dist-info"
    files = {f"{package}/{name}": body for name, body in contents(folder).items()} | {
        f"{about}/METADATA": metadata(manifest, folder).encode(),
        f"{about}/WHEEL": WHEEL.encode(),
        f"{about}/entry_points.txt": f"[{ENTRY_POINTS}]\n{manifest.name} = {package}\n".encode(),
    }
    rows = [f"{name},sha256={digest(body)},{len(body)}\n" for name, body in files.items()]
    files[f"{about}/RECORD"] = "".join((*rows, f"{about}/RECORD,,\n")).encode()
    into.mkdir(parents=True, exist_ok=True)
    wheel = into / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name, WHEN)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, body, zipfile.ZIP_DEFLATED)
    return wheel


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a plugin that are installed: no tests, nothing that is hidden."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
        and not any(
            part in LEFT_OUT or part.startswith(".") for part in path.relative_to(folder).parts
        )
        and path.suffix != ".whl"
    }  # fmt: skip


def metadata(manifest: Manifest, folder: Path) -> str:
    """Return what pip shows of the plugin, with its README."""
    about, readme = manifest.plugin, folder / "README.md"
    lines = [
        "Metadata-Version: 2.1",
        f"Name: obolo-{manifest.name}",
        f"Version: {about.version}",
        f"Summary: {plain(about.description.get('en', ''))}",
        *([f"Author: {plain(about.author)}"] if about.author else []),
        *([f"License: {plain(about.licence)}"] if about.licence else []),
        "Requires-Python: >=3.11",
        "Description-Content-Type: text/markdown",
    ]
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    return "\n".join(lines) + "\n\n" + text


def plain(text: str) -> str:
    """Return a text on one line, so that it starts no header of its own."""
    return " ".join(text.split())


def digest(body: bytes) -> str:
    """Return a digest as RECORD writes it: SHA-256, base64url, without padding."""
    return urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()

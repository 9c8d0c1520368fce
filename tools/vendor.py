"""Copy the fonts, icons and scripts that `vendor.toml` names into the repository.

Needs the npm client and the network; nobody but a maintainer runs it. A package whose SHA-512
differs from the one in `vendor.toml` is refused before anything in it is read.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ICON = re.compile(r'<svg[^>]*\sviewBox="([^"]+)"[^>]*>(.*)</svg>', re.DOTALL)
STROKE = (
    'fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round"'
)


def fetch(name: str, version: str, folder: Path) -> Path:
    """Pack `name` at `version` with npm into the empty `folder`, and return the archive."""
    subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return next(folder.glob("*.tgz"))


def check(archive: Path, expected: str) -> None:
    """Stop unless the SHA-512 of `archive`, as base64 text, is the `expected` one."""
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != expected:
        sys.exit(f"{archive.name}: SHA-512 is {found}, but vendor.toml says {expected}")


def read(archive: tarfile.TarFile, path: str) -> bytes:
    """Return the bytes of one file of the package."""
    member = archive.extractfile(f"package/{path}")
    if member is None:
        sys.exit(f"{path} is no file in the package")
    return member.read()


def symbol(name: str, svg: str) -> str:
    """Turn one icon into a `<symbol id="icon-NAME">` on one line."""
    found = ICON.search(svg)
    if found is None:
        sys.exit(f"{name}: this is no icon as expected")
    box, shapes = found.groups()
    drawn = "".join(line.strip() for line in shapes.splitlines())
    return f'<symbol id="icon-{name}" viewBox="{box}" {STROKE}>{drawn}</symbol>'


def draw_sprite(archive: tarfile.TarFile, sprite: Mapping[str, Any], origin: str) -> bytes:
    """Put all icons of a sprite into one SVG file."""
    symbols = [
        symbol(name, read(archive, f"{sprite['folder']}/{name}.svg").decode())
        for name in sorted(sprite["names"])
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg">\n<!-- {origin}, see icons.LICENSE.txt -->'
    return "\n".join([head, *symbols, "</svg>\n"]).encode()


def copy(package: Mapping[str, Any]) -> None:
    """Fetch one package, check it and write what is wanted of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = fetch(package["name"], package["version"], Path(folder))
        check(path, package["sha512"])
        with tarfile.open(path) as archive:
            wanted = {to: read(archive, source) for source, to in package["files"].items()}
            if sprite := package.get("sprite"):
                origin = f"{package['name']} {package['version']} ({package['licence']})"
                wanted[sprite["target"]] = draw_sprite(archive, sprite, origin)
    for target, content in wanted.items():
        (ROOT / target).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / target).write_bytes(content)
        print(f"{target}  {len(content)} bytes")


def main() -> None:
    """Copy every package of `vendor.toml`."""
    for package in tomllib.loads((ROOT / "tools" / "vendor.toml").read_text())["package"]:
        copy(package)


if __name__ == "__main__":
    main()

"""What a picture is, by its own bytes: its kind and its size in pixels; and nothing that runs."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from xml.etree import ElementTree as ET

from core import BadInput

SVG = "{http://www.w3.org/2000/svg}"
SVG_ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        "svg g defs symbol use title desc metadata style path rect circle ellipse line polyline "
        "polygon text tspan textPath linearGradient radialGradient stop clipPath mask pattern "
        "marker filter feGaussianBlur feOffset feBlend feMerge feMergeNode feFlood feComposite "
        "feColorMatrix feTurbulence feDisplacementMap switch",
    )
)
PICTURES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
SIGNS = (
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"%PDF-", ".pdf"),
)
"""How files begin, by kind."""


def kind_of(content: bytes) -> str | None:
    """Return the ending that a file's bytes deserve, or None for other kinds."""
    for sign, ending in SIGNS:
        if content.startswith(sign):
            return ending
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return ".svg" if _begins_svg(content[:4096].decode(errors="replace")) else None


def _begins_svg(text: str) -> bool:
    """Tell whether a drawing's element comes first, after what XML allows before it."""
    text = text.removeprefix("\ufeff").lstrip()
    for start, end in (("<?xml", "?>"), *[("<!--", "-->")] * 5):
        if text.startswith(start):
            text = text.partition(end)[2].lstrip()
    return text.startswith("<svg") and not text[4:5].isalnum()


def measure(content: bytes, ending: str, shown: str) -> tuple[int, int]:
    """Return width and height of a picture. Raises BadInput for what is none, or is not safe."""
    try:
        size = _MEASURES[ending](content)
    except (struct.error, IndexError, ValueError):
        size = None
    if size is None:
        raise BadInput("“{file}” is no picture of the kind that its name says", file=shown)
    return size


def _png(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _gif(content: bytes) -> tuple[int, int] | None:
    if content[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack("<HH", content[6:10])
    return width, height


def _jpeg(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\xff\xd8"):
        return None
    place = 2
    while True:  # ends at the frame's header, or by an IndexError at the end
        if content[place] != 0xFF:
            return None
        mark = content[place + 1]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + int(struct.unpack(">H", content[place + 2 : place + 4])[0])


def _webp(content: bytes) -> tuple[int, int] | None:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        wide, high = content[24:27], content[27:30]
        return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", content[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _svg(content: bytes) -> tuple[int, int] | None:
    text = content.decode()
    if re.search(r"<!(?!--)|<\?(?!xml[ ?])", text):
        raise BadInput("a picture in SVG holds a DOCTYPE or an instruction, which is not taken")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no DOCTYPE, so no entities
    except ET.ParseError:
        return None
    if root.tag != f"{SVG}svg":
        return None
    for element in root.iter():
        _check_element(element)
    return _svg_size(root)


def _check_element(element: ET.Element) -> None:
    """Refuse what could run or fetch something: only drawing is taken."""
    if not isinstance(element.tag, str):
        return
    name = element.tag.removeprefix(SVG)
    if name not in SVG_ELEMENTS:
        raise BadInput("a picture in SVG holds <{name}>, which is not taken", name=name)
    for key, text in element.attrib.items():
        bare = key.rpartition("}")[2].lower()
        outside = bare == "href" and not text.startswith("#")
        if bare.startswith("on") or outside or _fetches(text):
            raise BadInput("a picture in SVG holds “{name}”, which is not taken", name=bare)
    if name == "style" and _fetches("".join(element.itertext())):
        raise BadInput("a picture in SVG has a style that fetches something")


def _fetches(text: str) -> bool:
    """Tell whether a value or style names something outside; escapes hide what they say."""
    plain = text.lower()
    return (
        "@import" in plain
        or "\\" in plain
        or "image-set" in plain
        or "javascript:" in re.sub(r"\s", "", plain)
        or re.search(r"url\(\s*[\"']?\s*(?!#)[^#\"'\s]", plain) is not None
    )


def _svg_size(root: ET.Element) -> tuple[int, int]:
    width, height = (re.match(r"[0-9]+", root.get(side, "")) for side in ("width", "height"))
    if width and height and "%" not in root.get("width", "") + root.get("height", ""):
        return int(width[0]), int(height[0])
    box = [float(part) for part in re.split(r"[\s,]+", root.get("viewBox", "").strip()) if part]
    return (round(box[2]), round(box[3])) if len(box) == 4 else (0, 0)


_MEASURES: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    ".svg": _svg,
    ".png": _png,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".gif": _gif,
    ".webp": _webp,
}

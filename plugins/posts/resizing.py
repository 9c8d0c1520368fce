"""Pictures as cameras make them: what they tell about a place goes, and smaller copies come."""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from core import BadInput
from plugins.posts.media import Medium

log = logging.getLogger("obolo.plugins.posts")
MOST_PIXELS = 40_000_000
"""A picture with more takes too much memory while it is made smaller; our own choice."""
QUALITY = 82
"""Of a copy in WebP, out of 100: half the bytes of 92, and no difference at arm's length."""
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
ORIENTATION = 0x0112
"""The EXIF tag that says which way up a picture is (CIPA DC-008)."""
PNG_KEPT = frozenset(
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT",
     b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"cICP"]
)  # fmt: skip
JPEG_DROPPED = frozenset({0xE1, 0xED, 0xFE})
"""EXIF and XMP, IPTC, comments."""


def cleaned(content: bytes, ending: str) -> bytes:
    """Return a picture without place, time, device and notes; its pixels stay as they are.

    One that lies on its side by its notes is turned first. Raises BadInput for a broken one.
    """
    if ending not in FORMATS:
        return content
    try:
        turned = _turned(content, ending)
        strip = {"PNG": _plain_png, "JPEG": _plain_jpeg, "WEBP": _plain_webp}[FORMATS[ending]]
        return strip(turned)
    except (OSError, ValueError, struct.error, IndexError, SyntaxError) as error:
        raise BadInput("This picture is damaged.") from error


def _opened(content: bytes, ending: str) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what else is odd with a picture does not matter here
        picture = Image.open(io.BytesIO(content), formats=[FORMATS[ending]])
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError("more pixels than its header said")
    return picture


def _turned(content: bytes, ending: str) -> bytes:
    with _opened(content, ending) as picture:
        if picture.getexif().get(ORIENTATION, 1) == 1 or getattr(picture, "n_frames", 1) > 1:
            return content
        upright = ImageOps.exif_transpose(picture)
        output = io.BytesIO()
        upright.save(output, FORMATS[ending], quality=92, exif=b"")
        return output.getvalue()


def _plain_png(content: bytes) -> bytes:
    parts, place = [content[:8]], 8
    while place + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        end = place + 12 + size
        if kind in PNG_KEPT:
            parts.append(content[place:end])
        place = end
    return b"".join(parts)


def _plain_jpeg(content: bytes) -> bytes:
    parts, place = [content[:2]], 2
    while content[place + 1] != 0xDA:
        mark, size = struct.unpack(">xBH", content[place : place + 4])
        end = place + 2 + size
        if mark not in JPEG_DROPPED:
            parts.append(content[place:end])
        place = end
    return b"".join([*parts, content[place:]])


def _plain_webp(content: bytes) -> bytes:
    kept = b""
    for kind, body in _chunks(content):
        if kind == b"VP8X":
            kept += _chunk(kind, bytes([body[0] & ~0x0C]) + body[1:])  # the marks of both
        elif kind not in (b"EXIF", b"XMP "):
            kept += _chunk(kind, body)
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + kept


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(content):
        kind, size = struct.unpack("<4sI", content[place : place + 8])
        yield kind, content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def make_copies(medium: Medium, folder: Path) -> None:
    """Make the smaller copies of a picture in WebP, beside it; one that cannot be made is left out.

    Until then, and for such a one, the picture itself is sent in their place.
    """
    path = folder / medium.name
    try:
        content = path.read_bytes()
        for name, wide in medium.copies.items():
            if not (folder / name).exists():
                _copy(content, path.suffix, wide, folder / name)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        log.warning("no copies of %s: %s", medium.name, error)


def _copy(content: bytes, ending: str, wide: int, target: Path) -> None:
    with _opened(content, ending) as picture:
        high = max(1, round(picture.height * wide / picture.width))
        picture.draft("RGB", (wide, high))
        profile = picture.info.get("icc_profile")
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        small = picture.convert(mode).resize((wide, high), Image.Resampling.LANCZOS)
        draft = target.with_name(f".{target.name}.part")
        small.save(draft, "WEBP", quality=QUALITY, method=4, icc_profile=profile, exif=b"")
        draft.replace(target)

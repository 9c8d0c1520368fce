"""Pictures for tests: as a camera makes them, with place and device, and broken ones."""

from __future__ import annotations

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SECRET = "Nokia 3310 at 45.07 N"
ENDINGS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def photo(ending: str, size: tuple[int, int] = (1200, 600), turned: int = 1) -> bytes:
    """Return a picture, red on the left and blue on the right, that tells where it was taken."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = SECRET, turned
    output = io.BytesIO()
    more = {}
    if ending == ".png":
        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_text("Comment", SECRET)
    if ending == ".jpg":
        more["comment"] = SECRET
    picture.save(output, ENDINGS[ending], exif=exif, **more)
    return output.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return a picture to be looked at."""
    return Image.open(io.BytesIO(content))

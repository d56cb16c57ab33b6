"""Image bytes become RGB pixels. Needs only Pillow and NumPy, so that the service can use it too."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps

from segwise.errors import DataInvalidError
from segwise.types import Image

PIL.Image.MAX_IMAGE_PIXELS = None  # the header's size is checked below, against a limit the caller chooses
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")  # an allow-list: others reach code that is no image decoder (EPS)
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
MAX_PIXELS = 400_000_000
_WORDS = ", ".join(FORMATS)


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file says of itself. Sizes are (height, width) in pixels; `orientation` is EXIF's, 1 to 8."""

    stored: tuple[int, int]
    orientation: int

    @property
    def upright(self) -> tuple[int, int]:
        """The size after the orientation is applied."""
        return self.stored[::-1] if self.orientation >= 5 else self.stored

    @property
    def height(self) -> int:
        return self.upright[0]

    @property
    def width(self) -> int:
        return self.upright[1]


class ImageFormatError(DataInvalidError):
    """The bytes are none of the known image formats."""


class ImageTooLargeError(DataInvalidError):
    """The header promises more pixels than allowed."""


def read_image(path: Path, max_pixels: int = MAX_PIXELS) -> Image:
    """Read one image file as RGB, uint8 (H, W, 3).

    Raises:
        DataInvalidError: the file is missing, unreadable, truncated, of an unknown format or too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataInvalidError(f"a readable image {path}", error.strerror or str(error), "restore the file") from error
    return decode_image(data, max_pixels, str(path))


def header_of(image: Path | bytes) -> Header:
    """Read an image's size and orientation without decoding its pixels.

    Raises:
        DataInvalidError: the file is missing, of an unknown format, or its header is damaged.
    """
    try:
        data = image if isinstance(image, bytes) else image.read_bytes()
    except OSError as error:
        raise DataInvalidError(f"a readable image {image}", error.strerror or str(error), "restore the file") from error
    with _open(data, "the image" if isinstance(image, bytes) else image.name) as opened:
        orientation = opened.getexif().get(PIL.ExifTags.Base.Orientation, 1)
        return Header((opened.height, opened.width), orientation if orientation in range(1, 9) else 1)


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS, name: str = "the image") -> Image:
    """Decode image bytes as RGB, uint8 (H, W, 3), upright.

    Grey and palette images are expanded, alpha is dropped, 16-bit grey is scaled linearly from its full range
    (0..65535 to 0..255), EXIF orientation is applied, and of several frames the first one is taken.

    Args:
        max_pixels: limit of width times height, checked before any pixel is decoded.
        name: how errors speak of the image.

    Raises:
        ImageFormatError: the bytes are no PNG, JPEG, TIFF, BMP or WebP.
        ImageTooLargeError: more than `max_pixels` pixels.
        DataInvalidError: the bytes are truncated or damaged.
    """
    with _open(data, name) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ImageTooLargeError(
                f"at most {max_pixels:,} pixels", f"{width} × {height} in {name}", "cut it into tiles or scale it down"
            )
        try:
            if image.format == "PNG":
                with _open(data, name) as copy:
                    copy.verify()  # every chunk's checksum and the end; load() alone forgives a missing tail
            image.load()
            return _rgb(PIL.ImageOps.exif_transpose(image), name)
        except DataInvalidError:
            raise
        except Exception as error:  # Pillow's plugins raise many kinds on damaged bytes
            remedy = "the file is truncated or damaged: export or copy it again"
            raise DataInvalidError("a whole image", f"{name}: {error}", remedy) from error


def _open(data: bytes, name: str) -> PIL.Image.Image:
    try:
        return PIL.Image.open(io.BytesIO(data), formats=FORMATS)
    except PIL.UnidentifiedImageError as error:
        came = f"{name} ({'no bytes' if not data else 'unknown format'})"
        raise ImageFormatError(f"an image ({_WORDS})", came, "convert it to PNG") from error
    except Exception as error:  # Pillow's plugins raise many kinds on damaged headers
        remedy = "the file is damaged: export or copy it again"
        raise DataInvalidError("a whole image", f"{name}: {error}", remedy) from error


def _rgb(image: PIL.Image.Image, name: str) -> Image:
    if image.mode.startswith("I"):
        values = np.asarray(image)
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > 65535:
            came = f"{low}..{high} in {name}"
            raise DataInvalidError("grey values of 8 or 16 bits", came, "convert it to 16-bit PNG")
        grey = (values.astype(np.uint32) // 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise DataInvalidError("grey values of 8 or 16 bits", f"floating point in {name}", "convert it to 16-bit PNG")
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"), dtype=np.uint8)

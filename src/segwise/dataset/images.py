"""Image bytes become RGB pixels of 8 bits. Light, so that the service can use it too.

Images of more than 8 bits a channel (16-bit and floating-point PNG and TIFF) keep their files as they are. Reading
scales them linearly from a *value range* (low, high) to 0..255 and clips what lies outside: the data set's own range
where one was measured at import (`value_range` in its label file; a model carries the one it was trained with), else
the full 0..65535 of 16-bit integers. Floating point has no range of its own and is refused without one.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
import PIL.TiffImagePlugin
from numpy.typing import NDArray

from segwise.errors import DataInvalidError
from segwise.types import Image

PIL.Image.MAX_IMAGE_PIXELS = None  # the header's size is checked below, against a limit the caller chooses
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")  # an allow-list: others reach code that is no image decoder (EPS)
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
MAX_PIXELS = 400_000_000
TIFF_MAGIC = (b"II*\0", b"MM\0*")
TURNED = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
Range = tuple[float, float]
_WORDS = ", ".join(FORMATS)


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file says of itself. Sizes are (height, width) in pixels; `orientation` is EXIF's, 1 to 8.

    `is_deep`: more than 8 bits a channel, integer or floating point.
    """

    stored: tuple[int, int]
    orientation: int
    is_deep: bool = False

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


def read_image(path: Path, max_pixels: int = MAX_PIXELS, value_range: Range | None = None) -> Image:
    """Read one image file as RGB, uint8 (H, W, 3); see `decode_image`.

    Raises:
        DataInvalidError: the file is missing, unreadable, truncated, of an unknown format or too large.
    """
    return decode_image(_bytes_of(path), max_pixels, str(path), value_range)


def header_of(image: Path | bytes) -> Header:
    """Read an image's size, orientation and depth without decoding its pixels.

    Raises:
        DataInvalidError: the file is missing, of an unknown format, or its header is damaged.
    """
    return _header(_bytes_of(image), "the image" if isinstance(image, bytes) else image.name)


def deep_values(image: Path | bytes) -> NDArray[Any]:
    """The stored values of an image of more than 8 bits a channel, upright, (H, W) or (H, W, C), channels as RGB.

    Raises:
        DataInvalidError: as `header_of`; or values that are complex or not finite.
    """
    data, name = _bytes_of(image), "the image" if isinstance(image, bytes) else image.name
    return _deep(data, _header(data, name), name)


def decode_image(
    data: bytes, max_pixels: int = MAX_PIXELS, name: str = "the image", value_range: Range | None = None
) -> Image:
    """Decode image bytes as RGB, uint8 (H, W, 3), upright.

    Grey and palette images are expanded, alpha is dropped, EXIF orientation is applied, of several frames the first
    one is taken, and more than 8 bits are scaled (see above).

    Args:
        max_pixels: limit of width times height, checked before any pixel is decoded.
        name: how errors speak of the image.
        value_range: what becomes 0 and 255 in images of more than 8 bits a channel; others do not need it.

    Raises:
        ImageFormatError: the bytes are no PNG, JPEG, TIFF, BMP or WebP.
        ImageTooLargeError: more than `max_pixels` pixels.
        DataInvalidError: the bytes are truncated or damaged, or floating point without a value range.
    """
    header = _header(data, name)
    if header.width * header.height > max_pixels:
        came = f"{header.stored[1]} × {header.stored[0]} in {name}"
        raise ImageTooLargeError(f"at most {max_pixels:,} pixels", came, "cut it into tiles or scale it down")
    if header.is_deep:
        return _scaled(_deep(data, header, name), value_range, name)
    with _open(data, name) as image:
        try:
            if image.format == "PNG":
                with _open(data, name) as copy:
                    copy.verify()  # every chunk's checksum and the end; load() alone forgives a missing tail
            image.load()
            return _rgb(PIL.ImageOps.exif_transpose(image))
        except Exception as error:  # Pillow's plugins raise many kinds on damaged bytes
            raise _damaged(name, error) from error


def _bytes_of(image: Path | bytes) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        return image.read_bytes()
    except OSError as error:
        raise DataInvalidError(f"a readable image {image}", error.strerror or str(error), "restore the file") from error


def _open(data: bytes, name: str) -> PIL.Image.Image:
    try:
        return PIL.Image.open(io.BytesIO(data), formats=FORMATS)
    except PIL.UnidentifiedImageError as error:
        came = f"{name} ({'no bytes' if not data else 'unknown format'})"
        raise ImageFormatError(f"an image ({_WORDS})", came, "convert it to PNG") from error
    except Exception as error:  # Pillow's plugins raise many kinds on damaged headers
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> DataInvalidError:
    remedy = "the file is truncated or damaged: export or copy it again"
    return DataInvalidError("a whole image", f"{name}: {error}", remedy)


def _header(data: bytes, name: str) -> Header:
    if data[:4] in TIFF_MAGIC:
        return _tiff_header(data, name)
    with _open(data, name) as image:
        is_deep = image.mode[0] in "IF" or (image.format == "PNG" and data[24:25] == b"\x10")  # IHDR's bit depth
        try:
            exif = PIL.Image.Image.getexif(image)  # the base class's: that of PNG decodes all pixels first
        except Exception as error:  # any damage of the tags
            raise _damaged(name, error) from error
        return Header((image.height, image.width), _orientation(exif), is_deep)


def _tiff_header(data: bytes, name: str) -> Header:
    """From the tags themselves: Pillow has no mode for many deep kinds."""
    try:
        tags = PIL.TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits, forms = tags.get(258, (1,)), tags.get(339, (1,))
        deepest = max(bits) if isinstance(bits, tuple) else int(bits)
        is_integer = set(forms if isinstance(forms, tuple) else (forms,)) <= {1, 4}
        size = (int(tags[257]), int(tags[256]))
    except Exception as error:  # any damage of the tags
        raise _damaged(name, error) from error
    if min(size) < 1:
        raise DataInvalidError("an image with pixels", f"{size[1]} × {size[0]} in {name}", "export it again")
    return Header(size, _orientation(tags), deepest > 8 or not is_integer)


def _orientation(tags: Any) -> int:
    value = tags.get(PIL.ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


def _deep(data: bytes, header: Header, name: str) -> NDArray[Any]:
    import cv2

    try:
        if data[:4] not in TIFF_MAGIC:
            with _open(data, name) as image:
                image.verify()
        flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        values = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except (cv2.error, OSError, SyntaxError) as error:
        raise _damaged(name, error) from error
    if values is None or values.shape[:2] != header.stored:
        remedy = "the file is damaged or of a rare kind: convert it to 16-bit PNG"
        raise DataInvalidError("a whole image", f"{name}: its pixels cannot be decoded", remedy)
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise DataInvalidError("finite numbers as pixels", f"{name}: {values.dtype}", "convert it to 16-bit PNG")
    channels = values[..., [2, 1, 0]] if values.ndim == 3 and values.shape[2] >= 3 else values
    return turn(channels, header.orientation)


def _scaled(values: NDArray[Any], value_range: Range | None, name: str) -> Image:
    if value_range is None:
        low, high = float(values.min()), float(values.max())
        if values.dtype.kind == "f" or low < 0 or high > 65535:
            kind = "floating point" if values.dtype.kind == "f" else f"{low:g}..{high:g}"
            remedy = "import the data set with `segwise import`, which measures its range, or convert it to 16-bit PNG"
            raise DataInvalidError("grey values of 8 or 16 bits, or a value range", f"{kind} in {name}", remedy)
        value_range = (0.0, 65535.0)
    low, high = value_range
    # the small addition keeps full-range 16-bit values at value // 257, as an exact division would
    grey = np.clip((values.astype(np.float64) - low) * (255.0 / (high - low)) + 1e-9, 0, 255).astype(np.uint8)
    grey = grey[..., :1] if grey.ndim == 3 and grey.shape[2] < 3 else grey
    return np.ascontiguousarray(np.broadcast_to(np.atleast_3d(grey), (*grey.shape[:2], 3)))


def _rgb(image: PIL.Image.Image) -> Image:
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"), dtype=np.uint8)


def turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels as stored, (H, W, …), set upright: EXIF orientation 1 to 8."""
    if orientation == 1:
        return pixels
    quarters, is_mirrored = TURNED[orientation]
    turned = np.rot90(pixels, quarters)
    return np.ascontiguousarray(np.fliplr(turned) if is_mirrored else turned)

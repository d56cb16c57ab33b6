"""Image files of every usual kind become RGB bytes; damaged ones a refusal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segwise.dataset.images import ImageFormatError, ImageTooLargeError, decode_image, read_image
from segwise.errors import DataInvalidError

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def encode(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_rgb_keeps_its_pixels(form: str) -> None:
    np.testing.assert_array_equal(decode_image(encode(Image.fromarray(PIXELS), form)), PIXELS)


def test_grey_is_repeated_over_the_channels() -> None:
    decoded = decode_image(encode(Image.fromarray(PIXELS[..., 0])))
    np.testing.assert_array_equal(decoded, np.repeat(PIXELS[..., :1], 3, axis=2))


def test_alpha_is_dropped() -> None:
    rgba = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 77, np.uint8)])
    np.testing.assert_array_equal(decode_image(encode(Image.fromarray(rgba))), PIXELS)


def test_a_palette_is_expanded() -> None:
    image = Image.fromarray(PIXELS).quantize(16)
    np.testing.assert_array_equal(decode_image(encode(image)), np.array(image.convert("RGB")))
    assert decode_image(encode(image, transparency=b"\x00\x7f")).shape == PIXELS.shape


def test_sixteen_bits_are_scaled_from_the_full_range() -> None:
    values = np.array([[0, 256, 257, 32896, 65535]], dtype=np.uint16)
    assert decode_image(encode(Image.fromarray(values)))[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    decoded = decode_image(encode(Image.fromarray(PIXELS), "PNG", exif=exif))
    np.testing.assert_array_equal(decoded, np.rot90(PIXELS, -1))


@pytest.mark.parametrize("keep", [20, 60, 120, -20, -12])
def test_a_truncated_image_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(encode(Image.fromarray(PIXELS))[:keep])
    with pytest.raises(DataInvalidError, match=r"cut\.png"):
        read_image(path)


def test_a_flipped_bit_in_a_png_is_refused() -> None:
    data = bytearray(encode(Image.fromarray(PIXELS)))
    data[len(data) // 2] ^= 4
    with pytest.raises(DataInvalidError):
        decode_image(bytes(data))


@pytest.mark.parametrize("data", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_known_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageFormatError):
        decode_image(data)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    with pytest.raises(ImageTooLargeError, match="20000 × 2000"):
        decode_image(encode(Image.new("1", (20_000, 2_000))), max_pixels=1_000_000)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match=r"none\.png"):
        read_image(tmp_path / "none.png")

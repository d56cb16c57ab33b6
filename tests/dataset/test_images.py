"""Image files of every usual kind become RGB bytes; damaged ones a refusal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from segwise.dataset.images import (
    ImageFormatError,
    ImageTooLargeError,
    decode_image,
    deep_values,
    header_of,
    read_image,
    turn,
)
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


def deep(values: np.ndarray, ending: str) -> bytes:
    """An image file of the values, (H, W) or RGB (H, W, 3), written by OpenCV."""
    return bytes(cv2.imencode(ending, values[..., ::-1] if values.ndim == 3 else values)[1])


RAMP = np.linspace(0, 1, 20 * 30).reshape(20, 30)


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_read_over_the_value_range(ending: str, channels: int) -> None:
    values = (1000 + 3000 * RAMP).astype(np.uint16)
    stored = values if channels == 1 else np.dstack([values, values // 2, values])
    decoded = decode_image(deep(stored, ending), value_range=(1000.0, 4000.0))
    wanted = np.clip((np.atleast_3d(stored).astype(float) - 1000) / 3000 * 255, 0, 255)
    assert np.abs(decoded - wanted).max() <= 1
    assert header_of(deep(stored, ending)).is_deep


def test_floating_point_is_read_over_the_value_range_and_refused_without_one() -> None:
    data = deep((RAMP - 0.5).astype(np.float32), ".tif")
    decoded = decode_image(data, value_range=(-0.5, 0.5))
    assert (decoded[0, 0, 0], decoded[-1, -1, 0]) == (0, 255)
    np.testing.assert_allclose(deep_values(data), RAMP - 0.5, atol=1e-6)
    with pytest.raises(DataInvalidError, match="floating point"):
        decode_image(data)


def test_pixels_that_are_not_finite_are_refused() -> None:
    values = RAMP.astype(np.float32)
    values[3, 4] = np.nan
    with pytest.raises(DataInvalidError, match="finite"):
        decode_image(deep(values, ".tif"), value_range=(0.0, 1.0))


def test_a_truncated_deep_image_is_refused() -> None:
    for ending in (".png", ".tif"):
        with pytest.raises(DataInvalidError):
            decode_image(deep((RAMP * 65535).astype(np.uint16), ending)[:300])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_every_exif_orientation_is_known_from_the_header_and_turned_as_pillow_does(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(PIXELS)
    data = encode(image, form, exif=exif)
    header = header_of(data)
    assert (header.stored, header.orientation) == ((9, 13), orientation)
    upright = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(decode_image(data), upright)
    assert header.upright == upright.shape[:2]
    if form != "TIFF":  # Pillow turns TIFF on loading
        np.testing.assert_array_equal(turn(np.array(Image.open(io.BytesIO(data))), orientation), upright)


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

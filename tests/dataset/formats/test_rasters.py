"""Label rasters are read exactly as they are stored."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from segwise.dataset.formats import rasters
from segwise.dataset.formats.rasters import Raster
from segwise.dataset.formats.shapes import Problem
from tests.dataset.formats.drawn import SIZE, labels, write


def raster(path: Path) -> Raster:
    found = rasters.read(path, [SIZE])
    assert isinstance(found, Raster), found
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint32", "float32", "int64"])
def test_tiff_values_of_every_depth_are_kept(tmp_path: Path, dtype: str) -> None:
    import tifffile

    values = labels().astype(dtype) * (1 if dtype == "uint8" else 300)
    tifffile.imwrite(tmp_path / "a.tif", values)
    np.testing.assert_array_equal(raster(tmp_path / "a.tif").values, values)


def test_png_of_16_bits_keeps_its_values(tmp_path: Path) -> None:
    values = (labels() * 20_000).astype(np.uint16)
    np.testing.assert_array_equal(raster(write(tmp_path / "a.png", values)).values, values)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_png_of_few_bits_is_not_spread_over_all_of_them(tmp_path: Path, bits: int) -> None:
    values = labels() % 2**bits
    path = tmp_path / "a.png"
    path.write_bytes(grey_png(values, bits))
    np.testing.assert_array_equal(raster(path).values, values)


def grey_png(values: np.ndarray, bits: int) -> bytes:  # type: ignore[type-arg]
    """A grey PNG of 1, 2 or 4 bits, written by hand: Pillow cannot."""
    import struct
    import zlib

    digits = (values[..., None] >> np.arange(bits)[::-1]) & 1
    rows = np.packbits(digits.reshape(len(values), -1).astype(np.uint8), axis=1)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    out = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b"")):
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def test_a_palette_gives_indices_and_their_colours_with_alpha(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.png", labels().astype(np.uint8), [0, 0, 0, 9, 8, 7, 9, 8, 7], transparency=bytes([0, 255, 90])
    )
    found = raster(path)
    np.testing.assert_array_equal(found.values, labels())
    assert found.kind == "palette" and found.palette[1] == found.palette[2] == 0x090807
    opaque = found.opaque()
    assert opaque is not None
    np.testing.assert_array_equal(opaque, np.isin(labels(), (1, 3)))


def test_white_is_zero_in_a_tiff_changes_no_stored_value(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", labels().astype(np.uint8), photometric="miniswhite")
    np.testing.assert_array_equal(raster(tmp_path / "a.tif").values, labels())


def test_a_header_that_promises_another_size_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = bytearray(grey_png(labels() % 2, 1))
    data[16:24] = (200_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)
    found = rasters.read(path, [SIZE])
    assert isinstance(found, Problem) and found.check == "size mismatch" and "200000" in found.came


def test_a_truncated_file_is_a_problem_and_no_partial_map(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write(tmp_path / "a.png", rng.integers(0, 9, SIZE).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:-40])
    found = rasters.read(path, [SIZE])
    assert isinstance(found, Problem) and found.check == "file unreadable"


def test_a_stack_of_pages_is_a_problem(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", np.stack([labels(), labels()]).astype(np.uint16), photometric="minisblack")
    found = rasters.read(tmp_path / "a.tif", [SIZE])
    assert isinstance(found, Problem) and found.check == "several pages"


def test_fractions_are_no_labels(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", labels().astype(np.float32) / 2)
    found = rasters.read(tmp_path / "a.tif", [SIZE])
    assert isinstance(found, Problem) and "fractions" in found.came


def test_jpeg_is_known_to_be_lossy(tmp_path: Path) -> None:
    Image.fromarray(labels().astype(np.uint8)).save(buffer := io.BytesIO(), "JPEG")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert raster(tmp_path / "a.jpg").is_lossy


def test_regions_are_what_pycocotools_encodes_value_by_value() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        values = rng.integers(-1, 4, rng.integers(1, 12, 2))
        found = rasters.regions(values)
        assert list(found) == [v for v in np.unique(values) if v != 0]
        for value, rle in found.items():
            assert (
                rle["counts"] == coco_mask.encode(np.asfortranarray(values == value, dtype=np.uint8))["counts"].decode()
            )


@pytest.mark.parametrize("density", [0.0, 0.01, 0.1, 0.6, 1.0])
def test_the_region_of_a_mask_is_what_pycocotools_encodes(density: float) -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        mask = rng.random(rng.integers(1, 20, 2)) < density
        expected = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        assert rasters.region(mask) == {"size": list(mask.shape), "counts": expected["counts"].decode()}


def test_votes_count_the_pixels_of_each_object_on_each_number() -> None:
    rng = np.random.default_rng(3)
    objects, numbers = rng.integers(0, 4, (9, 11)), rng.integers(-1, 3, (9, 11))
    expected = {
        o: {n: c for n in range(-1, 3) if (c := int(((objects == o) & (numbers == n)).sum()))} for o in range(4)
    }
    assert rasters.votes(objects, numbers) == expected


def test_results_come_in_order_and_only_a_few_items_ahead() -> None:
    taken: list[int] = []

    def items():  # type: ignore[no-untyped-def]
        for i in range(200):
            taken.append(i)
            yield i

    for i, (item, square) in enumerate(rasters.ahead(lambda n: n * n, items())):
        assert (item, square) == (i, i * i)
        assert len(taken) - i < 40

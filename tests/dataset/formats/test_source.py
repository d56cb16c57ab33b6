"""What the user points at: an archive is read like its folder or refused in words, a link is what it leads to."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from segwise.dataset.formats import coco_json, detect
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.source import opened
from segwise.errors import DataInvalidError, UsageError
from tests.dataset.formats.made import errors
from tests.dataset.formats.sources import write_source
from tests.factory import make_dataset


def archive(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as zipped:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # as it is: ZipInfo would keep a backslash, but cut at a zero byte
            zipped.writestr(info, content, method)
    return path


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def deliver(source: Path, scratch: Path) -> Delivery:
    with opened(source, scratch) as folder:
        return coco_json.read(folder, Options())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damaged_content_of_any_method_is_refused_in_words(tmp_path: Path, method: int) -> None:
    path = archive(tmp_path / "x.zip", {"a.json": b"0123456789abcdef" * 4000}, method)
    data = bytearray(path.read_bytes())
    start = 30 + len("a.json")
    for i in range(start, min(start + 60, len(data) - 100)):
        data[i] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DataInvalidError, match="a whole"), opened(path, tmp_path / "scratch"):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("names", [("a", "a/b.json"), ("a/b.json", "a"), ("n" * 300,)])
def test_entries_that_no_disk_can_hold_are_refused_by_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = archive(tmp_path / "x.zip", dict.fromkeys(names, b"{}"))
    entry = f"entry {names[-1][:150]}"
    with pytest.raises(DataInvalidError, match=entry) as caught, opened(path, tmp_path / "scratch"):
        pass
    assert "source-" not in str(caught.value)


def test_backslashes_in_an_archives_names_are_folders(tmp_path: Path) -> None:
    root = write_source(tmp_path / "coco", "coco")
    entries = {name.replace("/", "\\"): content for name, content in contents(root).items()}
    path = archive(tmp_path / "x.zip", {"images\\": b"", **entries, "..\\..\\out.txt": b""})
    with opened(path, tmp_path / "scratch") as folder:
        assert contents(folder.root) == {**contents(root), "out.txt": b""}


def test_messages_name_the_archive_and_not_where_it_is_unpacked(tmp_path: Path) -> None:
    root = write_source(tmp_path / "coco", "coco")
    entries = {name: content for name, content in contents(root).items() if not name.endswith("b.png")}
    (finding,) = errors(deliver(archive(tmp_path / "x.zip", entries), tmp_path / "scratch"))
    assert finding.check == "file missing" and finding.came.endswith("below x.zip")
    other = archive(tmp_path / "y.zip", {"a.txt": b""})
    with opened(other, tmp_path / "scratch") as folder, pytest.raises(UsageError, match=r"y\.zip with") as caught:
        detect.detect(folder)
    assert "source-" not in str(caught.value)


def test_a_link_within_its_folder_keeps_its_own_name(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data", num_images=1)
    (root / "deep").mkdir()
    (root / "instances.json").rename(root / "deep/stored")
    (root / "labels.json").symlink_to("deep/stored")
    folder = Folder(root / "labels.json")
    assert (folder.root, folder.only) == (root.resolve(), root.resolve() / "labels.json")
    assert len(coco_json.read(folder, Options()).pictures) == 1


def test_a_link_that_leaves_its_folder_means_the_file_and_the_folder_it_leads_to(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "elsewhere", num_images=1)
    (root / "instances.json").rename(root / "real_name.json")
    (tmp_path / "link").mkdir()
    link = tmp_path / "link/annotations.json"
    link.symlink_to(root / "real_name.json")
    folder = Folder(link)
    assert detect.detect(folder) == "coco"
    delivery = coco_json.read(folder, Options())
    assert len(delivery.pictures) == 1 and not errors(delivery)

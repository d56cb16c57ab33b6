"""Open what the user points at: a folder, a label file, or a zip archive of either."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwise.dataset.formats.folder import Folder
from segwise.errors import UsageError

MAX_ARCHIVE_BYTES = 200 * 10**9


@contextmanager
def opened(source: Path, scratch: Path) -> Iterator[Folder]:
    """The source as a folder; an archive is unpacked below `scratch` for as long as the block lasts.

    Raises:
        UsageError: there is nothing, or the archive is damaged or would not fit on the disk.
    """
    if not source.exists():
        remedy = "check the path: `segwise import SOURCE`"
        raise UsageError("a folder, a label file or a .zip", f"nothing at {source}", remedy)
    if not (source.is_file() and source.suffix.lower() == ".zip"):
        yield Folder(source)
        return
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="source-", dir=scratch) as folder:
        _unpack(source, Path(folder))
        yield Folder(Path(folder))


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as zipped:
            size = sum(entry.file_size for entry in zipped.infolist())
            if size > min(MAX_ARCHIVE_BYTES, shutil.disk_usage(folder).free):
                raise UsageError("an archive that fits on the disk", f"{size / 1e9:.1f} GB unpacked", "free some space")
            zipped.extractall(folder)  # drops drives, `..` and leading slashes itself
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise UsageError(f"a whole .zip archive {archive}", str(error), "export or copy it again") from error

"""Open what the user points at: a folder, a label file, or a zip archive of either."""

from __future__ import annotations

import errno
import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.text import printable
from segwise.dataset.scratch import scratch as temporary
from segwise.errors import DataInvalidError, UsageError

MAX_ARCHIVE_BYTES = 200 * 10**9
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
    RuntimeError, NotImplementedError,  # a password, a method that Python does not know
    ValueError, OverflowError,
)  # fmt: skip
OURS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS))  # troubles of this disk, not of the archive


@contextmanager
def opened(source: Path, scratch: Path) -> Iterator[Folder]:
    """The source as a folder; an archive is unpacked below `scratch` for as long as the block lasts.

    Raises:
        UsageError: there is nothing, or the archive would not fit on the disk.
        DataInvalidError: the archive is damaged.
    """
    if not source.exists():
        remedy = "check the path: `segwise import SOURCE`"
        raise UsageError("a folder, a label file or a .zip", f"nothing at {source}", remedy)
    if not (source.is_file() and source.suffix.lower() == ".zip"):
        yield Folder(source)
        return
    with temporary(scratch, "source-") as folder:
        _unpack(source, folder)
        yield Folder(folder, archive=source)


def _unpack(archive: Path, folder: Path) -> None:
    entry = ""
    try:
        with zipfile.ZipFile(archive) as zipped:
            size = sum(entry.file_size for entry in zipped.infolist())
            if size > min(MAX_ARCHIVE_BYTES, shutil.disk_usage(folder).free):
                raise UsageError("an archive that fits on the disk", f"{size / 1e9:.1f} GB unpacked", "free some space")
            for member in zipped.infolist():
                entry = member.filename
                member.filename = entry.replace("\\", "/")  # as old .NET tools write folders
                zipped.extract(member, folder)  # drops drives, `..` and leading slashes itself
    except DAMAGE as error:
        raise _damaged(archive, entry, str(error)) from error
    except OSError as error:
        if error.errno in OURS:
            raise
        raise _damaged(archive, entry, error.strerror or str(error)) from error


def _damaged(archive: Path, entry: str, came: str) -> DataInvalidError:
    where = f", in its entry {printable(entry)}" if entry else ""
    return DataInvalidError(f"a whole .zip archive {archive}", f"{printable(came)}{where}", "export or copy it again")

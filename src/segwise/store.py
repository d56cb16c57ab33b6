"""Where promoted packages live: archives and signatures by the SHA-256 of their bytes, unpacked champions by their
digest.

They appear whole or not at all (temporary name, fsync, rename). They are written while the registry's lock is held
(`registry.locked`), so a temporary folder found then is what a killed promotion left, and is removed.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segwise import registry, signing, trust
from segwise.bundle import MODEL, verify
from segwise.errors import IntegrityError, SegwiseError
from segwise.registry import head
from segwise.spec import sha256_of

STATE = Path(".segwise")
PARTIAL = ".partial-"
# Python 3.11 before 3.11.4 has no extraction filters; the archive's SHA-256 is checked either way
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
LOST = "package it again (`dvc repro package`, `segwise promote`), or go back with `segwise rollback`"


def keep(archive: Path) -> str:
    """Copy an archive into the store, if it is not there yet. Returns its SHA-256. Call it with the lock held."""
    sha256 = sha256_of(archive)
    target = _archive(sha256)
    if target.is_file() and sha256_of(target) == sha256:
        return sha256
    with _temporary(target.parent) as folder:
        copy = folder / "archive"
        shutil.copyfile(archive, copy)
        if sha256_of(copy) != sha256:
            raise IntegrityError(f"{archive} to stay as it is while it is copied", "other bytes", "try again")
        _sync(copy)
        copy.replace(target)
    _sync(target.parent)
    return sha256


def keep_signature(signature: bytes) -> dict[str, str]:
    """Put a signature beside the archives; returns what an event says of it: its SHA-256, and its key's fingerprint.
    Call it with the lock held."""
    sha256 = hashlib.sha256(signature).hexdigest()
    target = trust.path_of(sha256)
    with _temporary(target.parent) as folder:
        copy = folder / "signature"
        copy.write_bytes(signature)
        _sync(copy)
        copy.replace(target)
    _sync(target.parent)
    return {"sha256": sha256, "key_sha256": signing.read(signature)[0]}


def unpack(sha256: str, digest: str | None = None) -> tuple[str, Path, dict[str, Any]]:
    """Unpack a stored archive, verify it, and give it its digest's name. Call it with the lock held.

    Returns:
        The digest, the folder `.segwise/champions/<digest>` and the manifest.

    Raises:
        IntegrityError: the archive is gone, damaged, or is not the package `digest`.
    """
    champions = STATE / "champions"
    with _temporary(champions) as folder:
        fresh = folder / "bento"
        _extract(sha256, fresh)
        digest, manifest = verify(fresh, digest, is_sealed=True)
        for path in fresh.rglob("*"):
            _sync(path)
        target = champions / digest
        if target.exists():
            target.replace(folder / "old")
        fresh.replace(target)
    _sync(champions)
    return digest, target, manifest


@contextmanager
def opened(sha256: str, digest: str) -> Iterator[Path]:
    """A stored archive unpacked and verified in a temporary folder, which holds nothing else. Raises as `unpack`."""
    with tempfile.TemporaryDirectory(prefix="segwise-opened-") as name:
        folder = Path(name) / digest
        _extract(sha256, folder)
        verify(folder, digest, is_sealed=True)
        yield folder


def _extract(sha256: str, into: Path) -> None:
    archive = _archive(sha256)
    if not archive.is_file() or sha256_of(archive) != sha256:
        came = "other bytes" if archive.is_file() else "no such file"
        raise IntegrityError(f"the promoted archive {archive}", came, LOST)
    try:
        with tarfile.open(archive, "r:xz") as tar:
            tar.extractall(into, **SAFELY)  # noqa: S202 -- the archive is our own: its SHA-256 was just checked
    except (tarfile.TarError, lzma.LZMAError, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk, not the archive
            raise
        raise IntegrityError(f"a readable archive {archive}", str(error), LOST) from error


def champion(verify_keys: Sequence[Path] = ()) -> tuple[Path, registry.Event]:
    """The champion's verified folder (a Bento) and the event that made it so; unpacked again if it was damaged.

    Args:
        verify_keys: public keys, one of which must have signed it; none: those that the project asks for, see `trust`.

    Raises:
        SegwiseError: nothing has been promoted.
        IntegrityError: the registry or the stored archive is damaged, or the package is not signed as asked.
        BusyError: it has to be unpacked, and another process holds the lock.
    """
    trusted, events = trust.keys(verify_keys), registry.read()
    event = registry.champion(events)
    head.warn(events)
    if event is None:
        remedy = "run `make run`, or `dvc repro` and `segwise promote`"
        raise SegwiseError("a champion in the registry", "none: nothing was promoted yet", remedy)
    folder = STATE / "champions" / event.digest
    try:
        verify(folder, event.digest, is_sealed=True)
    except IntegrityError:
        with registry.locked():
            folder = unpack(event.bento_sha256, event.digest)[1]
    trust.require(folder, event.digest, events, trusted)
    return folder, event


def champion_model() -> Path:
    """The champion's model folder, verified: what `Predictor.load` takes."""
    return champion()[0] / MODEL


def archives(sha256s: Iterable[str]) -> dict[str, str]:
    """For each archive, once, whether the store holds its bytes: "whole", "damaged" (other bytes) or "absent"."""
    states = {}
    for sha256 in dict.fromkeys(sha256s):
        path = _archive(sha256)
        states[sha256] = "absent" if not path.is_file() else "whole" if sha256_of(path) == sha256 else "damaged"
    return states


def unpacked() -> list[str]:
    """Digests of the packages that are unpacked here, sorted; not verified."""
    folders = (STATE / "champions").glob("*") if (STATE / "champions").is_dir() else ()
    return sorted(folder.name for folder in folders if not folder.name.startswith(PARTIAL))


def _archive(sha256: str) -> Path:
    return STATE / "store" / f"{sha256}.bento"


@contextmanager
def _temporary(beside: Path) -> Iterator[Path]:
    beside.mkdir(parents=True, exist_ok=True)
    for stale in beside.glob(f"{PARTIAL}*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=beside) as folder:
        yield Path(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

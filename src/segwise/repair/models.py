"""Models half written by a killed promotion, signatures and champions with other bytes than were recorded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from segwise import bundle, registry, store, trust
from segwise.errors import BusyError, IntegrityError
from segwise.repair.finding import Finding, left, planned, repaired
from segwise.spec import sha256_of

PACKAGED = Path("work/package/segwise.bento")
CHECK = "models"


def check(events: tuple[registry.Event, ...], dry_run: bool) -> list[Finding]:
    """Partial folders, damaged archives, damaged unpacked packages; all while the registry is held."""
    if not events and not (store.STATE / "store").is_dir() and not (store.STATE / "champions").is_dir():
        return []
    try:
        with registry.locked(timeout_s=5):
            found = [*_partial(dry_run), *_archives(events, dry_run), *_signatures(events)]
            return [*found, *_unpacked(events, dry_run), *_champion(events, dry_run)]
    except BusyError as error:
        return [left(CHECK, registry.LOCK, "is held: a promotion is being made", error.remedy)]


def _partial(dry_run: bool) -> Iterator[Finding]:
    for folder in sorted(store.STATE.glob(f"*/{store.PARTIAL}*")):
        what = "half-written by a promotion that was killed"
        if dry_run:
            yield planned(CHECK, folder, what, "remove it")
            continue
        shutil.rmtree(folder)
        yield repaired(CHECK, folder, what, "removed")


def _archives(events: tuple[registry.Event, ...], dry_run: bool) -> Iterator[Finding]:
    promoted = {event.bento_sha256 for event in events}
    for path in sorted((store.STATE / "store").glob("*.bento")):
        if sha256_of(path) == path.stem:
            continue
        what = "other bytes than its name says"
        is_packaged = PACKAGED.is_file() and sha256_of(PACKAGED) == path.stem
        if not is_packaged and path.stem in promoted:
            yield left(CHECK, path, what, store.LOST)
            continue
        will, did = ("copy it anew", f"copied anew from {PACKAGED}") if is_packaged else ("remove it", "removed")
        if dry_run:
            yield planned(CHECK, path, what, will)
            continue
        path.unlink()
        if is_packaged:
            store.keep(PACKAGED)
        yield repaired(CHECK, path, what, did if is_packaged else f"{did}: it never was promoted")


def _signatures(events: tuple[registry.Event, ...]) -> Iterator[Finding]:
    for path in trust.damaged(events):
        yield left(CHECK, path, "other bytes than its name says", trust.SIGN_AGAIN)


def _unpacked(events: tuple[registry.Event, ...], dry_run: bool) -> Iterator[Finding]:
    archives = {event.digest: event.bento_sha256 for event in events if event.bento_sha256}
    for digest in store.unpacked():
        folder = store.STATE / "champions" / digest
        try:
            bundle.verify(folder, digest, is_sealed=True)
        except IntegrityError as error:
            if digest in archives:
                yield _anew(folder, archives[digest], digest, error.came, dry_run)
            elif dry_run:
                yield planned(CHECK, folder, error.came, "remove it")
            else:
                shutil.rmtree(folder)
                yield repaired(CHECK, folder, error.came, "removed: it never was promoted")


def _champion(events: tuple[registry.Event, ...], dry_run: bool) -> Iterator[Finding]:
    """The champion's folder, where it is not there at all."""
    event = registry.champion(events)
    folder = store.STATE / "champions" / (event.digest if event else "")
    if event is not None and not folder.is_dir():
        yield _anew(folder, event.bento_sha256, event.digest, "the champion is not unpacked", dry_run)


def _anew(folder: Path, sha256: str, digest: str, what: str, dry_run: bool) -> Finding:
    if dry_run:
        return planned(CHECK, folder, what, "unpack it anew")
    try:
        store.unpack(sha256, digest)
    except IntegrityError as error:
        return left(CHECK, folder, f"{what}; {error.expected}: {error.came}", error.remedy)
    return repaired(CHECK, folder, what, "unpacked anew and verified")

"""Which run a dossier is about: the present one, or that of an event of the registry; its files, package and model."""

from __future__ import annotations

import lzma
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwise import registry, store
from segwise.bundle import MANIFEST, MODEL, read_manifest, verify
from segwise.dataset.integrity import manifest_digest
from segwise.errors import IntegrityError, UsageError
from segwise.proof import records
from segwise.proof.checkout import md5_of
from segwise.proof.records import Records
from segwise.registry import Event
from segwise.spec import CANDIDATES, CASCADE_FILE, sha256_of

ARCHIVE = Path("work/package/segwise.bento")
SHORT = 12
JUDGEMENTS = ("promote", "hold", "inconclusive")
NO_FILES = "the files of that run lie neither in work/ nor in the cache under the dvc.lock of its commit"


@dataclass(frozen=True, slots=True)
class Subject:
    """One run.

    Attributes:
        name: of the dossier's folder. commit: that the run belongs to, "" if unknown. at: when, ISO 8601, or "".
        approach: what was packaged; where nothing was, what came nearest to passing the gate.
        digest: SHA-256 of the package's manifest, None where nothing is packaged.
        event: that the run was asked for by. model: folder of the model. manifest: the package's.
        problem: why the package is not what its manifest says, "" if it is.
        has_files: whether the run's own files were found.
    """

    name: str
    commit: str
    at: str
    approach: str
    digest: str | None
    event: Event | None
    records: Records
    model: Path | None
    manifest: Mapping[str, Any]
    problem: str
    has_files: bool = True


def of_work(scratch: Path) -> Subject:
    """The run that lies in `work/`.

    Raises:
        IntegrityError: the gate has not judged yet.
    """
    commit, at = _head()
    found = records.of_tree(Path.cwd(), commit)
    checks = found.json("work/gate/checks.json")
    if not checks:
        raise IntegrityError("work/gate/checks.json", "no such file", "run `dvc repro` first, or name an event")
    winner = checks.get("winner")
    manifest = found.json(records.MANIFEST) if winner else {}
    if not winner or manifest.get("winner") != winner:
        approach = str(winner or _nearest(checks))
        problem = f"work/package holds {manifest.get('winner') or 'nothing'}: run `dvc repro`" if winner else ""
        folder = Path("work/calibrate") / approach
        return Subject(f"work-{approach}", commit, at, approach, None, None, found, folder, {}, problem)
    digest = sha256_of(Path(records.MANIFEST))
    model, problem = _unpacked(ARCHIVE, digest, scratch)
    return Subject(digest[:SHORT], commit, at, str(winner), digest, None, found, model, manifest, problem)


def of_event(events: Sequence[Event], word: str, scratch: Path) -> Subject:
    """The run of a package that the registry knows, by an event's number or the beginning of the package's digest.

    Raises:
        UsageError: there is no such event, or it is about no package.
        IntegrityError: the archive is gone or damaged.
    """
    event = _event(events, word)
    archive = store.STATE / "store" / f"{event.bento_sha256}.bento"
    if not archive.is_file() or sha256_of(archive) != event.bento_sha256:
        came = "other bytes" if archive.is_file() else "no such file"
        raise IntegrityError(f"the archive {archive} of event {event.seq}", came, store.LOST)
    model, problem = _unpacked(archive, event.digest, scratch)
    parts = {ARCHIVE.name: archive, Path(MANIFEST).name: scratch / "bento" / MANIFEST}
    listing = manifest_digest({name: str(md5_of(path)) for name, path in parts.items()})  # of work/package, by DVC
    found = records.of_package(Path.cwd(), event.git_revision, event.digest, listing if model else "")
    name = f"{event.seq}-{event.digest[:SHORT]}"
    manifest = read_manifest(scratch / "bento") if model else {}
    place = found or Records(event.git_revision, Path.cwd(), Path(), {})
    approach = str(manifest.get("winner") or event.details.get("approach") or "")
    return Subject(
        name, place.commit, event.at, approach, event.digest, event, place, model, manifest, problem, found is not None,
    )  # fmt: skip


def _event(events: Sequence[Event], word: str) -> Event:
    about = [event for event in events if event.bento_sha256]
    if word.isdigit() and len(word) < 6:
        found = [event for event in about if event.seq == int(word)]
    else:
        found = [event for event in about if len(word) >= 6 and event.digest.startswith(word.lower())]
    if not found or len({event.digest for event in found}) > 1:
        known = ", ".join(f"{event.seq} ({event.kind} {event.digest[:SHORT]})" for event in about)
        came = f"{word}, which names several packages" if found else word
        raise UsageError("`work`, or an event about a package", came, f"there are: {known or 'none yet'}")
    return found[-1]


def _unpacked(archive: Path, digest: str, scratch: Path) -> tuple[Path | None, str]:
    """The model folder of an archive, unpacked into `scratch` and verified; else None and what is wrong."""
    bento = scratch / "bento"
    try:
        with tarfile.open(archive, "r:xz") as tar:
            tar.extractall(bento, **store.SAFELY)  # noqa: S202 -- ours; every file is held against the manifest below
        verify(bento, digest)
    except (tarfile.TarError, lzma.LZMAError, EOFError, FileNotFoundError) as error:
        return None, f"{archive} cannot be read: {error}"
    except IntegrityError as error:
        return None, f"expected {error.expected}; got {error.came}"
    return bento / MODEL, ""


def _nearest(checks: Mapping[str, Any]) -> str:
    """The approach with the fewest checks that are not passed, the simplest of several; refused ones have none."""
    own = checks["approaches"]
    judged = [name for name in CANDIDATES if own.get(name, {}).get("checks")]
    if not judged:
        raise IntegrityError("an approach that the gate judged", "none", "run `dvc repro`")
    return min(judged, key=lambda name: sum(not check["passed"] for check in own[name]["checks"]))


def _head() -> tuple[str, str]:
    done = subprocess.run(["git", "show", "-s", "--format=%H %cI", "HEAD"], capture_output=True, text=True, check=False)
    words = done.stdout.split() if done.returncode == 0 else ["", ""]
    return words[0], words[1]


def uncommitted() -> list[str]:
    """Files of the repository that differ from the last commit."""
    command = ["git", "status", "--porcelain", "-uno", "--no-renames"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return sorted(line[3:] for line in done.stdout.splitlines())


def runs(events: Sequence[Event], about: Subject, networks: Sequence[str]) -> dict[str, Any]:
    """What the registry says of a package: its approvals, the freeze of its criteria, the test readings, its judgement.

    `judged`: the event that promoted or refused it, last; what was frozen is looked for up to there, as `promote` did.
    `reads`: openings of the test split for this very model.
    """
    judged = _judged(events, about)
    known = events if judged is None else events[: judged.seq]
    held = [one for network in networks if (one := registry.freeze(known, network)) is not None]
    frozen = min(held, key=lambda one: one.began.seq) if len(held) == len(networks) else None
    return {
        "approvals": [event for event in events if event.kind == "approval" and event.digest == about.digest],
        "reads": [event for event in events if event.kind == "test_read" and _is_of(event, about)],
        "frozen": frozen,
        "judged": judged,
        "num_test_reads": registry.num_test_reads(events),
    }


def _judged(events: Sequence[Event], about: Subject) -> Event | None:
    last = len(events) if about.event is None else about.event.seq
    found = [event for event in events[:last] if event.kind in JUDGEMENTS and event.digest == about.digest]
    return found[-1] if found else None


def _is_of(event: Event, about: Subject) -> bool:
    """Whether the test split was opened for this model: by its package's digest, or by its specification's."""
    if event.digest:
        return event.digest == about.digest
    specs = [path for name in (CASCADE_FILE, "model.json") if about.model and (path := about.model / name).is_file()]
    return bool(specs) and event.subject.get("model_sha256") == sha256_of(specs[0])

"""Lay out a data revision in a folder of its own: a git revision's, or one named by its digest."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from segwise.dataset import integrity
from segwise.dataset.scratch import scratch
from segwise.errors import IntegrityError, UsageError

WORKSPACE = "workspace"
MAKING = Path(".segwise/revisions")  # on the file system of DVC's cache, so that links do
_DIGEST = re.compile(r"[0-9a-f]{32}\.dir")


@contextmanager
def laid_out(revision: str, data_dir: Path, cache: Path = integrity.CACHE) -> Iterator[tuple[Path, str]]:
    """The folder that holds a revision's data, and the data's digest; a temporary folder, but for the workspace.

    Args:
        revision: `workspace` (the data as it lies there), a git revision, or a digest `<32 hex digits>.dir`.

    Raises:
        UsageError: there is no such revision, or it records no data.
        IntegrityError: its files are neither in DVC's cache nor in its remote, or they are others than recorded.
    """
    if revision == WORKSPACE:
        yield data_dir, integrity.data_digest(data_dir)
        return
    digest, commit = resolve(revision, data_dir.with_name(data_dir.name + ".dvc"))
    with scratch(MAKING, "revision-") as making:
        folder = making / "data"
        if not _link(cache, digest, folder):
            _fetch(commit, digest, data_dir, folder)
        _verify(folder, digest, revision)
        yield folder, digest


def resolve(revision: str, record: Path) -> tuple[str, str]:
    """The digest of a revision's data, and a commit that records it ("" where none is known).

    Args:
        record: the data's .dvc file, relative to the working directory.

    Raises:
        UsageError: there is no such revision, or it records no data.
    """
    if not _DIGEST.fullmatch(revision):
        return _recorded(revision, record), revision
    commits = _git("log", "--all", "--format=%H", "--", str(record)) or ""
    found = (commit for commit in commits.split() if _is_recorded(commit, record, revision))
    return revision, next(found, "")


def _recorded(revision: str, record: Path) -> str:
    expected = f"a git revision that records the data in {record}, a digest `<32 hex digits>.dir`, or `{WORKSPACE}`"
    if _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is None:
        raise UsageError(expected, f"no revision {revision!r}", "see `git log --oneline -- data.dvc`")
    text = _git("show", f"{revision}:./{record.as_posix()}")
    try:
        return str(yaml.safe_load(text or "")["outs"][0]["md5"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        came = f"none in {revision}" if text is None else f"an unreadable one in {revision}"
        raise UsageError(expected, came, f"see `git log --oneline -- {record}`") from error


def _is_recorded(commit: str, record: Path, digest: str) -> bool:
    try:
        return _recorded(commit, record) == digest
    except UsageError:
        return False


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def _link(cache: Path, digest: str, folder: Path) -> bool:
    """Link the revision's files from DVC's cache, or copy them where links fail; False if one is not there."""
    try:
        rows = json.loads((cache / digest[:2] / digest[2:]).read_bytes())
        files = {str(row["relpath"]): cache / row["md5"][:2] / row["md5"][2:] for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if not all(path.is_file() for path in files.values()):
        return False
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
    return True


def _fetch(commit: str, digest: str, data_dir: Path, folder: Path) -> None:
    """Read the revision through DVC, from its cache or remote."""
    expected = f"the files of {digest} in DVC's cache or remote"
    remedy = "`dvc fetch --all-commits data.dvc` where a remote has them; `dvc push` keeps a revision"
    if not commit:
        raise IntegrityError(expected, "no commit that records it, and not all of them in the cache", remedy)
    from dvc.api import DVCFileSystem

    try:
        DVCFileSystem(rev=commit).get(data_dir.as_posix(), str(folder), recursive=True)
    except Exception as error:  # DVC and its file systems raise many kinds
        shutil.rmtree(folder, ignore_errors=True)
        raise IntegrityError(expected, f"{type(error).__name__}: {error}", remedy) from error


def _verify(folder: Path, digest: str, revision: str) -> None:
    found = integrity.data_digest(folder)
    if found != digest:
        remedy = "a file is corrupt in DVC's cache, or in neither cache nor remote: delete .dvc/cache, `dvc pull data`"
        raise IntegrityError(f"the data of {revision} with the digest {digest}", found, remedy)

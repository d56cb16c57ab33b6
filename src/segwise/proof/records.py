"""The files that a run left: in the working tree, or under the MD5s that a commit's dvc.lock names.

What cannot be found is kept by name with the reason, so that a reader is told of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwise.proof import checkout, lock
from segwise.repair.cache import cache_dir
from segwise.spec import sha256_of

MANIFEST = "work/package/manifest.json"
NOT_MADE = "no such file"


@dataclass(slots=True)
class Records:
    """Where a run's files are found. `book`: the stages of the commit's dvc.lock; None = what lies in the tree.

    `missing`: reason by path, of what was asked for and is not there.
    """

    commit: str
    tree: Path
    cache: Path
    book: lock.Book | None = None
    missing: dict[str, str] = field(default_factory=dict)

    def path(self, name: str, *, is_optional: bool = False) -> Path | None:
        """Where the bytes of `name` are; a missing one is noted."""
        found = self._in_tree(name) if self.book is None else self._recorded(name)
        if found is None and not is_optional:
            self.missing.setdefault(name, NOT_MADE if self.book is None else f"not in the cache of {self.commit[:12]}")
        return found

    def json(self, name: str, *, is_optional: bool = False) -> Any:
        """The JSON of `name`; empty where it is missing."""
        found = self.path(name, is_optional=is_optional)
        return {} if found is None else json.loads(found.read_text(encoding="utf-8"))

    def source(self, name: str, *, is_optional: bool = False) -> bytes | None:
        """A file of the repository itself, such as params.yaml; a missing one is noted."""
        if self.book is None:
            path = self.tree / name
            raw = path.read_bytes() if path.is_file() else None
        else:
            raw = checkout.file_at(self.commit, name)
        if raw is None and not is_optional:
            self.missing.setdefault(name, NOT_MADE)
        return raw

    def _in_tree(self, name: str) -> Path | None:
        path = self.tree / name
        return path if path.is_file() else None

    def _recorded(self, name: str) -> Path | None:
        md5 = self._md5(name)
        if md5 is None:
            return None
        return next(
            (p for p in (checkout.cached(self.cache, md5), self.tree / name) if checkout.md5_of(p) == md5), None
        )

    def _md5(self, name: str) -> str | None:
        for stage in (self.book or {}).values():
            for out, md5 in stage.outs.items():
                if out == name:
                    return md5
                if lock.is_within(name, out) and md5.endswith(".dir"):
                    return self._inside(md5).get(name.removeprefix(f"{out}/"))
        return None

    def _inside(self, md5: str) -> Mapping[str, str]:
        path = checkout.cached(self.cache, md5)
        rows = json.loads(path.read_bytes()) if path.is_file() else []
        return {row["relpath"]: row["md5"] for row in rows}


def of_tree(tree: Path, commit: str) -> Records:
    """The run whose files lie in the working tree."""
    return Records(commit, tree, cache_dir(tree))


def of_package(tree: Path, commit: str, digest: str, listing: str = "") -> Records | None:
    """The run that made a package, by its manifest's SHA-256: the one in the tree, or the one that a commit recorded.

    A promotion's event names the commit that was checked out, `commit`; its dvc.lock is committed afterwards. So the
    commits are asked too whose dvc.lock came to name `listing`, the MD5 that DVC gives the package's folder.

    None where neither made it.
    """
    here = of_tree(tree, commit)
    if (path := here.path(MANIFEST, is_optional=True)) is not None and sha256_of(path) == digest:
        return here
    later = checkout.commits_with(listing, "dvc.lock") if listing else []
    for name in dict.fromkeys([*([commit] if commit else []), *later]):
        text = checkout.file_at(name, "dvc.lock")
        if text is None:
            continue
        pipeline = checkout.file_at(name, "dvc.yaml")
        book = lock.read(text.decode(), None if pipeline is None else pipeline.decode())
        then = Records(name, tree, cache_dir(tree), book)
        path = then.path(MANIFEST, is_optional=True)
        if (listing and listing in text.decode()) or (path is not None and sha256_of(path) == digest):
            return then
    return None

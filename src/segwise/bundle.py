"""A packaged model: a folder whose `src/manifest.json` names the SHA-256 of every other file in it.

The manifest's own SHA-256 is the package's digest: one name for all of its bytes. It is what the registry records,
what the service answers in `X-Segwise-Model`, and what `verify` holds the files against.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwise.errors import IntegrityError
from segwise.spec import canonical_json, sha256_of

MANIFEST = "src/manifest.json"
MODEL = "src/model"
HEADER = "X-Segwise-Model"


def list_files(root: Path) -> dict[str, dict[str, Any]]:
    """SHA-256 and size (bytes) of every file under `root` but the manifest, by path; compiled Python is skipped."""
    paths = sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    names = {p.relative_to(root).as_posix(): p for p in paths}
    return {n: {"sha256": sha256_of(p), "bytes": p.stat().st_size} for n, p in names.items() if n != MANIFEST}


def write_manifest(root: Path, about: dict[str, Any]) -> str:
    """Write the manifest of `root`: its files and `about`. Returns the digest."""
    path = root / MANIFEST
    path.write_text(canonical_json({**about, "files": list_files(root)}), encoding="utf-8")
    return sha256_of(path)


def read_manifest(root: Path) -> dict[str, Any]:
    """The manifest of `root`, not verified.

    Raises:
        IntegrityError: it is missing or unreadable.
    """
    path = root / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest.get("files"), dict):
            raise ValueError("it names no files")
    except (OSError, ValueError, AttributeError) as error:
        came = f"{type(error).__name__}: {error}"
        raise IntegrityError(f"the manifest {path}", came, "rebuild it: `dvc repro package`") from error
    return dict(manifest)


def verify(
    root: Path, digest: str | None = None, under: str = "", *, is_sealed: bool = False
) -> tuple[str, dict[str, Any]]:
    """Hold every file of `root` against its manifest, and the manifest against `digest`. Links are refused.

    Args:
        digest: the digest expected, None to accept the manifest's own.
        under: check only files whose path starts with this.
        is_sealed: nobody writes into `root`: then compiled Python is refused too, which would be run instead of the
            files that are verified. Elsewhere Python itself leaves it there.

    Returns:
        The digest and the manifest.

    Raises:
        IntegrityError: a file is missing, changed or was added; it is named.
    """
    manifest = read_manifest(root)
    found_digest = sha256_of(root / MANIFEST)
    remedy = "restore it: `segwise serve` unpacks the champion again, `dvc repro package` builds it again"
    if digest is not None and digest != found_digest:
        raise IntegrityError(f"a package with the digest {digest}", f"{found_digest} in {root}", remedy)
    listed = {n: f["sha256"] for n, f in manifest["files"].items() if n.startswith(under)}
    found = {n: f["sha256"] for n, f in list_files(root).items() if n.startswith(under)}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            what = "missing" if name not in found else "not in the manifest" if name not in listed else "other bytes"
            raise IntegrityError(f"{root} as its manifest says", f"{name}: {what}", remedy)
    for path in sorted(root.rglob("*")):
        what = "a link" if path.is_symlink() else "compiled Python" if is_sealed and path.name == "__pycache__" else ""
        if what and (name := path.relative_to(root).as_posix()).startswith(under):
            raise IntegrityError(f"{root} as its manifest says", f"{name}: {what}", remedy)
    return found_digest, manifest

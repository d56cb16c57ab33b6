"""Are the bytes of the working data the bytes that data.dvc records? DVC itself trusts a corrupt cache object."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from segwise.errors import IntegrityError

CACHE = Path(".dvc/cache/files/md5")
_ADD = "if you changed the data on purpose, record it: `dvc add {0}`; otherwise restore it: `dvc checkout --force {0}`"
_CORRUPT = "; if that does not help, the cache is corrupt: delete .dvc/cache and run `dvc pull {0}`"


def data_digest(root: Path) -> str:
    """The MD5 that DVC 3 gives this folder: `<32 hex digits>.dir`."""
    return manifest_digest(file_hashes(root))


def file_hashes(root: Path) -> dict[str, str]:
    """MD5 of every file below `root`, by relative path with forward slashes, sorted."""
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): _md5(path) for path in paths}


def manifest_digest(hashes: Mapping[str, str]) -> str:
    """DVC's digest of a folder's manifest: the MD5 of its canonical JSON, with `.dir`."""
    rows = [{"md5": hashes[name], "relpath": name} for name in sorted(hashes)]
    return hashlib.md5(json.dumps(rows, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def check(data_dir: Path, data_dvc: Path, cache: Path = CACHE) -> dict[str, Any]:
    """Hash the working data anew and compare it with what `data_dvc` records.

    Args:
        cache: DVC's cache; its manifest of the recorded revision, where present, tells which files differ.

    Returns:
        `{"digest": the recorded and found digest, "num_files": int}`.

    Raises:
        IntegrityError: nothing is recorded, the data is missing, or its bytes are others.
    """
    recorded = recorded_digest(data_dvc)
    if not data_dir.is_dir():
        raise IntegrityError(f"the data of {data_dvc} in {data_dir}", "no such folder", f"run `dvc pull {data_dir}`")
    found = file_hashes(data_dir)
    digest = manifest_digest(found)
    if digest != recorded:
        names = differences(_manifest(cache, recorded), found)
        came = f"{digest}: {names}" if names else digest
        remedy = (_ADD + _CORRUPT).format(data_dir)
        raise IntegrityError(f"{data_dir} with the digest {recorded} of {data_dvc}", came, remedy)
    return {"digest": digest, "num_files": len(found)}


def recorded_digest(data_dvc: Path) -> str:
    """The folder digest that a .dvc file records.

    Raises:
        IntegrityError: the file is missing or records no folder.
    """
    try:
        document = yaml.safe_load(data_dvc.read_text(encoding="utf-8"))
        digest = document["outs"][0]["md5"]
    except OSError as error:
        remedy = f"record the data: `dvc add {data_dvc.stem}`"
        raise IntegrityError(f"the record {data_dvc}", error.strerror or str(error), remedy) from error
    except (yaml.YAMLError, KeyError, IndexError, TypeError, UnicodeDecodeError) as error:
        remedy = f"restore it: `git checkout {data_dvc}`"
        raise IntegrityError(f"`outs: [{{md5: …}}]` in {data_dvc}", f"none ({type(error).__name__})", remedy) from error
    return str(digest)


def differences(recorded: Mapping[str, str] | None, found: Mapping[str, str], show: int = 5) -> str:
    """Which files differ, in words; empty where no manifest is at hand."""
    if recorded is None:
        return ""
    changed = sorted(name for name in recorded if name in found and recorded[name] != found[name])
    missing, new = sorted(set(recorded) - set(found)), sorted(set(found) - set(recorded))
    parts = (("changed", changed), ("missing", missing), ("new", new))
    return "; ".join(f"{word} {_names(names, show)}" for word, names in parts if names)


def _names(names: list[str], show: int) -> str:
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + more


def _manifest(cache: Path, digest: str) -> dict[str, str] | None:
    """The recorded revision's files from DVC's cache; None where it is absent or itself corrupt."""
    try:
        text = (cache / digest[:2] / digest[2:]).read_bytes()
        hashes = {row["relpath"]: row["md5"] for row in json.loads(text)}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return hashes if manifest_digest(hashes) == digest else None


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise IntegrityError(f"a readable file {path}", error.strerror or str(error), "restore the file") from error

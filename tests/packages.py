"""Packages as small as can be: a manifest and a file, in an archive as `package` writes it."""

from __future__ import annotations

import tarfile
from pathlib import Path

from segwise import bundle, registry, store


def make_package(folder: Path, text: str) -> tuple[Path, str]:
    """Write the folder of a package and its archive beside it; returns the archive and the digest."""
    (folder / "src/model").mkdir(parents=True)
    (folder / "src/model/model.onnx").write_text(text)
    digest = bundle.write_manifest(folder, {"winner": "hybrid"})
    archive = folder.with_suffix(".bento")
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(folder, ".")
    return archive, digest


def promote(folder: Path, text: str) -> registry.Event:
    """Make, keep, unpack and record a package, in the working directory."""
    archive, digest = make_package(folder, text)
    with registry.locked():
        sha256 = store.keep(archive)
        store.unpack(sha256, digest)
        subject = {"digest": digest, "bento_sha256": sha256}
        return registry.append("promote", subject, {"approach": "hybrid"}, "ada", f"promote {text}")

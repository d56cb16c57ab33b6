"""From a model folder to a `.bento` whose bytes depend on nothing but its inputs.

BentoML builds from a staged copy that holds only what is shipped, so that a module missing from `bentofile.yaml` fails
here and not in production. What BentoML writes by the clock is fixed, and the archive is ours: sorted, without owners
and times.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from segwise.bundle import list_files, write_manifest
from segwise.errors import SegwiseError

BENTOFILE = "bentofile.yaml"
EPOCH = "1970-01-01T00:00:00+00:00"
NAME = "segwise"
MADE = ("model/", "golden/")  # included, but not found in the repository


def stage(root: Path, model: Path, card: str, into: Path, golden: Path | None = None) -> dict[str, str]:
    """Copy to `into` what `root`'s bentofile includes, the model folder, the golden images and the card; pin the
    packages.

    Returns:
        The packages shipped with, by name: the versions installed here, which are those that were gated.
    """
    config = yaml.safe_load((root / BENTOFILE).read_text(encoding="utf-8"))
    for pattern in config["include"]:
        if pattern not in MADE:
            _copy(root / pattern, into / pattern)
    _copy(model, into / "model")
    if golden is not None:
        _copy(golden, into / "golden")
    (into / "README.md").write_text(card, encoding="utf-8")
    pins = {name: version(name) for name in sorted(config["python"]["packages"])}
    config["python"]["packages"] = [f"{name}=={pin}" for name, pin in pins.items()]
    (into / BENTOFILE).write_text(yaml.safe_dump(config, sort_keys=True), encoding="utf-8")
    return pins


def content_hash(folder: Path) -> str:
    """One SHA-256 for the names and bytes of every file of `folder`."""
    lines = [f"{name} {file['sha256']}\n" for name, file in list_files(folder).items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def build(staged: Path, scratch: Path) -> Path:
    """Build the Bento of a staged folder in a BentoML home of its own under `scratch`; returns its folder, normalised.

    Raises:
        SegwiseError: BentoML refused; its last words are in the error.
    """
    home = scratch / "home"
    name = content_hash(staged)[:16]
    env = {
        **os.environ,
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(staged / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    command = [sys.executable, "-m", "bentoml", "build", "--version", name, "--output", "tag", "."]
    done = subprocess.run(command, cwd=staged, env=env, capture_output=True, text=True)
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        remedy = f"is every module the service imports in `include` of {BENTOFILE}?"
        raise SegwiseError("BentoML to build the package", words, remedy)
    bento = home / "bentos" / NAME / name
    described = bento / "bento.yaml"
    text, count = re.subn(r"(?m)^creation_time:.*$", f"creation_time: '{EPOCH}'", described.read_text(encoding="utf-8"))
    if count != 1:
        raise SegwiseError("one creation_time in bento.yaml", str(count), "this BentoML writes it differently: pin it")
    described.write_text(text, encoding="utf-8")
    return bento


def pack(folder: Path, archive: Path) -> None:
    """Write `folder` as a `.bento` (tar, xz): sorted, no times, no owners; the file appears whole or not at all."""
    partial = archive.with_suffix(".partial")
    paths = sorted(p for p in folder.rglob("*") if "__pycache__" not in p.parts)
    with tarfile.open(partial, "w:xz", format=tarfile.PAX_FORMAT, preset=1) as tar:
        for path in paths:
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            if path.is_dir():
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                data = path.read_bytes()
                info.size, info.mode = len(data), 0o755 if path.suffix == ".sh" else 0o644
                tar.addfile(info, io.BytesIO(data))
    partial.replace(archive)


def package(root: Path, model: Path, about: dict[str, Any], card: str, archive: Path, scratch: Path) -> str:
    """Stage, build, write the manifest and pack; golden images are taken from `scratch/golden`, if they are there.
    Returns the package's digest (see `bundle`)."""
    staged, golden = scratch / "staged", scratch / "golden"
    staged.mkdir(parents=True)
    pins = stage(root, model, card, staged, golden if golden.is_dir() else None)
    code = content_hash(staged / "src")
    bento = build(staged, scratch)
    digest = write_manifest(bento, {**about, "packages": pins, "code_sha256": code})
    pack(bento, archive)
    shutil.copyfile(bento / "src/manifest.json", archive.with_name("manifest.json"))
    return digest


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

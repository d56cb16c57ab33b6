"""Damaged files: models cut off, objects of DVC's cache and remote with one byte changed, each on its own copy."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from segwise import bundle, store
from segwise.dataset import integrity
from segwise.errors import IntegrityError
from segwise.predict.predictor import Predictor
from segwise.spec import read_spec, sha256_of
from tests.model_folder import make_model
from tests.packages import make_package

NUM_CUTS = 97
OBJECTS = "files/md5"
Outcome = Literal["refused", "whole", "trained on"]


def cuts(size: int, number: int = NUM_CUTS) -> list[int]:
    """As many different lengths below `size` bytes, spread evenly, 0 and all but one byte among them."""
    return sorted({round(i * (size - 1) / (number - 1)) for i in range(number)})


def refused(file: Path, load: Callable[[], object]) -> int:
    """How many of the cuts of `file` the loading refuses as damage; the file is whole again afterwards."""
    whole, count = file.read_bytes(), 0
    for length in cuts(_length(file)):
        file.write_bytes(whole[:length])
        try:
            load()
        except IntegrityError:
            count += 1
    file.write_bytes(whole)
    load()
    return count


def truncated_models(root: Path) -> dict[str, tuple[int, int]]:
    """By way of loading: how many cuts were refused, of how many. Works in the working directory, which is `root`."""
    model = make_model(root / "model")
    package = root / "package"
    archive, digest = make_package(package, "x" * 500)
    sha256 = store.keep(archive)
    kept = store.STATE / "store" / f"{sha256}.bento"
    graph, manifest = package / bundle.MODEL / "model.onnx", package / bundle.MANIFEST
    ways: dict[str, tuple[Path, Callable[[], object]]] = {
        "graph, read_spec": (model / "model.onnx", lambda: read_spec(model)),
        "graph, Predictor.load": (model / "model.onnx", lambda: Predictor.load(model)),
        "model.json, Predictor.load": (model / "model.json", lambda: Predictor.load(model)),
        "graph in a package": (graph, lambda: bundle.verify(package, digest)),
        "manifest of a package": (manifest, lambda: bundle.verify(package, digest)),
        "archive in the store": (kept, lambda: store.unpack(sha256, digest)),
    }
    return {name: (refused(file, load), len(cuts(_length(file)))) for name, (file, load) in ways.items()}


def _length(file: Path) -> int:
    """In bytes; of JSON without its last newline, which nothing depends on."""
    whole = file.read_bytes()
    return len(whole.rstrip()) if file.suffix == ".json" else len(whole)


def dvc(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run DVC there; nobody looks at the exit code for us."""
    env = os.environ | {"DVC_NO_ANALYTICS": "1"}
    return subprocess.run([sys.executable, "-m", "dvc", *words], cwd=root, env=env, capture_output=True, text=True)


def recorded(root: Path, data: Path) -> None:
    """A project whose data DVC has recorded and pushed to a remote that verifies, as the shipped one does."""
    root.mkdir()
    shutil.copytree(data, root / "data")
    for words in (
        ["init", "--no-scm", "-q"], ["remote", "add", "-q", "-d", "store", ".dvcstore"],
        ["remote", "modify", "store", "verify", "true"], ["add", "-q", "data"], ["push", "-q"],
    ):  # fmt: skip
        done = dvc(root, *words)
        assert done.returncode == 0, done.stderr


@contextmanager
def flipped(objects: Path, draw: random.Random) -> Iterator[Path]:
    """One random byte of a random object changed, until the block ends."""
    path = draw.choice(sorted(p for p in objects.rglob("*") if p.is_file()))
    whole, sha256 = path.read_bytes(), sha256_of(path)
    at = draw.randrange(len(whole))
    _replace(path, whole[:at] + bytes([whole[at] ^ draw.randrange(1, 256)]) + whole[at + 1 :])
    assert sha256_of(path) != sha256
    try:
        yield path
    finally:
        _replace(path, whole)


def brought_back(root: Path, *words: str) -> Outcome:
    """Let DVC bring the data back (`checkout` or `pull`), and `segwise integrity` look at it, before a training would.

    DVC itself fetches a damaged list of the folder's files from the remote again: then the data are whole.
    """
    whole = integrity.file_hashes(root / "data")
    shutil.rmtree(root / "data")
    if dvc(root, *words).returncode:
        return "refused"
    try:
        integrity.check(root / "data", root / "data.dvc", root / ".dvc/cache" / OBJECTS)
    except IntegrityError:
        return "refused"
    return "whole" if integrity.file_hashes(root / "data") == whole else "trained on"


def corrupt_cache(root: Path, draw: random.Random) -> Outcome:
    """Flip a byte in the cache; what becomes of it."""
    with flipped(root / ".dvc/cache" / OBJECTS, draw):
        found = brought_back(root, "checkout", "--force", "-q")
    _restore(root)
    return found


def corrupt_remote(root: Path, draw: random.Random) -> Outcome:
    """Flip a byte in the remote of a fresh clone, which has no cache; what becomes of it."""
    shutil.rmtree(root / ".dvc/cache")
    with flipped(root / ".dvcstore" / OBJECTS, draw):
        found = brought_back(root, "pull", "-q", "--force", "data")
    _restore(root)
    return found


def _restore(root: Path) -> None:
    shutil.rmtree(root / ".dvc/cache", ignore_errors=True)
    shutil.rmtree(root / "data", ignore_errors=True)
    restored = dvc(root, "pull", "-q", "--force", "data")
    assert restored.returncode == 0, restored.stderr


def _replace(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)

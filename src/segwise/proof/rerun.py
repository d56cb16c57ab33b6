"""Stages run again in a clean checkout: their inputs put in place, their commands run, their outputs hashed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from segwise.errors import IntegrityError
from segwise.proof import checkout, lock, noise
from segwise.proof.causes import of_stage
from segwise.proof.checkout import Say
from segwise.proof.lock import Book, Stage
from segwise.proof.verdict import Ran
from segwise.repair.cache import cache_dir

PARAMS = "params.yaml"


@dataclass(frozen=True, slots=True)
class Scene:
    """A checkout and where the rest of what it needs lies.

    Attributes:
        folder: the checkout, absolute. work: the user's own working tree. cache: DVC's cache of files.
        data: MD5 by path of what DVC tracks as data (its .dvc files). kept: outputs that the commit itself holds.
        times: outputs that hold measurements: neither in DVC's cache nor in git.
    """

    commit: str
    folder: Path
    work: Path
    cache: Path
    book: Book
    data: dict[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()


def scene(commit: str, folder: Path, work: Path) -> Scene:
    """Read what the checkout records, and link its data.

    Raises:
        IntegrityError: it has no dvc.lock or no dvc.yaml, or the cache lacks the data.
    """
    for name in ("dvc.lock", "dvc.yaml"):
        if not (folder / name).is_file():
            raise IntegrityError(f"a {name} in {commit[:12]}", "none", "name a revision that recorded a run")
    text, pipeline = ((folder / name).read_text(encoding="utf-8") for name in ("dvc.lock", "dvc.yaml"))
    book = lock.read(text, pipeline)
    outs = {out for stage in book.values() for out in stage.outs}
    kept = frozenset(out for out in outs if (folder / out).exists())
    patterns = lock.uncached(pipeline)
    times = frozenset(out for out in outs - kept if lock.matches(out, patterns))
    found = Scene(commit, folder, work, cache_dir(work), book, _tracked(folder), kept, times)
    for name, md5 in found.data.items():
        if not checkout.link(found.cache, md5, folder / name):
            raise IntegrityError(f"{name} ({md5}) in {found.cache}", "not all of it", f"fetch it: `dvc pull {name}`")
    return found


def _tracked(folder: Path) -> dict[str, str]:
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.dvc")) if path.is_file())
    outs = (out for text in texts for out in yaml.safe_load(text).get("outs") or [])
    return {str(out["path"]): str(out["md5"]) for out in outs}


def recorded(place: Scene, path: str, md5: str) -> bytes | None:
    """The bytes of a recorded file: from the cache, the commit or the working tree, wherever that MD5 is found."""
    for found in (checkout.cached(place.cache, md5), place.folder / path, place.work / path):
        if md5 and found.is_file() and checkout.md5_of(found) == md5:
            return found.read_bytes()
    return None


def stage_again(place: Scene, name: str, chosen: Sequence[str], say: Say) -> Ran:
    """Run one stage. Inputs that other stages than the chosen ones wrote are those that were recorded."""
    stage = place.book[name]
    missing = [path for path in stage.deps if not _supply(place, path, chosen)]
    if missing:
        why = f"{missing[0]} is neither written by a stage before it nor kept anywhere"
        return Ran(name, {}, (), why, has_run=False)
    here = {path: place.data.get(path) or checkout.md5_of(place.folder / path) or "" for path in stage.deps}
    causes = of_stage(place.book, stage, here, parameters(place.folder), place.data, place.times)
    _make_room(place, stage)
    for command in stage.commands:
        if failure := checkout.run(command, place.folder, say):
            return Ran(name, _hashes(place, stage), causes, failure)
    return Ran(name, _hashes(place, stage), causes)


def parameters(folder: Path) -> dict[str, Any]:
    """Every parameter of a folder's params.yaml by dotted key; none without the file."""
    path = folder / PARAMS
    return lock.flat(yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def _supply(place: Scene, path: str, chosen: Sequence[str]) -> bool:
    if (place.folder / path).exists():
        return True
    maker = lock.maker(place.book, path)
    if maker is None or maker in chosen:
        return False
    outs = {out: md5 for out, md5 in place.book[maker].outs.items() if lock.is_within(path, out)}
    return any(_bring(place, out, md5) for out, md5 in outs.items()) and (place.folder / path).exists()


def _bring(place: Scene, path: str, md5: str) -> bool:
    target, own = place.folder / path, place.work / path
    if checkout.link(place.cache, md5, target):
        return True
    if target.is_dir():
        shutil.rmtree(target)  # part of a folder whose rest the cache lacks
    if own.exists() and (path in place.times or checkout.md5_of(own) == md5):  # of times, any are better than none
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(own, target) if own.is_dir() else shutil.copyfile(own, target)
        return True
    return False


def _make_room(place: Scene, stage: Stage) -> None:
    for out in stage.outs:
        path = place.folder / out
        path.parent.mkdir(parents=True, exist_ok=True)
        if out not in place.kept and path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _hashes(place: Scene, stage: Stage) -> dict[str, str]:
    found = {out: checkout.md5_of(place.folder / out) for out in stage.outs}
    return {out: md5 for out, md5 in found.items() if md5}


# seed noise


def seed_keys(params: Mapping[str, Any]) -> list[str]:
    """The parameters that are seeds of a training."""
    return [key for key in params if key.startswith("train.") and key.endswith(".seed")]


def noise_stages(book: Book) -> list[str]:
    """The stages between a training's seed and the figures."""
    seeded = [s.name for s in book.values() if seed_keys(s.params)]
    measuring = [s.name for s in book.values() if any(lock.matches(out, [noise.FILES]) for out in s.outs)]
    ends = set(lock.before(book, measuring))
    return [name for name in lock.after(book, seeded) if name in ends]


def basis(book: Book, stages: Sequence[str]) -> dict[str, Any]:
    """What seed noise was measured on: all that these stages read, beside the seeds. Another basis, other noise."""
    seeds = {key for name in stages for key in seed_keys(book[name].params)}
    made = {out for name in stages for out in book[name].outs}
    return {
        name: {
            "deps": {p: m for p, m in book[name].deps.items() if not any(lock.is_within(p, out) for out in made)},
            "params": {key: value for key, value in book[name].params.items() if key not in seeds},
        }
        for name in stages
    }


def with_seed(text: str, seed: int) -> str:
    """params.yaml with `seed` added to every seed of a training; comments are lost, as the copy is thrown away."""
    values = yaml.safe_load(text)

    def walk(value: Any) -> None:
        for key, inner in value.items() if isinstance(value, dict) else ():
            if key == "seed" and isinstance(inner, int):
                value[key] = inner + seed
            else:
                walk(inner)

    walk(values.get("train", {}))
    return yaml.safe_dump(values, sort_keys=False)


def trained_with(place: Scene, seed: int, stages: Sequence[str], say: Say) -> dict[str, dict[str, float | None]]:
    """The figures by file of a training with other seeds; params.yaml is as before afterwards.

    Raises:
        IntegrityError: a stage fails.
    """
    path = place.folder / PARAMS
    text = path.read_text(encoding="utf-8")
    path.write_text(with_seed(text, seed), encoding="utf-8")
    try:
        for name in stages:
            ran = stage_again(place, name, stages, say)
            if ran.failure:
                raise IntegrityError(f"{name} to run with other seeds", ran.failure, "mend it, then measure again")
    finally:
        path.write_text(text, encoding="utf-8")
    outs = [out for name in stages for out in place.book[name].outs if lock.matches(out, [noise.FILES])]
    return {out: noise.figures(json.loads((place.folder / out).read_text(encoding="utf-8"))) for out in outs}

"""Trainings beside the project's own: the same commands in a folder with other parameters and another split."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from segwise import dataset, models
from segwise.dataset.integrity import data_digest
from segwise.errors import SegwiseError
from segwise.spec import canonical_json, sha256_of

KEPT = Path(".segwise/curve")
GRAPH = {"dense": "hybrid", "instance": "instance"}  # the approach whose graph has every output of the network
PILOT_STEPS = 6
# one process for both commands: loading torch takes as long as some trainings
PROGRAM = "import sys; from segwise.cli import main; sys.exit(next((c for v in {} if (c := main(v.split()))), 0))"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One training of `network`: its folder, its params.yaml as a value, and its split."""

    network: str
    folder: Path
    params: Document
    split: dict[str, list[str]]

    @property
    def model(self) -> Path:
        """The exported graph with its specification, once it is done."""
        return self.folder / "work/convert" / GRAPH[self.network]

    @property
    def is_done(self) -> bool:
        return (self.model / "model.json").is_file()  # written last

    @property
    def minutes(self) -> float:
        """How long the training took."""
        path = self.folder / "work/train" / self.network / "minutes.json"
        return float(json.loads(path.read_text(encoding="utf-8"))["minutes"])


def with_section(params: Document, network: str, changes: Mapping[str, Any]) -> Document:
    """params.yaml as a value with other values for a network's training, its paths made to hold in any folder."""
    out = copy.deepcopy(params)
    out["data"]["dir"] = str(Path(out["data"]["dir"]).resolve())
    out["train"][network] |= changes
    encoder = out["train"][network]["encoder"]
    if str(encoder["pretrained"]).endswith(".safetensors"):
        encoder["pretrained"] = str(Path(encoder["pretrained"]).resolve())
    return out


def jobs(
    network: str, params: Document, drawn: Sequence[Sequence[Sequence[str]]], val: Sequence[str]
) -> list[list[Job]]:
    """A training for each subset of `drawn`, [repeat][size]; each repeat has a seed of its own.

    A folder is named for all that its network depends on, so that what is done is found again, whoever asks for it.
    """
    known = [data_digest(Path(params["data"]["dir"])), *_code()]
    seed = params["train"][network]["seed"]
    out = []
    for repeat, subsets in enumerate(drawn):
        own = with_section(params, network, {"seed": seed + repeat})
        splits = [{"train": list(names), "val": list(val), "test": []} for names in subsets]
        out.append([Job(network, KEPT / _key(network, own, split, known), own, split) for split in splits])
    return out


def _key(network: str, params: Document, split: Mapping[str, Any], known: Sequence[str]) -> str:
    text = canonical_json([network, params["train"][network], params["convert"], split, known])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _code() -> list[str]:
    """The code that decides what a training gives."""
    folders = [Path(str(package.__file__)).parent for package in (models, dataset)]
    return [sha256_of(path) for folder in folders for path in sorted(folder.glob("*.py"))]


def minutes_per_training(job: Job) -> float:
    """What such a training takes here and now, from a few steps of it; its validations are counted too often."""
    steps = int(job.params["train"][job.network]["steps"])
    few = min(PILOT_STEPS, steps)
    pilot = Job(
        job.network, KEPT / "pilot", with_section(job.params, job.network, {"steps": few, "interval": few}), job.split
    )
    run(pilot, [f"train {job.network}"], quiet=True)
    return pilot.minutes * steps / few


def train(job: Job) -> None:
    """Train and export; what an interruption left is gone on with. Only the exported graph is kept."""
    run(job, [f"train {job.network}", f"convert {GRAPH[job.network]}"])
    (job.folder / "work/train" / job.network / "weights.safetensors").unlink()


def run(job: Job, commands: Sequence[str], quiet: bool = False) -> None:
    """Run commands of segwise in the job's folder.

    Raises:
        SegwiseError: one failed; the reason it gave.
    """
    work = job.folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    (job.folder / "registry").mkdir(exist_ok=True)  # its trainings are recorded there: none of them is a candidate
    (job.folder / "params.yaml").write_text(yaml.safe_dump(job.params, sort_keys=False), encoding="utf-8")
    (work / "split.json").write_text(canonical_json(job.split), encoding="utf-8")
    program = [sys.executable, "-c", PROGRAM.format(list(commands))]
    shown = subprocess.DEVNULL if quiet else None
    done = subprocess.run(program, cwd=job.folder, stdout=subprocess.DEVNULL, stderr=shown, env=os.environ, check=False)
    if done.returncode:
        told = job.folder / ".segwise/last_error.json"
        why = json.loads(told.read_text(encoding="utf-8"))["message"] if told.is_file() else "no reason given"
        came = f"exit code {done.returncode}: {why}"
        raise SegwiseError(f"`segwise {commands[0]}` on {len(job.split['train'])} images to end", came, f"see {told}")

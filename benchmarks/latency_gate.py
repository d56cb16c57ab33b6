"""Does the latency gate flake? The champion against itself, and against itself made slower on purpose.

    python benchmarks/latency_gate.py --processes 40 --real 3 --slowdown 1.3

Times `work/package/segwise.bento` (or --package FOLDER, one that is unpacked) in `--processes` fresh processes on test
images, as `segwise promote` does, and keeps every time. Sessions are then made of neighbouring processes, starting at
random, so that drift and neighbours stay in them: 1,000 A/A sessions, and as many whose challenger's times are
multiplied. Finally `--real` sessions of each kind are run for good; there the slower challenger is a copy of the
package whose Predictor burns the extra time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.bundle import MODEL
from segwise.dataset import coco
from segwise.gate import latency
from segwise.params import load
from segwise.predict.footprint import cpu_name
from segwise.predict.timing import Timed, timed
from segwise.promotion import evidence, session

SESSIONS = 1000
BURN = """
import time as _time
_predict = Predictor.predict
def _slow(self, image, **more):
    since = _time.process_time()
    found = _predict(self, image, **more)
    end = since + (_time.process_time() - since) * {factor}
    while _time.process_time() < end:
        pass
    return found
Predictor.predict = _slow
"""


def slower(package: Path, factor: float, into: Path) -> Path:
    """A copy of the package that takes `factor` times as long on the processor."""
    copy = Path(shutil.copytree(package, into))
    with (copy / "src/segwise/predict/predictor.py").open("a", encoding="utf-8") as file:
        file.write(BURN.format(factor=factor))
    return copy


def simulate(taken: NDArray[np.float64], factor: float, pairs: int, limit: float) -> dict[str, int]:
    """Verdicts of SESSIONS sessions made of the recorded processes, float64 (processes, images, rounds)."""
    rng, counts = np.random.default_rng(0), {"promote": 0, "hold": 0, "inconclusive": 0}
    turns = latency.order(pairs)
    for _ in range(SESSIONS):
        first = int(rng.integers(len(taken) - len(turns) + 1))
        window = taken[first : first + len(turns)]
        one, two = (window[[i for i, turn in enumerate(turns) if turn == side]] for side in "AB")
        counts[latency.slowdown(one, factor * two, limit).verdict] += 1
    return counts


def main() -> None:
    """Record, simulate, run some sessions for good, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, help="folder of an unpacked package")
    parser.add_argument("--processes", type=int, default=40)
    parser.add_argument("--real", type=int, default=3, help="sessions of each kind that are run for good")
    parser.add_argument("--slowdown", type=float, default=1.3)
    parser.add_argument("--keep", type=Path, help="write the recorded times to this .npz file")
    values = parser.parse_args()
    params = load()
    dataset = coco.read(Path(params.data.dir))
    names = json.loads(Path("work/split.json").read_text(encoding="utf-8"))["test"]
    images = [dataset.pixels(r) for r in evidence.spread(coco.by_name(dataset, names), params.promote.images)]
    with tempfile.TemporaryDirectory() as scratch:
        package = values.package or _unpacked(Path("work/package/segwise.bento"), Path(scratch) / "package")
        file = Path(scratch) / "images.npz"
        np.savez(file, *images)
        source = package / Path(MODEL).parent
        taken: list[Timed] = []
        for number in range(values.processes):
            taken.append(timed(source, file, warmup=params.promote.warmup, rounds=params.promote.rounds))
            print(f"process {number + 1}/{values.processes}", flush=True)
        clocks = {"processor": np.stack([t.cpu_ms for t in taken]), "wall clock": np.stack([t.wall_ms for t in taken])}
        if values.keep:
            np.savez(values.keep, **clocks)
        pairs, limit = params.promote.pairs, params.promote.max_slowdown
        print(f"{cpu_name()}; {pairs} pairs, {len(images)} images, {params.promote.rounds} rounds, limit {limit:g}")
        for clock, times in clocks.items():
            for factor in (1.0, 1.1, values.slowdown):
                print(
                    f"{clock}: {factor:g} x: {simulate(times, factor, pairs, limit)} of {SESSIONS} resampled sessions"
                )
        _for_good(
            package, slower(package, values.slowdown, Path(scratch) / "slow"), images, values.real, params.promote
        )


def _for_good(package: Path, slow: Path, images: list[Any], number: int, params: Any) -> None:
    for words, other in (("against itself", package), ("against its slower copy", slow)):
        for _ in range(number):
            (row,) = session.rows(session.run(package, other, images, params), params, None)
            print(f"run for good, {words}: ratio {row.difference:.3f}, {row.verdict}", flush=True)


def _unpacked(archive: Path, into: Path) -> Path:
    with tarfile.open(archive, "r:xz") as tar:
        tar.extractall(into, filter="data")
    return into


if __name__ == "__main__":
    main()

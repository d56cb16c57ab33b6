"""`segwise verify-repro REV`: run a past run again in a clean checkout; say whether it comes out the same, and why not.

Writes work/repro/report.json and summary.txt, and noise.json where seed noise is measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from segwise.errors import IntegrityError, SegwiseError, UsageError
from segwise.proof import checkout, lock, noise, rerun, verdict
from segwise.proof.causes import Environment, environment, hardware
from segwise.proof.installed import cpu_name, versions
from segwise.proof.rerun import Scene
from segwise.proof.story import Story, json_of, text_of
from segwise.proof.verdict import Ran
from segwise.spec import canonical_json, write_whole

OUT = Path("work/repro")
NOISE = OUT / "noise.json"
EXITS = {"different": IntegrityError.exit_code, "incomplete": SegwiseError.exit_code}
BENCHMARK, REQUIREMENTS = "work/benchmark.json", "requirements.lock"
Bands = Mapping[str, Mapping[str, float | None]]
Figures = Mapping[str, noise.Values]


def run(revision: str = "HEAD", stages: Sequence[str] = (), start: str | None = None, seeds: int = 0) -> dict[str, Any]:
    """Run the stages of a revision again and compare every output with its dvc.lock.

    Args:
        stages, start: only these, or from this one on; what they read of others is taken from DVC's cache.
        seeds: so many trainings with other seeds measure how far figures differ by chance; 0 = none.

    Returns:
        The report, with `exit_code`: 0 identical or within seed noise, 5 different, 1 if nothing differs and not
        everything could be run.

    Raises:
        UsageError: there is no such revision or stage, or `seeds` is 1.
        IntegrityError: that revision recorded no run, or the cache lacks its data or holds other bytes; a training
            with another seed failed: then the report is written nevertheless.
        BusyError: another reproduction is at work here.
    """
    if seeds < 0 or seeds == 1:
        raise UsageError("0, or 2 trainings or more, in --seeds", str(seeds), "one alone has no spread: `--seeds 3`")
    commit = checkout.resolve(revision)
    with checkout.clean(commit) as folder:
        place = rerun.scene(commit, folder, Path.cwd())
        chosen = lock.choose(place.book, stages, start)
        runs = _again(place, chosen)
        here = _figures_here(place, runs)  # before other seeds write in their place
        measured, failure = _noise(place, seeds)
        told = _story(place, runs, here, measured)
    report, words = json_of(told), text_of(told)
    write_whole(OUT / "report.json", canonical_json(report))
    write_whole(OUT / "summary.txt", words)
    if failure is not None:
        raise failure
    code = EXITS.get(report["verdict"], 0)
    return {**report, "exit_code": code, "summary": f"{words}→ {OUT}/report.json"}


def _again(place: Scene, chosen: Sequence[str]) -> list[Ran]:
    runs: list[Ran] = []
    broken: set[str] = set()
    for number, name in enumerate(chosen, start=1):
        waits = broken & set(lock.waits_for(place.book, name))
        _say(f"[{number}/{len(chosen)}] {name}{': left out, it waits for one that failed' if waits else ''}")
        ran = Ran(name, {}, (), f"it waits for {min(waits)}", has_run=False) if waits else _one(place, name, chosen)
        broken |= {name} if ran.failure else set()
        runs.append(ran)
    return runs


def _one(place: Scene, name: str, chosen: Sequence[str]) -> Ran:
    ran = rerun.stage_again(place, name, chosen, lambda line: _say(f"  {line}"))
    same = sum(place.book[name].outs[path] == md5 for path, md5 in ran.written.items())
    _say(f"  {ran.failure or f'{same} of {len(place.book[name].outs)} outputs as recorded'}")
    return ran


def _story(place: Scene, runs: Sequence[Ran], here: Figures, measured: Mapping[str, Any] | None) -> Story:
    bands = noise.bands(list(measured["seeds"].values())) if measured else {}
    compared = _compared(place, here, bands)
    timed = _recorded_json(place, BENCHMARK)
    cpu = None if timed is None else timed.get("cpu")
    return Story(
        place.commit,
        verdict.outputs(place.book, runs, place.times, compared),
        list(runs),
        compared,
        _environment(place),
        cpu,
        cpu_name(),
        hardware(cpu, cpu_name()),
        _words_of(measured),
        [name for name in place.book if name not in {ran.stage for ran in runs}],
        sha256((place.folder / "dvc.lock").read_bytes()).hexdigest(),
    )


def _environment(place: Scene) -> Environment:
    path = place.folder / REQUIREMENTS
    raw = path.read_bytes() if path.is_file() else None
    return environment(
        None if raw is None else raw.decode(), None if raw is None else sha256(raw).hexdigest(), versions()
    )


def _figures_here(place: Scene, runs: Sequence[Ran]) -> dict[str, noise.Values]:
    """The figures that the repetition wrote, by file."""
    paths = [path for ran in runs for path in ran.written if lock.matches(path, [noise.FILES])]
    return {p: noise.figures(json.loads((place.folder / p).read_text(encoding="utf-8"))) for p in paths}


def _compared(place: Scene, here: Figures, bands: Bands) -> list[noise.Compared]:
    """The figures recorded and here; those whose recorded bytes are nowhere are left out."""
    out = []
    for path, now in here.items():
        before = _recorded_json(place, path)
        if before is not None:
            out += noise.compare(path, noise.figures(before), now, bands.get(path, {}))
    return out


def _recorded_json(place: Scene, path: str) -> Any:
    md5 = next((s.outs[path] for s in place.book.values() if path in s.outs), "")
    raw = rerun.recorded(place, path, md5)
    return None if raw is None else json.loads(raw)


def _noise(place: Scene, seeds: int) -> tuple[dict[str, Any] | None, IntegrityError | None]:
    """What is stored of this basis, with the trainings that `seeds` asks for beyond it; stored after each of them.

    A training that fails ends the measuring; its error comes with what was measured before.
    """
    names = rerun.noise_stages(place.book)
    key = sha256(canonical_json(rerun.basis(place.book, names)).encode()).hexdigest()
    stored = json.loads(NOISE.read_text(encoding="utf-8")) if NOISE.is_file() else {}
    if stored.get("basis_sha256") != key:
        stored = {}
    found = {**stored, "seeds": dict(stored.get("seeds", {}))} if stored else _new_noise(place, key, names)
    failure = None
    for seed in (s for s in range(1, seeds + 1) if str(s) not in found["seeds"]):
        _say(f"seed noise: training {seed} of {seeds}")
        try:
            found["seeds"][str(seed)] = rerun.trained_with(place, seed, names, lambda line: _say(f"  {line}"))
        except IntegrityError as error:
            failure = error
            break
        write_whole(NOISE, canonical_json(found))
    return (found if len(found["seeds"]) > 1 else None), failure


def _new_noise(place: Scene, key: str, names: Sequence[str]) -> dict[str, Any]:
    return {
        "revision": place.commit,
        "basis_sha256": key,
        "data": place.data,
        "stages": list(names),
        "cpu": cpu_name(),
        "requirements_lock_sha256": _environment(place).lock_sha256,
        "seeds": {},
    }


def _words_of(measured: Mapping[str, Any] | None) -> str:
    if measured is None:
        return "seed noise not measured: run with --seeds 3"
    return (
        f"seed noise of {len(measured['seeds'])} trainings with other seeds on {measured['cpu']}, "
        f"at {measured['revision'][:12]} ({NOISE})"
    )


def _say(line: str) -> None:
    print(f"verify-repro: {line}", file=sys.stderr, flush=True)

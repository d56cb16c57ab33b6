"""Promotions at once: in each round several processes promote a package of their own upon the same state.

Exactly one may win, every other has to be told who did, and at the end the log has to verify with one promotion per
round and the champion of the last winner. Run it in the repository's root: `python benchmarks/promotion_race.py`.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import sys
import tarfile
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from segwise import bundle, registry, store
from segwise.errors import BusyError


def make(folder: Path, text: str) -> Path:
    """A package that holds only a text; returns its archive."""
    (folder / "src").mkdir(parents=True)
    (folder / "src/model").write_text(text)
    bundle.write_manifest(folder, {"winner": text})
    archive = folder.with_suffix(".bento")
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(folder, ".")
    return archive


def race(pipe: Connection, barrier: object, name: str, root: Path) -> None:
    """Promote one's own package in each round, upon the number that is sent; answer how it went."""
    os.chdir(root)
    archive = make(root / "packages" / name, name)
    while (seq := pipe.recv()) is not None:
        barrier.wait()  # type: ignore[attr-defined]  # of multiprocessing, whose class is private
        try:
            with registry.locked():
                sha256 = store.keep(archive)
                digest = store.unpack(sha256)[0]
                subject = {"digest": digest, "bento_sha256": sha256}
                registry.append("promote", subject, {}, name, "race", expected_seq=seq)
            pipe.send(("won", name))
        except BusyError as error:
            pipe.send(("lost", error.came))


def rounds(num_processes: int, num_rounds: int) -> float:
    """Run the rounds in a folder of their own; seconds it took. Ends the program where not exactly one won."""
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        root, barrier, pipes, racers = Path(name), mp.Barrier(num_processes), [], []
        for number in range(num_processes):
            ours, theirs = mp.Pipe()
            racer = mp.Process(target=race, args=(theirs, barrier, f"p{number}", root))
            racer.start()
            pipes.append(ours)
            racers.append(racer)
        started = time.perf_counter()
        winners = [one_round(pipes, seq) for seq in range(num_rounds)]
        seconds = time.perf_counter() - started
        for pipe in pipes:
            pipe.send(None)
        for racer in racers:
            racer.join()
        events = registry.read()
        require([event.actor for event in events] == winners, "a log of the winners in their order")
        require(store.champion()[1].actor == winners[-1], "the last winner as champion")
        print(f"{num_processes} at once: {num_rounds} rounds, {num_rounds} with exactly one winner, whom the "
              f"{num_processes - 1} others named; {len(set(winners))} different winners; {seconds:.1f} s")  # fmt: skip
        os.chdir("/")
        return seconds


def one_round(pipes: list[Connection], seq: int) -> str:
    """Send everybody the state to decide upon; returns who won."""
    for pipe in pipes:
        pipe.send(seq)
    answers = [pipe.recv() for pipe in pipes]
    winners = [said for how, said in answers if how == "won"]
    require(len(winners) == 1, f"one winner, not {answers}")
    for how, said in answers:
        is_named = f"by {winners[0]} (race), event {seq + 1}" in said
        require(how == "won" or is_named, f"the winner named, not {answers}")
    return str(winners[0])


def require(is_so: bool, expected: str) -> None:
    """End the program with what was expected."""
    if not is_so:
        raise SystemExit(f"expected {expected}")


def main() -> int:
    """Half of the rounds with two processes, half with eight."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    values = parser.parse_args()
    for num_processes in (2, 8):
        rounds(num_processes, values.rounds // 2)
    return 0


if __name__ == "__main__":
    sys.exit(main())

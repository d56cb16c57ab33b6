"""Read damaged sources, one after the other: refused with a reason, or read into a data set that breaks no rule."""

from __future__ import annotations

import hashlib
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwise.dataset import schema
from segwise.dataset.arrival.merge import merge
from segwise.dataset.finding import errors_in
from segwise.dataset.formats import detect
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import header_of
from segwise.errors import SegwiseError
from tests.dataset.formats.mutations import MUTATORS
from tests.dataset.formats.sources import write_source

LIMIT_S = 20


def run(root: Path, name: str, count: int, seed: int = 0) -> Counter[str]:
    """Damage the sample of a format `count` times and read each: how many were `refused` and how many `read`.

    Raises:
        AssertionError: a source took longer than 20 s, or was read into a data set that breaks a rule. Any error that
            is not segwise's own escapes too. A note names the format and the number of the draw.
    """
    source = write_source(root / name, name)
    sound = {path: path.read_bytes() for path in sorted(source.rglob("*")) if path.suffix in MUTATORS}
    labels = [path for path in sound if "images" not in path.parts[-2] and "JPEGImages" not in path.parts[-2]] or list(
        sound
    )
    outcomes: Counter[str] = Counter()
    for draw in range(count):
        rng = random.Random(f"{seed}:{name}:{draw}")
        path = rng.choice(labels)
        path.write_bytes(MUTATORS[path.suffix](sound[path], rng))
        try:
            with _limit(f"{name}, draw {draw}: no answer in {LIMIT_S} s"):
                outcomes[_attempt(source, name)] += 1
        except Exception as error:
            error.add_note(f"{name}, draw {draw}, seed {seed}: {path.name}")
            raise
        finally:
            path.write_bytes(sound[path])
    return outcomes


def _attempt(source: Path, name: str) -> str:
    folder = Folder(source)
    detect.module(name).looks_like(folder)
    try:
        delivery = detect.module(name).read(folder, Options())
    except SegwiseError:
        return "refused"
    if errors_in(delivery.findings):
        return "refused"
    check(delivery, source)
    return "read"


def check(delivery: Delivery, source: Path) -> None:
    """Hold what was read against the rules of the label file and the folder it came from."""
    contents = [p.content if isinstance(p.content, bytes) else p.content.read_bytes() for p in delivery.pictures]
    merged = merge(None, {}, delivery, [hashlib.sha256(content).hexdigest() for content in contents])
    broken = [f for f in errors_in(schema.check(merged.document).findings) if f.check != "empty data set"]
    assert not broken, broken[:3]
    for picture in delivery.pictures:
        header = header_of(picture.content)
        assert (picture.height, picture.width) == header.upright
        assert isinstance(picture.content, bytes) or picture.content.resolve().is_relative_to(source.resolve())


@contextmanager
def _limit(message: str) -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError(message)

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

"""Every change of the log that somebody made outside the program is found, and named where it begins."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from segwise.errors import IntegrityError
from segwise.registry import audit, head, read
from segwise.registry.event import is_torn
from tests.registry.events import add, promote

NUM_EACH = 125  # of four kinds: 500 in all
NUM_EVENTS = 12


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    for number in range(NUM_EVENTS):
        if number % 3:
            promote(path, f"{number:064x}", details={"approach": "hybrid", "why": "±½ “quoted”\n"})
        else:
            add(path, "run", {"network": "dense"}, details={"criteria": {"gate": {"min_f1": 0.75}}})
    return path


def flipped(raw: bytes, draw: random.Random) -> bytes:
    place, bit = draw.randrange(len(raw)), 1 << draw.randrange(8)
    return raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :]


def deleted(raw: bytes, draw: random.Random) -> bytes:
    """Without some records next to each other, or without some bytes."""
    if draw.random() < 0.5:
        lines = raw.splitlines(keepends=True)
        first = draw.randrange(len(lines))
        return b"".join(lines[:first] + lines[first + draw.randint(1, 3) :])
    first = draw.randrange(len(raw))
    return raw[:first] + raw[first + draw.randint(1, 40) :]


def reordered(raw: bytes, draw: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    one, other = draw.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def truncated(raw: bytes, draw: random.Random) -> bytes:
    """Cut anywhere, half of the times at the end of a record."""
    if draw.random() < 0.5:
        return b"".join(raw.splitlines(keepends=True)[: draw.randrange(NUM_EVENTS)])
    return raw[: draw.randrange(len(raw))]


@pytest.mark.parametrize("change", [flipped, deleted, reordered, truncated])
def test_every_random_change_is_found(log: Path, tmp_path: Path, change: Callable[..., bytes]) -> None:
    raw, newest = log.read_bytes(), read(log)[-1].sha256
    draw, copy = random.Random(f"{change.__name__} 5"), tmp_path / "events.jsonl"
    found = 0
    for _ in range(NUM_EACH):
        damaged = change(raw, draw)
        assert damaged != raw
        copy.write_bytes(damaged)
        try:
            head.require(audit.strictly(copy), newest, "--head")
        except IntegrityError:
            found += 1
    assert found == NUM_EACH


def test_a_log_that_nobody_touched_is_fine(log: Path) -> None:
    events = audit.strictly(log)
    assert len(events) == NUM_EVENTS
    head.require(events, events[-1].sha256, "--head")
    head.require(events, events[0].sha256, "an old head")


def test_a_flip_of_every_third_byte_of_a_record_is_found_in_that_record(log: Path, tmp_path: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    copy = tmp_path / "events.jsonl"
    for number in (1, NUM_EVENTS):
        line = lines[number - 1]
        for place in range(0, len(line), 3):
            changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
            copy.write_bytes(b"".join([*lines[: number - 1], changed, *lines[number:]]))
            with pytest.raises(IntegrityError, match=f"record {number},"):
                read(copy)


def test_a_newest_record_whose_newline_was_changed_is_damage_and_not_a_killed_writer(log: Path, tmp_path: Path) -> None:
    copy = tmp_path / "events.jsonl"
    copy.write_bytes(log.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=f"record {NUM_EVENTS},"):
        promote(copy, "new")


@pytest.mark.parametrize("kept", [1, 40, -1, -2])
def test_an_audit_names_a_record_that_was_cut_off_over_which_reading_passes(
    log: Path, tmp_path: Path, kept: int
) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    copy = tmp_path / "events.jsonl"
    copy.write_bytes(b"".join(lines[:3]) + lines[3][:kept])
    assert len(read(copy)) == (4 if kept == -1 else 3)
    with pytest.raises(IntegrityError, match="record 4, which was cut off"):
        audit.strictly(copy)


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"sha256":"x"}',
        b"[" * 100_000,
        b'{"seq":NaN,"sha256":""}',
        b"\xff\xfe",
        b"",
    ],
)
def test_a_line_of_anything_else_is_named(log: Path, tmp_path: Path, line: bytes) -> None:
    copy = tmp_path / "events.jsonl"
    copy.write_bytes(log.read_bytes() + line + b"\n")
    with pytest.raises(IntegrityError, match=f"record {NUM_EVENTS + 1},"):
        read(copy)


def forged(line: str, values: dict[str, object]) -> str:
    """The record with other values and the hash that belongs to them."""
    record = {**json.loads(line), **values}
    record.pop("sha256")
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    record["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(record, sort_keys=True, separators=(",", ":")) + "\n"


def test_a_forged_record_with_a_right_hash_breaks_the_chain_after_it(log: Path, tmp_path: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    copy = tmp_path / "events.jsonl"
    copy.write_text("".join([*lines[:3], forged(lines[3], {"actor": "mallory"}), *lines[4:]]))
    with pytest.raises(IntegrityError, match="record 5, which does not follow record 4: one of the two was changed"):
        read(copy)


@pytest.mark.parametrize(
    ("tail", "is_cut"),
    [
        (b'{"actor":"ada","at":"2026', True),
        (b"{", True),
        (b'{"actor":"', True),
        (b'{"actor": "ada"', False),
        (b'{"actor":xada"', False),
        (b'{"at":"2026', False),
        (b"garbage", False),
        (b'{"actor":"ada"}x', False),
        (b'{"actor":"\xc3', False),
    ],
)
def test_only_the_beginning_of_a_record_counts_as_left_by_a_killed_writer(tail: bytes, is_cut: bool) -> None:
    assert bool(is_torn(tail)) is is_cut


@pytest.mark.parametrize(
    "values",
    [
        {"seq": True},
        {"seq": 1.0},
        {"kind": "party"},
        {"actor": 3},
        {"subject": {"digest": 3}},
        {"subject": []},
        {"details": []},
        {"more": ""},
        {"details": {"f1": float("nan")}},
    ],
)
def test_a_record_of_another_form_is_refused_even_with_a_right_hash(tmp_path: Path, values: dict[str, object]) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    path.write_text(forged(path.read_text(), values))
    with pytest.raises(IntegrityError, match="record 1,"):
        read(path)


def test_the_hash_of_a_record_is_that_of_its_text_without_it_and_named_by_the_next(log: Path) -> None:
    previous = hashlib.sha256(b"").hexdigest()
    for line in log.read_text().splitlines():
        record = json.loads(line)
        own = record.pop("sha256")
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        assert own == hashlib.sha256(text.encode()).hexdigest()
        assert record["prev"] == previous
        previous = own

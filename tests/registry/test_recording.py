"""What the command line records around a stage, and what happens where it cannot."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segwise import cli, registry
from segwise.params import load
from segwise.registry import record, writing
from segwise.spec import canonical_json, sha256_of

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with data, a split and a calibrated model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "ada")
    shutil.copy(REPO / "params.yaml", "params.yaml")
    Path("data.dvc").write_text("outs:\n- md5: 0123abc.dir\n  size: 10\n  nfiles: 3\n  path: data\n")
    for path, text in {
        "registry/README.md": "", "work/split.json": "{}", "work/calibrate/hybrid/model.json": "{}",
        "work/calibrate/cascade/cascade.json": "{ }",
    }.items():  # fmt: skip
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    return tmp_path


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Put a stage in place; the list holds how many events there were each time it began."""

    def put(name: str, write: Callable[[], None] = lambda: None) -> list[int]:
        seen: list[int] = []

        def run(**_: object) -> None:
            seen.append(len(registry.read()))
            write()

        module = types.ModuleType(f"segwise.stages.{name}")
        module.run = run  # type: ignore[attr-defined]  # that is all a stage is
        monkeypatch.setitem(sys.modules, f"segwise.stages.{name}", module)
        return seen

    return put


def test_a_training_is_recorded_with_its_criteria_before_it_begins(stage: Callable[..., list[int]]) -> None:
    seen = stage("train")
    assert cli.main(["train", "dense"]) == 0
    data, run = registry.read()
    assert seen == [2]
    assert (data.kind, data.subject) == ("data", {"data_md5": "0123abc.dir"})
    assert data.details == {"md5": "0123abc.dir", "size": 10, "nfiles": 3}
    assert (run.kind, run.actor) == ("run", "ada")
    assert run.subject["network"] == "dense"
    assert (run.subject["data_md5"], run.subject["split_sha256"]) == ("0123abc.dir", sha256_of(Path("work/split.json")))
    now = registry.criteria_of(load())
    assert run.details == {"criteria": now, "criteria_sha256": registry.criteria.digest(now)}


def test_the_same_training_has_the_same_subject_and_another_one_another(stage: Callable[..., list[int]]) -> None:
    stage("train")

    def subject(network: str = "dense") -> dict[str, str]:
        assert cli.main(["train", network]) == 0
        return dict(registry.read()[-1].subject)

    def edit(path: str, old: str, new: str) -> None:
        text, count = re.subn(old, new, Path(path).read_text(), count=1)
        assert count == 1
        Path(path).write_text(text)

    seen = [subject()]
    assert subject() == seen[0]
    edit("params.yaml", r"min_f1: [\d.]+", "min_f1: 0.11")
    assert subject() == seen[0], "the criteria are no part of the training"
    edit("params.yaml", r"\n    zoom: [\d.]+", "\n    zoom: 1.11")
    seen.append(subject())
    edit("data.dvc", "0123abc", "4567def")
    seen.append(subject())
    edit("work/split.json", "{}", "{ }")
    seen.append(subject())
    seen.append(subject("instance"))
    assert len({json.dumps(one) for one in seen}) == len(seen)
    assert [event.subject["data_md5"] for event in registry.read() if event.kind == "data"] == [
        "0123abc.dir",
        "4567def.dir",
    ]


@pytest.mark.parametrize(("approach", "file"), [("hybrid", "hybrid/model.json"), ("cascade", "cascade/cascade.json")])
def test_opening_the_test_split_is_recorded_before_it_is_opened(
    approach: str, file: str, stage: Callable[..., list[int]]
) -> None:
    seen = stage("evaluate")
    for _ in range(2):
        assert cli.main(["evaluate", approach]) == 0
    events = registry.read()
    assert seen == [2, 3]
    assert [event.kind for event in events] == ["data", "test_read", "test_read"]
    assert registry.num_test_reads(events) == 2
    assert events[-1].subject["approach"] == approach
    assert events[-1].subject["model_sha256"] == sha256_of(Path("work/calibrate") / file)
    assert events[-1].details["criteria_sha256"] == registry.criteria.digest(registry.criteria_of(load()))


def test_a_verdict_is_recorded_after_the_gate_and_once(stage: Callable[..., list[int]]) -> None:
    def write() -> None:
        record.VERDICT.parent.mkdir(exist_ok=True)
        record.VERDICT.write_text(canonical_json({"winner": "hybrid", "why": "it is the cheapest", "more": 1}))

    assert stage("gate", write) == []
    for _ in range(2):
        assert cli.main(["gate"]) == 0
    (event,) = registry.read()
    assert event.kind == "gate"
    assert event.subject == {"verdict_sha256": sha256_of(record.VERDICT)}
    assert event.details == {"winner": "hybrid", "why": "it is the cheapest", "verdict": None}


def test_a_gate_that_wrote_no_verdict_records_none(stage: Callable[..., list[int]]) -> None:
    stage("gate")
    assert cli.main(["gate"]) == 0
    assert registry.read() == ()


def test_other_verbs_record_nothing(stage: Callable[..., list[int]]) -> None:
    stage("split")
    assert cli.main(["split"]) == 0
    assert not registry.EVENTS.exists()


def test_data_outside_dvc_and_a_missing_user_are_recorded_as_unknown(
    stage: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage("train")
    Path("data.dvc").unlink()
    Path("work/split.json").unlink()
    monkeypatch.delenv("USER")
    assert cli.main(["train", "dense"]) == 0
    (event,) = registry.read()
    assert (event.kind, event.actor) == ("run", "unknown")
    assert (event.subject["data_md5"], event.subject["split_sha256"]) == ("", "")


def _remove() -> None:
    shutil.rmtree("registry")


def _replace() -> None:
    _remove()
    Path("registry").write_text("")


def _block() -> None:
    registry.EVENTS.mkdir()


def _no_state() -> None:
    Path(".segwise").write_text("")


@pytest.mark.parametrize(
    ("damage", "says", "code"),
    [
        (_remove, "no such folder", 1),
        (_replace, "got a file", 1),
        (_block, "to be recorded in registry/events.jsonl", 1),
        (_no_state, "make registry/ and .segwise/ writable", 1),
        (lambda: registry.EVENTS.write_text("{}\n"), "record 1, which", 5),
    ],
)
def test_what_cannot_be_recorded_is_not_done_and_the_reason_is_said(
    damage: Callable[[], None],
    says: str,
    code: int,
    stage: Callable[..., list[int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = stage("train")
    damage()
    assert cli.main(["train", "dense"]) == code
    assert says in capsys.readouterr().err
    assert seen == []


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EROFS, "make registry/"), (errno.EACCES, "make registry/"), (errno.ENOSPC, "free some")]
)
def test_a_disk_that_takes_nothing_is_told_as_what_it_is(
    number: int, says: str, stage: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "registry/events.jsonl")

    seen = stage("train")
    monkeypatch.setattr(writing, "_write", refuse)
    assert cli.main(["train", "dense"]) == 1
    assert says in capsys.readouterr().err
    assert seen == []


def test_a_registry_that_others_hold_is_waited_for_and_then_told(
    stage: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = stage("train")
    monkeypatch.setattr(record, "locked", lambda: registry.locked(timeout_s=0.05))
    with registry.locked():
        assert cli.main(["train", "dense"]) == 6
    assert "held by another process" in capsys.readouterr().err
    assert seen == []
    assert cli.main(["train", "dense"]) == 0


def test_stages_side_by_side_are_all_recorded(root: Path) -> None:
    code = "import sys; from segwise.params import load; from segwise.registry import record; " + (
        "p = load(); [record.before('evaluate', sys.argv[1], p) for _ in range(5)]"
    )
    for number in range(3):
        shutil.copytree("work/calibrate/hybrid", f"work/calibrate/a{number}")
    env: dict[str, Any] = {**os.environ, "PYTHONPATH": str(REPO / "src")}
    started = [subprocess.Popen([sys.executable, "-c", code, f"a{n}"], env=env, cwd=root) for n in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    events = registry.read()
    assert len(events) == 16
    for number in range(3):
        assert sum(event.subject.get("approach") == f"a{number}" for event in events) == 5


@pytest.mark.parametrize("missing", ["model", "split", "cascade"])
def test_where_no_test_image_can_be_opened_nothing_is_recorded(root: Path, stage: Any, missing: str) -> None:
    stage("evaluate")
    if missing == "cascade":
        Path("work/calibrate/cascade/cascade.json").write_text('{"refused": "too few groups need it"}')
    else:
        Path({"model": "work/calibrate/hybrid/model.json", "split": "work/split.json"}[missing]).unlink()
    assert cli.main(["evaluate", "cascade" if missing == "cascade" else "hybrid"]) == 0
    assert not registry.read()

"""What champion and challenger are measured, timed and compared on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise import bundle, golden
from segwise.dataset import coco
from segwise.decision.params import Decision
from segwise.errors import GateRefusedError, IntegrityError, SegwiseError
from segwise.evaluation.params import EvaluateParams
from segwise.gate.params import GateParams
from segwise.gate.promote_params import PromoteParams
from segwise.predict.timing import timed
from segwise.promotion import agreement, contest, evidence, session
from segwise.promotion.contest import Entrant
from segwise.promotion.served import Served
from segwise.spec import read_spec, write_spec
from tests.factory import make_dataset
from tests.model_folder import make_model

REPO = Path(__file__).resolve().parents[2]
COUNT = Decision(kind="count", classes=("disc",), tolerance={"relative": 0.1})
EVALUATE = EvaluateParams(threads=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> coco.Dataset:
    return coco.read(make_dataset(tmp_path_factory.mktemp("data"), num_images=24))


def package(root: Path, gain: float = 8.0, **changes: Any) -> Path:
    """A package's folder, with the code of the working tree."""
    (root / "src").mkdir(parents=True)
    (root / "src/segwise").symlink_to(REPO / "src/segwise")
    make_model(root / bundle.MODEL, gain)
    write_spec(root / bundle.MODEL, read_spec(root / bundle.MODEL).model_copy(update=changes))
    return root


def sums(root: Path, data: coco.Dataset, name: str = "challenger") -> Any:
    return Entrant(name, root / bundle.MODEL, 1).sums(data, data.images, {"discs": COUNT}, EVALUATE)


def test_a_model_against_itself_is_promoted_and_one_that_finds_less_is_not(tmp_path: Path, data: coco.Dataset) -> None:
    same = sums(package(tmp_path / "a"), data)
    worse = sums(package(tmp_path / "b", point={"min_area_px": 200.0}), data)
    gate = GateParams(margins={"tolerance_used": 0.1, "f1": 0.02}, replicates=200)
    found = contest.compared(same, same, {"discs": COUNT}, gate)
    assert [(c.name, c.verdict, c.difference) for c in found] == [
        ("used/discs", "promote", 0.0),
        ("f1", "promote", 0.0),
    ]
    rows = {row.name: row for row in contest.rows(contest.compared(same, worse, {"discs": COUNT}, gate))}
    assert rows["f1"].verdict == "hold"
    assert rows["f1"].difference is not None and rows["f1"].difference < -0.02
    assert rows["used/discs"].words == "discs: decision error" and rows["used/discs"].to_change


def test_figures_that_differ_from_what_was_gated_are_refused_and_named(tmp_path: Path, data: coco.Dataset) -> None:
    gated = sums(package(tmp_path / "a"), data)
    contest.require_same(gated, sums(package(tmp_path / "again"), data))
    with pytest.raises(IntegrityError, match="the model that was gated"):
        contest.require_same(sums(package(tmp_path / "b", point={"min_area_px": 110.0}), data), gated)
    other = replace(gated, file_names=gated.file_names[::-1])
    with pytest.raises(IntegrityError, match="not the same"):
        contest.require_same(gated, other)


def test_a_class_map_in_another_order_is_refused_with_both_lists(tmp_path: Path) -> None:
    one, two = ({"id": 1, "name": "a", "isthing": True}, {"id": 2, "name": "b", "isthing": False})
    champion = Entrant("champion", package(tmp_path / "a") / bundle.MODEL, 1).predictor
    spec = type(champion.spec)
    values = champion.spec.model_dump()
    champion.spec = spec(**{**values, "classes": (one, two)})
    challenger = Entrant("challenger", package(tmp_path / "b") / bundle.MODEL, 1).predictor
    challenger.spec = spec(**{**values, "classes": ({**two, "id": 1}, {**one, "id": 2})})
    with pytest.raises(GateRefusedError, match=r"1 a, 2 b \(region\); got 1 b \(region\), 2 a"):
        contest.require_same_classes(champion, challenger)
    contest.require_same_classes(champion, champion)


def test_a_package_is_timed_in_processes_of_its_own_with_its_own_code(tmp_path: Path, data: coco.Dataset) -> None:
    root = tmp_path / "slow"
    (root / "src").mkdir(parents=True)
    make_model(root / bundle.MODEL)
    code = root / "src/segwise"
    (code / "predict").mkdir(parents=True)
    (code / "__init__.py").touch()
    (code / "predict/__init__.py").touch()
    (code / "predict/predictor.py").write_text(
        "class Predictor:\n"
        "    load = classmethod(lambda cls, folder, threads: cls())\n"
        "    def predict(self, image):\n"
        "        assert image.shape == (96, 128, 3)\n"
    )
    images = [data.pixels(record) for record in data.images[:3]]
    found = session.run(None, root, images, PromoteParams(rounds=2))
    assert found.champion == []
    assert [p.wall_ms.shape for p in found.challenger] == [(3, 2), (3, 2)]
    assert all(p.cpu_ms.max() < 5 and p.peak_memory_mb > 1 for p in found.challenger)  # the stub's, not the network's
    assert session.rows(found, PromoteParams(), None) == []
    told = session.told(found)
    assert (told["noise"], len(told["challenger"]["cpu_times_ms"])) == (None, 12)
    assert told["machine"]["cpu"] and told["machine"]["onnxruntime"] and told["machine"]["threads"] == 1
    assert session.brief(told)["machine"] == told["machine"]
    assert "cpu_times_ms" not in session.brief(told)["challenger"]


def test_a_package_that_cannot_be_timed_says_why(tmp_path: Path, data: coco.Dataset) -> None:
    images = tmp_path / "images.npz"
    np.savez(images, data.pixels(data.images[0]))
    root = package(tmp_path / "broken")
    (root / bundle.MODEL / "model.json").unlink()
    with pytest.raises(SegwiseError, match=r"exit 1: .*model\.json"):
        timed(root / "src", images, warmup=0, rounds=1)


def answers(digest: str, predictions: Any) -> dict[str, Served]:
    return {name: Served(prediction, (digest, digest)) for name, prediction in predictions.items()}


def test_served_is_gated_only_with_one_digest_and_the_same_bytes(tmp_path: Path, data: coco.Dataset) -> None:
    root = package(tmp_path / "a")
    entrant = Entrant("challenger", root / bundle.MODEL, 1)
    entrant.sums(data, data.images[:3], {}, EVALUATE)
    section = golden.record(root / bundle.MODEL, {"g": data.pixels(data.images[5])}, root / golden.FOLDER)
    digest = bundle.write_manifest(root, {"golden": section})
    golden_answer = {"g": entrant.predictor.predict(data.pixels(data.images[5]))}

    def verdicts(asked: agreement.Asked) -> dict[str, str]:
        return {row.name: row.verdict for row in agreement.identity(root, digest, asked, entrant.answers)}

    right = agreement.Asked(answers(digest, entrant.answers), answers(digest, golden_answer))
    assert verdicts(right) == {"digest": "promote", "served_is_gated": "promote", "golden": "promote"}
    stranger = agreement.Asked(
        {**right.test, **answers("0" * 64, dict([next(iter(entrant.answers.items()))]))}, right.golden
    )
    assert verdicts(stranger)["digest"] == "hold"
    first, second, _ = entrant.answers
    swapped = {**entrant.answers, first: entrant.answers[second]}
    assert verdicts(agreement.Asked(answers(digest, swapped), right.golden))["served_is_gated"] == "hold"
    other = answers(digest, {"g": entrant.answers[first]})
    assert verdicts(agreement.Asked(right.test, other))["golden"] == "hold"


def test_images_are_taken_of_every_kind_and_size(data: coco.Dataset) -> None:
    chosen = evidence.varied(data.images, 4)
    assert sorted(record.attributes["modality"] for record in chosen) == ["fluorescence"] * 2 + ["histology"] * 2
    assert len(evidence.varied(data.images, 99)) == len(evidence.spread(data.images, 99)) == 24
    assert evidence.spread([], 3) == evidence.varied([], 3) == []


def test_an_attribute_of_every_images_own_hides_no_kind(data: coco.Dataset) -> None:
    """By day alone, the first 4 in the alphabet would be taken: they are all of one kind."""
    kinds = ["fluorescence"] * 20 + ["histology"] * 3 + ["brightfield"]
    records = [
        replace(record, attributes={"day": f"{number:02}", "modality": kind})
        for number, (record, kind) in enumerate(zip(data.images, kinds, strict=True))
    ]
    assert {r.attributes["modality"] for r in evidence.varied(records, 4)} == set(kinds)


def test_images_with_and_without_labels_are_taken(data: coco.Dataset) -> None:
    """Where nothing is to be seen, no fault of the preprocessing shows."""
    empty = [replace(record, annotations=()) for record in data.images[:23]]
    for records in ([*empty, data.images[23]], [data.images[23], *empty]):
        assert data.images[23] in evidence.varied(records, 3)
    assert [r for r in evidence.varied([empty[0], *data.images[1:]], 3) if not r.annotations] == [empty[0]]


def test_chosen_images_are_spread_over_their_sizes(data: coco.Dataset) -> None:
    records = [replace(r, width=100 + n, attributes={}) for n, r in enumerate(data.images)]
    assert [r.width - 100 for r in evidence.varied(records, 3)] == [12, 6, 18]


@pytest.mark.parametrize(
    ("decision", "old", "new", "changes"),
    [
        (COUNT, 20, 22, 0.0),
        (COUNT, 20, 23, 3.0),
        (Decision(kind="count", tolerance={"absolute": 2}), 20, 22, 0.0),
        (Decision(kind="count", tolerance={"absolute": 2}), 20, 17, 3.0),
        (Decision(kind="count", tolerance={"relative": 0.1}, action="if count(disc) < 21 then repeat"), 20, 22, 1.0),
    ],
)
def test_an_answer_changes_if_something_else_would_be_done(
    decision: Decision, old: int, new: int, changes: float
) -> None:
    assert evidence.change_of(decision, said(old, decision), said(new, decision)).tolist() == [changes]


def said(count: int, decision: Decision) -> Any:
    from segwise.decision.score import Answers

    counts = np.full((1, 2, 1, 1), count)
    acts = np.array([[False, bool(decision.action) and count < 21]])
    return Answers(counts, np.zeros((1, 2, 1, 1)), counts > 0, acts, np.zeros((1, 3), dtype=np.int64))

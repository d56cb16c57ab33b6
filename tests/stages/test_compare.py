"""`compare` reads what was measured and writes pages that stand alone, whatever else the run left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwise.dataset.params import DataParams
from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.evaluation.params import EvaluateParams
from segwise.report.params import CompareParams
from segwise.spec import canonical_json
from segwise.stages import compare, evaluate
from tests.model_folder import make_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools 2.0.11
DECISIONS = {
    "discs": Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.9}}),
    "covered": Decision(kind="coverage"),
    "any": Decision(kind="presence"),
}
PARAMS = EvaluateParams(replicates=20, confidence=0.6)  # so that the few test images are enough
COSTS = {"semantic": 0.05, "instance": 0.2}


@pytest.fixture
def data(tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataParams:
    """Two measured candidates, timed, in `tmp_path/work`."""
    monkeypatch.chdir(tmp_path)
    params = DataParams(dir=str(tiny_dataset))
    names = sorted(p.name for p in (tiny_dataset / "images").iterdir())
    for candidate, gain in (("semantic", 8.0), ("instance", 3.0)):
        make_model(Path("work/calibrate") / candidate, gain)
    Path("work/split.json").write_text(canonical_json({"train": names[:6], "val": [], "test": names[6:]}))
    for candidate in COSTS:
        evaluate.run(candidate, params, PARAMS, DECISIONS)
    timed = {
        c: {"p50_ms": 900 * s, "p95_ms": 1000 * s, "cpu_s_per_image": s, "model_mb": 1.0} for c, s in COSTS.items()
    }
    Path("work/benchmark.json").write_text(canonical_json({"approaches": timed, "threads": 1}))
    return params


def test_before_any_evaluation_it_says_what_to_run(
    tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IntegrityError, match="dvc repro evaluate"):
        compare.run(DataParams(dir=str(tiny_dataset)), DECISIONS, PARAMS, CompareParams())


def test_every_candidate_is_held_against_every_decision_and_has_its_worst_images(data: DataParams) -> None:
    told = compare.run(data, DECISIONS, PARAMS, CompareParams(num_worst=2))
    result = json.loads(Path("work/compare/compare.json").read_text(encoding="utf-8"))
    assert set(result["decisions"]) == set(DECISIONS)
    assert all(set(own["candidates"]) == set(COSTS) for own in result["decisions"].values())
    assert result["decisions"]["discs"]["winner"] == "semantic"
    assert "discs: semantic" in told["summary"]
    page = Path("work/compare/index.html").read_text(encoding="utf-8")
    assert page.index("Use semantic") < page.index("Everything, side by side")
    for candidate in COSTS:
        worst = Path(f"work/compare/worst_{candidate}.html").read_text(encoding="utf-8")
        assert worst.count('class="shot" viewBox') == 2
        assert "The worst 2 of 6 test images" in worst


def test_the_same_measurements_give_the_same_bytes(data: DataParams) -> None:
    folder, written = Path("work/compare"), []
    for _ in range(2):
        compare.run(data, DECISIONS, PARAMS, CompareParams(num_worst=1))
        written.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"compare.json", "index.html", "worst_semantic.html", "worst_instance.html"}


def test_training_minutes_are_those_of_every_network_a_candidate_takes(data: DataParams) -> None:
    for network, minutes in (("dense", 6.0), ("instance", 5.0)):
        folder = Path("work/train") / network
        folder.mkdir(parents=True)
        (folder / "minutes.json").write_text(canonical_json({"minutes": minutes}))
    found = {c: compare._costs(c, {})["train_minutes"] for c in ("semantic", "hybrid", "instance", "cascade")}
    assert found == {"semantic": 6, "hybrid": 6, "instance": 5, "cascade": 11}
    Path("work/train/instance/minutes.json").unlink()
    assert compare._costs("cascade", {})["train_minutes"] is None


def test_a_refused_cascade_does_not_compete_and_its_reason_is_told(data: DataParams) -> None:
    folder = Path("work/evaluate/cascade")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(canonical_json({"refused": "triggers on 90 % of the images"}))
    result = compare.run(data, DECISIONS, PARAMS, CompareParams(num_worst=1))
    assert result["refused"] == {"cascade": "triggers on 90 % of the images"}
    assert "triggers on 90 % of the images" in Path("work/compare/index.html").read_text(encoding="utf-8")
    assert not Path("work/compare/worst_cascade.html").exists()


def test_advice_stands_beside_the_measurement(data: DataParams) -> None:
    folder = Path("work/advice")
    folder.mkdir()
    advice = {"discs": {"recommend": "instance", "sentences": [{"text": "Discs touch.", "numbers": {}}]}}
    (folder / "advice.json").write_text(canonical_json({"decisions": advice}))
    ceiling = {"error": 0.01, "used": 0.01, "met": "met"}
    ceilings = {"num_images": 12, "candidates": {"instance": {"decisions": {"discs": ceiling}}}}
    (folder / "ceilings.json").write_text(canonical_json(ceilings))
    compare.run(data, DECISIONS, PARAMS, CompareParams(num_worst=1))
    page = Path("work/compare/index.html").read_text(encoding="utf-8")
    assert "They part: instance was advised" in page
    assert "Discs touch." in page


def test_a_stale_page_of_a_candidate_that_is_gone_is_removed(data: DataParams) -> None:
    stale = Path("work/compare/worst_hybrid.html")
    stale.parent.mkdir()
    stale.write_text("old")
    compare.run(data, DECISIONS, PARAMS, CompareParams(num_worst=1))
    assert not stale.exists()

"""calibrate, evaluate, benchmark and predict on a tiny data set with tiny graphs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError, IntegrityError, UsageError
from segwise.evaluation.params import BenchmarkParams, EvaluateParams
from segwise.evaluation.sums import read_sums
from segwise.predict.params import CalibrateApproach, CalibrateParams
from segwise.predict.predictor import Predictor
from segwise.spec import read_spec
from segwise.stages import benchmark, calibrate, evaluate, predict
from tests.factory import read_labels, write_labels
from tests.predict.cascades import write_tiny_cascade
from tests.predict.graphs import write_model

QUICK = CalibrateApproach(zooms=(1.0, 2.0), sweeps=1, threads=1)
PARAMS = CalibrateParams(semantic=QUICK, hybrid=QUICK, instance=QUICK)
DECISIONS = {"discs": Decision(kind="count")}


@pytest.fixture
def workplace(tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository root with data/, work/split.json and three exported models."""
    root = tiny_dataset.parent
    monkeypatch.chdir(root)
    images = read_labels(tiny_dataset)["images"]
    names = {part: sorted(i["file_name"] for i in images if i["split"] == part) for part in ("train", "val", "test")}
    Path("work").mkdir()
    Path("work/split.json").write_text(json.dumps(names))
    for approach in ("semantic", "hybrid", "instance"):
        write_model(Path("work/convert") / approach, approach)
    return root


def calibrated(approach: str) -> dict[str, Any]:
    return calibrate.run(approach, DataParams(), PARAMS, DECISIONS)


@pytest.mark.parametrize("approach", ["semantic", "hybrid", "instance"])
def test_a_calibrated_folder_loads_and_holds_the_fitted_point(workplace: Path, approach: str) -> None:
    result = calibrated(approach)
    predictor = Predictor.load(Path("work/calibrate") / approach)
    assert predictor.spec.point == result["best"]["point"]
    assert predictor.spec.zoom == result["best"]["zoom"]
    stored = json.loads((Path("work/calibrate") / approach / "calibration.json").read_text())
    assert stored["best"]["score"] == max(t["score"] for t in stored["trials"] if t["zoom"] == result["best"]["zoom"])


def test_calibration_never_scores_below_the_defaults(workplace: Path) -> None:
    whole = calibrated("hybrid")["trials"][0]["score"]
    frozen = CalibrateApproach(
        zooms=(1.0,), grid=dict.fromkeys(("method", "foreground", "peak", "radius_px", "core"), ())
    )
    frozen = frozen.model_copy(update={"grid": {**frozen.grid, "min_area_px": (), "min_score": ()}})
    default = calibrate.run("hybrid", DataParams(), CalibrateParams(hybrid=frozen), DECISIONS)["best"]
    assert default["num_tried"] <= 2
    assert whole >= default["score"]


def test_the_point_is_fitted_to_the_stated_decisions(workplace: Path) -> None:
    def fitted(**keys: Any) -> dict[str, float]:
        decisions = {"mine": Decision.model_validate(keys)}
        best = calibrate.run("semantic", DataParams(), PARAMS, decisions)["best"]
        return dict(best["figures"])

    counted, large, items = fitted(kind="count"), fitted(kind="count", min_area_px=200), fitted(kind="itemize")
    assert counted["tolerance_used"] == pytest.approx(counted["count_error"] / 0.10, abs=1e-5)
    assert counted["tolerance_used"] != large["tolerance_used"]
    assert items["tolerance_used"] == pytest.approx((1 - items["f1"]) / (1 - 0.85), abs=1e-4)


def test_what_several_decisions_use_of_their_tolerances_is_the_mean(workplace: Path) -> None:
    alone = {"count": Decision(kind="count"), "cover": Decision(kind="coverage")}
    frozen = CalibrateApproach(zooms=(1.0,), grid=dict.fromkeys(("foreground", "object_foreground"), ()))
    frozen = frozen.model_copy(update={"grid": {**frozen.grid, "min_area_px": (), "min_score": ()}})

    def used(decisions: dict[str, Decision]) -> float:
        result = calibrate.run("semantic", DataParams(), CalibrateParams(semantic=frozen), decisions)
        return float(result["best"]["figures"]["tolerance_used"])

    singly = [used({name: decision}) for name, decision in alone.items()]
    assert singly[0] != singly[1]
    assert used(alone) == pytest.approx(sum(singly) / 2, abs=1e-6)


def test_a_decision_about_an_unknown_class_is_refused_before_anything_is_fitted(workplace: Path) -> None:
    with pytest.raises(UsageError, match="name one of: disc"):
        calibrate.run("hybrid", DataParams(), PARAMS, {"mine": Decision(kind="count", classes=("screw",))})
    assert not Path("work/calibrate").exists()


def test_a_tie_goes_to_the_cheaper_zoom() -> None:
    trials: list[dict[str, Any]] = [{"zoom": z, "score": s} for z, s in ((1.0, 0.8), (1.5, 0.804), (2.0, 0.81))]
    assert calibrate.choose(trials, 0.005)["zoom"] == 2.0
    assert calibrate.choose(trials[:2], 0.005)["zoom"] == 1.0


def test_calibrating_and_evaluating_twice_writes_the_same_bytes(workplace: Path) -> None:
    runs = []
    for _ in range(2):
        calibrated("semantic")
        evaluate.run("semantic", DataParams(), EvaluateParams(replicates=10))
        paths = ("work/calibrate/semantic/model.json", "work/evaluate/semantic/metrics.json",
                 "work/calibrate/semantic/calibration.json", "work/evaluate/semantic/per_image.parquet",
                 "work/evaluate/semantic/sums.npz")  # fmt: skip
        runs.append([Path(p).read_bytes() for p in paths])
    assert runs[0] == runs[1]


def test_metrics_have_every_key_the_gate_reads(workplace: Path) -> None:
    calibrated("hybrid")
    evaluate.run("hybrid", DataParams(), EvaluateParams(replicates=10))
    metrics = json.loads(Path("work/evaluate/hybrid/metrics.json").read_text())
    wanted = {
        "miou", "foreground_iou", "dice", "ap", "ap50", "ap75", "pq", "f1", "dsb", "count_error", "count_mape",
        "count_bias", "count_exact_rate", "coverage_error", "num_images", "intervals", "per_class", "slices",
        "boundary_f", "merge_rate", "split_rate", "class_error", "splitting_error", "calibration_error",
    }  # fmt: skip
    assert wanted <= metrics.keys()
    assert set(metrics["slices"]["modality"]) == {"fluorescence", "histology"}
    rows = pd.read_parquet("work/evaluate/hybrid/per_image.parquet")
    assert len(rows) == metrics["num_images"]
    assert rows.file_name.is_monotonic_increasing


def test_decisions_are_answered_image_by_image(workplace: Path) -> None:
    calibrated("hybrid")
    decisions = {"number": Decision.model_validate({"kind": "count", "action": "if count() > 3 then act"})}
    metrics = evaluate.run("hybrid", DataParams(), EvaluateParams(replicates=10), decisions)["metrics"]
    told, sums = metrics["decisions"]["number"], read_sums(Path("work/evaluate/hybrid/sums.npz"))
    rows = pd.read_parquet("work/evaluate/hybrid/per_image.parquet")
    assert rows.file_name.tolist() == sums.file_names.tolist()
    assert rows["number.true"].tolist() == sums.asked["number"].counts[:, 0].sum(axis=(1, 2)).tolist()
    assert told["mae"] == pytest.approx(rows["number.error"].mean(), abs=1e-6)
    assert told["error"] == pytest.approx(metrics["count_error"])
    assert told["accuracy"] == pytest.approx((rows["number.acts_true"] == rows["number.acts_predicted"]).mean())
    assert not rows.escalated.any() and metrics["escalated_share"] == 0


def test_a_refused_cascade_is_not_measured_but_told_of(workplace: Path) -> None:
    folder = Path("work/calibrate/cascade")
    folder.mkdir(parents=True)
    (folder / "cascade.json").write_text(json.dumps({"refused": "it saves 1 %"}))
    decisions = {"number": Decision(kind="count")}
    assert "it saves 1 %" in evaluate.run("cascade", DataParams(), EvaluateParams(), decisions)["summary"]
    calibrated("semantic")
    evaluate.run("semantic", DataParams(), EvaluateParams(replicates=2), decisions)
    out = {name: Path("work/evaluate") / name for name in ("cascade", "semantic")}
    assert json.loads((out["cascade"] / "metrics.json").read_text()) == {"refused": "it saves 1 %"}
    rows = {name: pd.read_parquet(path / "per_image.parquet") for name, path in out.items()}
    assert len(rows["cascade"]) == 0
    assert sorted(rows["cascade"].columns) == sorted(rows["semantic"].columns)
    with pytest.raises(IntegrityError, match="sums"):
        read_sums(out["cascade"] / "sums.npz")


def test_a_cascade_is_measured_and_timed_with_the_share_of_images_that_it_escalates(workplace: Path) -> None:
    cascade = write_tiny_cascade(Path("work/calibrate/cascade"), "count()", 5)
    metrics = evaluate.run("cascade", DataParams(), EvaluateParams(replicates=2))["metrics"]
    rows = pd.read_parquet("work/evaluate/cascade/per_image.parquet")
    predictor = Predictor.load(cascade)
    images = {r.file_name: r for r in coco.read(Path("data")).images}
    asked = [predictor.predict(coco.read(Path("data")).pixels(images[name])).escalated for name in rows.file_name]
    assert rows.escalated.tolist() == asked and 0 < sum(asked) < len(asked)
    assert metrics["escalated_share"] == pytest.approx(np.mean(asked), abs=1e-6)
    told = benchmark.run(DataParams(), BenchmarkParams(rounds=1, warmup=0))["approaches"]["cascade"]
    assert told["escalated_share"] == metrics["escalated_share"]
    graphs = [cascade / part / "model.onnx" for part in ("cheap", "instance")]
    assert told["model_mb"] == pytest.approx(sum(g.stat().st_size for g in graphs) / 1e6, abs=1e-3)


def test_a_slice_the_model_understands_is_measured_better(workplace: Path) -> None:
    calibrated("semantic")  # bright pixels are foreground: right on fluorescence, inverted on histology
    slices = evaluate.run("semantic", DataParams(), EvaluateParams(replicates=0))["metrics"]["slices"]["modality"]
    assert slices["fluorescence"]["foreground_iou"] > 0.7 > slices["histology"]["foreground_iou"]


def test_an_empty_test_split_is_refused_with_a_remedy(workplace: Path) -> None:
    Path("work/split.json").write_text(json.dumps({"train": [], "val": [], "test": []}))
    with pytest.raises(DataInvalidError, match="validation split"):
        calibrated("semantic")
    with pytest.raises(DataInvalidError, match="test split"):
        evaluate.run("semantic", DataParams(), EvaluateParams())


def test_every_calibrated_approach_is_timed_and_weighed(workplace: Path) -> None:
    for approach in ("semantic", "instance"):
        calibrated(approach)
    params = BenchmarkParams(max_images=2, rounds=2, warmup=1, side_px=64)
    benchmark.run(DataParams(), params)
    result = json.loads(Path("work/benchmark.json").read_text())
    assert set(result["approaches"]) == {"semantic", "instance"}
    assert (result["threads"], result["image_sizes"]) == (1, ["64x64"])
    for figures in result["approaches"].values():
        assert len(figures["latencies_ms"]) == 4
        assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]
        assert 0 < figures["cpu_s_per_image"] and figures["jitter"] >= 1
        assert 20 < figures["peak_memory_mb"] < 2000
        assert figures["cold_start_ms"] > figures["p50_ms"]
        assert figures["model_mb"] >= 0


def test_the_timed_images_are_spread_over_the_sizes_of_the_test_split(workplace: Path) -> None:
    names = [f"size_{i:02}.png" for i in range(10)]
    for index, name in enumerate(names):
        Image.new("RGB", (40, 20 + 10 * ((7 * index) % 10))).save(Path("data/images") / name)
    labels = read_labels(Path("data"))
    labels["images"] += [
        {"id": 1000 + i, "file_name": n, "width": 40, "height": 20 + 10 * ((7 * i) % 10)} for i, n in enumerate(names)
    ]
    write_labels(Path("data"), labels)
    Path("work/split.json").write_text(json.dumps({"train": [], "val": [], "test": names}))
    heights = [i.shape[0] for i in benchmark._images(DataParams(), BenchmarkParams(max_images=5))]
    assert heights == [30, 50, 70, 90, 110]
    assert len(benchmark._images(DataParams(), BenchmarkParams(max_images=99))) == 10


def test_without_a_model_the_benchmark_says_what_to_run(workplace: Path) -> None:
    with pytest.raises(IntegrityError, match="dvc repro"):
        benchmark.run(DataParams(), BenchmarkParams())


@pytest.mark.parametrize("size", [(300, 200), (40, 500), (256, 256), (7, 9)])
def test_timed_images_have_one_size_and_keep_their_resolution(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    fitted = benchmark.fitted(image, 256)
    assert fitted.shape == (256, 256, 3)
    if size == (256, 256):
        assert np.array_equal(fitted, image)


def test_predict_writes_a_line_and_a_picture_per_image(workplace: Path) -> None:
    result = predict.run([Path("data/images")], Path("work/convert/hybrid"), Path("out"))
    lines = [json.loads(line) for line in Path("out/predictions.jsonl").read_text().splitlines()]
    assert len(lines) == result["num_images"] == len(list(Path("out/overlays").glob("*.png"))) == 12
    assert result["num_objects"] == sum(sum(line["counts"].values()) for line in lines) > 0
    assert read_spec(Path("work/convert/hybrid")).classes[0].name in lines[0]["counts"]


def test_predicted_rles_decode_to_the_stated_areas_and_boxes(workplace: Path) -> None:
    from pycocotools import mask as coco_mask

    predict.run([Path("data/images/image_000.png")], Path("work/convert/semantic"), Path("out"))
    found = json.loads(Path("out/predictions.jsonl").read_text())["objects"]
    assert found
    for item in found:
        mask = coco_mask.decode(item["rle"]).astype(bool)
        rows, columns = np.nonzero(mask)
        assert mask.sum() == item["area_px"]
        assert item["box_xyxy"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_predict_names_a_path_that_does_not_exist(workplace: Path) -> None:
    with pytest.raises(DataInvalidError, match="nowhere"):
        predict.run([Path("nowhere")], Path("work/convert/hybrid"), Path("out"))
    Path("empty").mkdir()
    with pytest.raises(DataInvalidError, match="none in"):
        predict.find_images([Path("empty")])


def test_files_of_one_stem_get_pictures_of_their_own(workplace: Path) -> None:
    Path("other").mkdir()
    source = Path("data/images/image_000.png")
    (Path("other") / source.name).write_bytes(source.read_bytes())
    predict.run([source, Path("other")], Path("work/convert/semantic"), Path("out"))
    assert sorted(p.name for p in Path("out/overlays").iterdir()) == ["image_000.png", "image_000_2.png"]


def test_no_numbered_name_is_one_that_another_file_has() -> None:
    files = [Path("a/x.png"), Path("b/x.png"), Path("b/x_2.png"), Path("c/x.tif")]
    assert [name for name, _ in predict._named(files)] == ["x", "x_3", "x_2", "x_4"]

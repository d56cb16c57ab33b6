from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from segwise.evaluation.precision import AREAS_PX, average_precision, detections, rank
from segwise.types import Objects
from tests.evaluation.scenes import coco_documents, scene

Scenes = list[tuple[Objects, Objects]]


def ours(scenes: Scenes, num_classes: int) -> np.ndarray:
    """AP by class, area and threshold."""
    ones = np.ones(len(scenes), dtype=np.int64)
    return np.stack(
        [average_precision(rank([detections(p, t, c) for t, p in scenes]), ones) for c in range(1, num_classes + 1)]
    )


def reference(scenes: Scenes, num_classes: int) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset, results = coco_documents(scenes, num_classes)
        coco.createIndex()
        run: Any = COCOeval(coco, coco.loadRes(results), "segm")
        run.params.maxDets = [10_000]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][..., -1].mean(axis=1)  # (T, R, K, A) over R
    return np.where(precision > -1, precision, np.nan).transpose(1, 2, 0)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_ap_agrees_with_pycocotools_by_class_size_and_threshold(seed: int, tied: bool) -> None:
    scenes = [scene(100 * seed + i, tied=tied) for i in range(12)]
    if tied:  # among equal scores both keep the order given; ours is by box, so give it to both
        scenes = [(t, p.select(np.lexsort((p.areas_px, *p.boxes_xyxy.T[::-1])))) for t, p in scenes]
    assert np.allclose(ours(scenes, 2), reference(scenes, 2), atol=1e-6, equal_nan=True)


def test_ap_agrees_with_faster_coco_eval() -> None:
    from faster_coco_eval import COCO, COCOeval_faster

    scenes = [scene(i, num_classes=1, crowds=False) for i in range(20)]
    document, results = coco_documents(scenes, 1)
    for item in [*document["annotations"], *results]:
        item["segmentation"]["counts"] = item["segmentation"]["counts"].decode("ascii")
    coco = COCO(document)
    run = COCOeval_faster(coco, coco.loadRes(results), "segm", print_function=lambda *_: None)
    run.params.maxDets = [10_000]
    run.evaluate()
    run.accumulate()
    assert ours(scenes, 1)[0, 0].mean() == pytest.approx(run.eval["precision"][:, :, 0, 0, -1].mean(), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_ap_agrees_with_hotcoco(seed: int) -> None:
    from hotcoco import COCO, COCOeval

    scenes = [scene(100 * seed + i) for i in range(12)]
    document, results = coco_documents(scenes, 2)
    for item in [*document["annotations"], *results]:
        item["segmentation"]["counts"] = item["segmentation"]["counts"].decode("ascii")
    coco = COCO(document)
    run = COCOeval(coco, coco.load_res(results), "segm")
    run.params.max_dets = [10_000]
    run.evaluate()
    run.accumulate()
    precision = np.asarray(run.eval["precision"])[..., -1].mean(axis=1)  # (T, R, K, A) over R
    expected = np.where(precision > -1, precision, np.nan).transpose(1, 2, 0)
    assert np.allclose(ours(scenes, 2), expected, atol=1e-6, equal_nan=True)


def test_no_detection_is_lost_to_a_cap() -> None:
    masks = [np.zeros((60, 60), dtype=bool) for _ in range(400)]
    for index, mask in enumerate(masks):
        y, x = divmod(index, 20)
        mask[3 * y : 3 * y + 2, 3 * x : 3 * x + 2] = True
    many = Objects.from_masks(masks, [1] * 400, np.linspace(1, 0.1, 400), (60, 60))
    assert ours([(many, many)], 1)[0, 0].mean() == pytest.approx(1.0)


def test_without_predictions_ap_is_zero_and_without_labels_undefined() -> None:
    truth, _ = scene(1, crowds=False)
    nothing = Objects.from_masks([], [], [], truth.size)
    assert ours([(truth, nothing)], 1)[0, 0].tolist() == [0.0] * 10
    assert np.isnan(ours([(nothing, truth)], 1)).all()


def test_a_weight_counts_an_image_as_often_as_a_copy_would() -> None:
    scenes = [scene(i, num_classes=1) for i in range(6)]
    weights = np.array([2, 0, 1, 3, 0, 1])
    copies = [s for s, weight in zip(scenes, weights, strict=True) for _ in range(weight)]
    ranking = rank([detections(p, t, 1) for t, p in scenes])
    weighted = average_precision(ranking, weights, tuple(AREAS_PX))
    assert np.allclose(weighted, ours(copies, 1)[0], atol=1e-12, equal_nan=True)

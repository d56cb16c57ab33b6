"""Suspects: errors planted in the labels of made-up images come first, under their name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import suspects as planting
from segwise.evaluation.matching import intersections
from segwise.labels.suspects import disputes, outlines
from segwise.labels.suspects.quality import image_quality
from segwise.labels.suspects.ranking import Suspect, judge, rank
from segwise.labels.suspects.scene import Scene, shown
from segwise.labels.suspects.track_record import chances, logit
from segwise.types import IGNORE_INDEX, ClassInfo, Objects
from tests.factory import make_dataset, read_labels
from tests.predict.synthetic import discs, label_map

SIZE, NUM_IMAGES = (96, 128), 8
CLASSES = (ClassInfo(1, "cat", True), ClassInfo(2, "dog", True))
Masks = list[NDArray[np.bool_]]
Labelled = tuple[Masks, list[int]]


def truth(seed: int) -> Objects:
    return discs(SIZE, 9, seed, num_classes=2, radius=(8, 13))


def model_of(objects: Objects, seed: int) -> tuple[Objects, NDArray[np.float32]]:
    """A good, unsure model: every object with a score from 0.7 to 0.95, soft edges, and one weak false alarm."""
    random = np.random.default_rng(100 + seed)
    labels = label_map(objects)
    free = cv2.dilate((labels > 0).astype(np.uint8), np.ones((15, 15), np.uint8)) == 0
    rows, columns = np.nonzero(free)
    alarm = np.zeros(SIZE, dtype=bool)
    if rows.size:
        pick = int(random.integers(rows.size))
        alarm[max(rows[pick] - 4, 0) : rows[pick] + 4, max(columns[pick] - 4, 0) : columns[pick] + 4] = True
    masks = [*objects.masks(), alarm]
    scores = [*random.uniform(0.7, 0.95, len(objects)).tolist(), 0.45]
    predicted = Objects.from_masks(masks, [*objects.class_ids.tolist(), 1], scores, SIZE)
    planes = np.zeros((3, *SIZE), dtype=np.float32)
    for mask, class_id, score in zip(masks, [*objects.class_ids.tolist(), 1], scores, strict=True):
        planes[class_id] = np.maximum(planes[class_id], cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1) * score)
    planes = np.maximum(planes, 0.02)
    planes[0] = 1 - np.minimum(planes[1:].sum(axis=0), 0.98)
    return predicted, planes / planes.sum(axis=0)


def scene_of(name: str, seed: int, labelled: Labelled, ids: Sequence[int] | None = None) -> Scene:
    masks, classes = labelled
    labels = Objects.from_masks(masks, classes, [1.0] * len(masks), SIZE)
    predicted, probabilities = model_of(truth(seed), seed)
    class_map = np.zeros(SIZE, dtype=np.uint8)
    for mask, class_id in zip(masks, classes, strict=True):
        class_map[mask] = class_id
    numbers = np.array(ids if ids is not None else range(100, 100 + len(masks)), dtype=np.int64)
    shared = intersections(predicted, labels)
    return Scene(name, labels, numbers, predicted, shared, probabilities, class_map, CLASSES)


def sound(seed: int) -> Labelled:
    objects = truth(seed)
    return list(objects.masks()), objects.class_ids.tolist()


def ranked(spoil: Callable[[Labelled], Labelled] | None = None) -> list[Suspect]:
    """The suspects of eight images, of which the first has spoiled labels."""
    scenes = [scene_of(f"{i}.png", i, sound(i)) for i in range(NUM_IMAGES)]
    if spoil is not None:
        scenes[0] = scene_of("0.png", 0, spoil(sound(0)))
    return rank([judge(scene) for scene in scenes], CLASSES)


def delete(labelled: Labelled) -> Labelled:
    return labelled[0][1:], labelled[1][1:]


def invent(labelled: Labelled) -> Labelled:
    masks, classes = labelled
    taken = cv2.dilate(np.logical_or.reduce(masks).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    for top, left in ((y, x) for y in range(0, 80, 4) for x in range(0, 110, 4)):
        mask = np.zeros(SIZE, dtype=bool)
        mask[top : top + 14, left : left + 14] = True
        if not (mask & taken).any():
            return [mask, *masks], [1, *classes]
    raise AssertionError("no room for a label")


def swap(labelled: Labelled) -> Labelled:
    return labelled[0], [3 - labelled[1][0], *labelled[1][1:]]


def merge(labelled: Labelled) -> Labelled:
    masks, classes = labelled
    return [masks[0] | masks[2], masks[1], *masks[3:]], [classes[0], classes[1], *classes[3:]]


def halve(labelled: Labelled) -> Labelled:
    masks, classes = labelled
    columns = np.flatnonzero(masks[0].any(axis=0))
    left = np.arange(SIZE[1])[None, :] < (columns[0] + columns[-1] + 1) // 2
    return [masks[0] & left, masks[0] & ~left, *masks[1:]], [classes[0], *classes]


def shift(labelled: Labelled) -> Labelled:
    masks, classes = labelled
    others = np.logical_or.reduce(masks[1:])
    return [np.roll(masks[0], 6, axis=1) & ~others, *masks[1:]], classes


@pytest.mark.parametrize(
    ("spoil", "kind", "ids"),
    [
        (delete, "missed", ()),
        (invent, "phantom", (100,)),
        (swap, "class", (100,)),
        (merge, "merged", (100,)),
        (halve, "split", (100, 101)),
        (shift, "outline", (100,)),
    ],
)
def test_a_planted_error_is_the_first_suspect_with_its_name_and_object(
    spoil: Callable[[Labelled], Labelled], kind: str, ids: tuple[int, ...]
) -> None:
    first, *others = ranked(spoil)
    assert (first.file_name, first.kind, first.object_ids) == ("0.png", kind, ids)
    assert all(first.score > other.score for other in others)


def test_sound_labels_give_only_low_scores() -> None:
    planted = {spoil.__name__: ranked(spoil)[0].score for spoil in (delete, invent, swap, halve)}
    assert max((s.score for s in ranked()), default=0.0) < min(planted.values())


def test_a_label_is_suspected_once_in_its_most_suspicious_role() -> None:
    found = ranked(lambda labelled: shift(swap(labelled)))
    numbers = [(s.file_name, number) for s in found for number in s.object_ids]
    assert len(numbers) == len(set(numbers))


def test_scores_do_not_depend_on_the_order_of_the_images() -> None:
    judged = [judge(scene_of(f"{i}.png", i, delete(sound(i)))) for i in range(4)]
    assert [(s.file_name, s.kind, s.place) for s in rank(judged, CLASSES)] == [
        (s.file_name, s.kind, s.place) for s in rank(judged[::-1], CLASSES)
    ]


def test_images_that_were_trained_on_are_judged_apart() -> None:
    """A model that repeats its training labels must not make doubts on new images look rarer than they are."""
    new = [judge(scene_of(f"{i}.png", i, delete(sound(i)) if i < 2 else sound(i))) for i in range(4)]
    seen = [replace(judge(scene_of(f"{i}.png", i, sound(i))), is_trained=True) for i in range(4, 8)]
    alone = {s.place: s.score for s in rank(new, CLASSES)}
    together = {s.place: s.score for s in rank([*new, *seen], CLASSES) if not s.is_trained}
    assert together == alone


def test_an_ignored_region_answers_every_prediction_under_it() -> None:
    masks, classes = delete(sound(0))
    hidden = sound(0)[0][0]
    plain = scene_of("0.png", 0, ([hidden, *masks], [1, *classes]))
    labels = replace(plain.labels, is_crowd=np.arange(len(plain.labels)) == 0)
    class_map = np.where(hidden, IGNORE_INDEX, plain.class_map).astype(np.uint8)
    kinds = [(k, p.predicted) for k, p, _ in disputes.disputes(replace(plain, labels=labels, class_map=class_map)) if p]
    index = int(plain.shared[:, 0].argmax())
    assert ("missed", (index,)) not in kinds
    without = scene_of("0.png", 0, (masks, classes))
    assert ("missed", (index,)) in [(k, p.predicted) for k, p, _ in disputes.disputes(without) if p]


def test_a_label_under_smaller_ones_is_judged_by_the_pixels_it_shows() -> None:
    big, small, covered = np.zeros((3, *SIZE), dtype=bool)
    big[10:60, 10:60], small[20:30, 20:30], covered[22:25, 22:25] = True, True, True
    things = Objects.from_masks([big, covered, small, covered], [1, 2, 2, 2], [1.0] * 4, SIZE)
    seen, ids = shown(things, np.array([7, 8, 9, 10]), CLASSES)
    assert ids.tolist() == [7, 9, 10]
    assert seen.areas_px.tolist() == [2500 - 100, 100 - 9, 9]
    assert np.array_equal(seen.masks()[0], big & ~small)


def test_an_area_of_another_class_is_found_where_nothing_is_counted() -> None:
    classes = (ClassInfo(1, "road", False), ClassInfo(2, "grass", False))
    class_map = np.ones(SIZE, dtype=np.uint8)
    class_map[:, 64:] = 2
    wrong = class_map.copy()
    wrong[30:60, 80:110] = 1
    model = np.stack([(class_map == c) * 0.9 + 0.05 for c in range(3)]).astype(np.float32)
    model[:, :2] = np.stack([np.full((2, SIZE[1]), p) for p in (0.9, 0.05, 0.05)])  # a sliver: a dispute about an edge
    nothing = Objects.from_masks([], [], [], SIZE)
    empty = np.zeros((0, 0), dtype=np.int64)
    scene = Scene("a.png", nothing, np.zeros(0, dtype=np.int64), nothing, empty, model, wrong, classes)
    found = rank([judge(scene)], classes)
    assert [(s.kind, s.label_class, s.model_class, s.place.box_xyxy) for s in found] == [
        ("region", "road", "grass", (80, 30, 110, 60))
    ]
    assert found[0].place.mask is not None and found[0].place.mask.all()


def test_an_outline_in_dispute_weighs_pixels_by_the_models_certainty() -> None:
    label, predicted = np.zeros((2, 10, 10), dtype=bool)
    label[2:8, 2:8], predicted[2:8, 4:10] = True, True
    sure = outlines.Pair(label, predicted, predicted.astype(np.float32))
    unsure = outlines.Pair(label, predicted, np.full((10, 10), 0.5, dtype=np.float32))
    assert sure.features() == pytest.approx((24 / 48, 24 / 48))
    assert unsure.features() == pytest.approx((24 / 48, 12 / 48))


def test_chances_follow_bayes_where_a_feature_says_nothing() -> None:
    flat = np.zeros((40, 1))
    assert chances(flat, np.zeros((40, 1))) == pytest.approx(np.full(40, 0.05 / 1.05), abs=0.005)


def test_chances_agree_with_a_reference_fit() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    questioned, agreed = random.normal(0, 1, (400, 2)), random.normal(1.5, 1, (400, 2))
    both, is_error = np.concatenate([questioned, agreed]), np.repeat([0, 1], 400)
    reference = LogisticRegression(C=1e6).fit(both, is_error, np.where(is_error, 0.05, 1.0))
    expected = reference.predict_proba(questioned)[:, 1]
    assert np.abs(chances(questioned, agreed) - expected).max() < 0.02


def test_a_feature_never_counts_against_suspicion() -> None:
    rising = np.linspace(-2, 2, 30)[:, None]
    assert np.ptp(chances(rising, rising - 5)) == pytest.approx(0, abs=1e-6)
    assert np.all(np.diff(chances(rising, rising + 1)) > 0)


def test_few_observations_promise_little() -> None:
    assert chances(np.array([[5.0]]), np.zeros((0, 1)))[0] < 0.1
    assert chances(np.zeros((0, 1)), np.zeros((3, 1))).shape == (0,)


def test_logit_is_the_inverse_of_the_logistic_function_and_bounded() -> None:
    values = np.array([0.01, 0.5, 0.9])
    assert 1 / (1 + np.exp(-logit(values))) == pytest.approx(values)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_image_quality_is_the_soft_minimum_of_the_label_probabilities() -> None:
    random = np.random.default_rng(3)
    probabilities = random.dirichlet([1, 1, 1], size=(6, 7)).transpose(2, 0, 1).astype(np.float32)
    class_map = random.integers(0, 3, (6, 7)).astype(np.uint8)
    class_map[0] = IGNORE_INDEX
    own = np.array(
        [1.0 if c == IGNORE_INDEX else probabilities[c, y, x] for (y, x), c in np.ndenumerate(class_map)], dtype=float
    )
    weights = np.exp((1 - own) / 0.1)
    quality = image_quality("a.png", class_map, probabilities)
    assert quality.quality == pytest.approx((own * weights).sum() / weights.sum(), abs=1e-5)
    assert quality.doubted == pytest.approx(np.count_nonzero(own < 0.1) / 35, abs=1e-6)


def test_an_image_with_a_wrong_area_has_the_lowest_quality() -> None:
    qualities = []
    for seed in range(4):
        scene = scene_of(f"{seed}.png", seed, delete(sound(seed)) if seed == 2 else sound(seed))
        qualities.append(image_quality(scene.file_name, scene.class_map, scene.probabilities))
    assert min(qualities, key=lambda q: q.quality).file_name == "2.png"


def test_planting_gives_the_errors_it_lists_and_leaves_all_other_objects_alone(tmp_path: Path) -> None:
    before = read_labels(make_dataset(tmp_path, 16))
    rates = {**dict.fromkeys(planting.RATES, 0.05), "class": 0.0}
    after, planted = planting.plant(before, 1, rates)
    again = planting.plant(before, 1, rates)
    assert json.dumps([after, planted]) == json.dumps(list(again))
    old, new = ({a["id"]: a for a in document["annotations"]} for document in (before, after))
    named = {number for error in planted for number in error["object_ids"]}
    changed = {number for number in new if new[number] != old.get(number)}
    assert changed == named
    assert {p["kind"] for p in planted} == {"missed", "phantom", "merged", "split", "outline"}

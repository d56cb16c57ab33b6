"""The label table of Cityscapes (M. Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding",
CVPR 2016; cityscapesscripts/helpers/labels.py of https://github.com/mcordts/cityscapesScripts)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """One label. `train_id` is its number in labelTrainIds, 255 = none; `is_ignored`: left out of every evaluation."""

    id: int
    name: str
    train_id: int
    has_instances: bool
    is_ignored: bool


_IGNORED = {
    0: "unlabeled", 1: "ego vehicle", 2: "rectification border", 3: "out of roi", 4: "static", 5: "dynamic",
    6: "ground", 9: "parking", 10: "rail track", 14: "guard rail", 15: "bridge", 16: "tunnel", 18: "polegroup",
    29: "caravan", 30: "trailer",
}  # fmt: skip
_TRAINED = {  # in the order of their train ids
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light",
    20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car", 27: "truck",
    28: "bus", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip
FIRST_THING = 24  # all labels from here on have instances

LABELS: tuple[Label, ...] = tuple(
    sorted(
        [Label(i, name, 255, i >= FIRST_THING, True) for i, name in _IGNORED.items()]
        + [Label(i, name, n, i >= FIRST_THING, False) for n, (i, name) in enumerate(_TRAINED.items())],
        key=lambda label: label.id,
    )
)

"""Images and labels → batches of crops, decoded once and kept in memory. The draw is a function of the step alone,
so training that was interrupted goes on with the crops it would have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from segwise.dataset.coco import Dataset as Labelled
from segwise.dataset.coco import ImageRecord
from segwise.dataset.contrast import set_contrast
from segwise.dataset.dense_targets import dense_targets
from segwise.dataset.targets import class_map, objects
from segwise.dataset.transforms import Cropper, Labels, seed_of
from segwise.types import IGNORE_INDEX, ClassMap, Contrast, Image, Objects

Kind = Literal["dense", "instance"]
Norm = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation by channel, for pixels in [0, 1]
MIN_VISIBLE_PX = 6  # an object of which a crop shows fewer pixels is not asked of the instance network
VALIDATION_CROPS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One decoded image. `layers` int32 (L, H, W): 0 or 1 + the object's index, objects of a layer never overlap;
    the larger objects first; `class_ids` int64 (N,)."""

    image: Image
    class_map: ClassMap
    layers: Labels
    class_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from. `ignored` are class ids that training neither rewards nor punishes;
    `contrast` as in `dataset.contrast`."""

    dataset: Labelled
    records: Sequence[ImageRecord]
    ignored: frozenset[int] = frozenset()
    contrast: Contrast = "as_is"

    def sample(self, index: int) -> Sample:
        record = self.records[index]
        labels, found = class_map(record, self.dataset.classes), objects(record)
        things = {c.id for c in self.dataset.classes if c.isthing} - self.ignored
        keep = np.array([c in things for c in found.class_ids], dtype=bool) & ~found.is_crowd
        labels[np.isin(labels, list(self.ignored))] = IGNORE_INDEX
        found = found.select(keep)
        found = found.select(np.argsort(-found.areas_px, kind="stable"))  # the smaller on top, as `targets.paint` does
        image = set_contrast(self.dataset.pixels(record), self.contrast)
        return Sample(image, labels, label_layers(found), found.class_ids)


class Crops(Dataset[dict[str, Any]]):
    """Crop number i, normalised: `image` float32 (3, s, s); for `dense` `class_map` int64 (s, s) and the maps of
    `dense_targets`; for `instance` `boxes` float32 (N, 4), `labels` int64 (N,), `masks` uint8 (N, s, s), `ignored` bool
    (s, s)."""

    def __init__(self, source: Source, cropper: Cropper, kind: Kind, norm: Norm, seed: int) -> None:
        self.source, self.cropper, self.kind, self.seed = source, cropper, kind, seed
        self.mean, self.std = (np.array(values, dtype=np.float32) * 255 for values in norm)
        self.cache: dict[int, Sample] = {}

    def __getitem__(self, draw: tuple[int, int]) -> dict[str, Any]:
        """`draw`: the image's index and the number of the draw."""
        index, number = draw
        sample = self._sample(index)
        seed = seed_of(self.seed, number, index)
        image, labels, layers = self.cropper(sample.image, sample.class_map, sample.layers, seed)
        pixels = torch.from_numpy(np.ascontiguousarray(((image - self.mean) / self.std).transpose(2, 0, 1)))
        if self.kind == "instance":
            ignored = torch.from_numpy(labels == IGNORE_INDEX)
            return {"image": pixels, **instance_targets(layers, sample.class_ids), "ignored": ignored}
        maps = {name: torch.from_numpy(value) for name, value in dense_targets(flatten(layers)).items()}
        return {"image": pixels, "class_map": torch.from_numpy(labels.astype(np.int64)), **maps}

    def _sample(self, index: int) -> Sample:
        if index not in self.cache:
            self.cache[index] = self.source.sample(index)
        return self.cache[index]


class Draws(Sampler[tuple[int, int]]):
    """The draws of `steps` batches in each process, beginning at step `position()`, which the training sets: a shuffled
    round over all images, then the next; or, with `weights`, images drawn in proportion to them. A draw is the image's
    index and the number of the draw, which no other has: an image that comes twice in a round shows two crops."""

    def __init__(
        self, count: int, steps: int, batch_size: int, seed: int, weights: NDArray[np.float64] | None = None
    ) -> None:
        self.count, self.steps, self.batch_size, self.seed, self.weights = count, steps, batch_size, seed, weights
        self.position: Callable[[], int] = lambda: 0

    def __len__(self) -> int:
        return self.steps * self.batch_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        is_many = dist.is_available() and dist.is_initialized()
        world, rank = (dist.get_world_size(), dist.get_rank()) if is_many else (1, 0)
        first = self.position() * self.batch_size * world + rank
        for number in range(first, first + len(self) * world, world):
            yield int(self._round(number // self.count)[number % self.count]), number

    def _round(self, number: int) -> NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, number))
        if self.weights is None:
            return rng.permutation(self.count)
        return rng.choice(self.count, self.count, p=self.weights / self.weights.sum())


def train_loader(crops: Crops, draws: Draws, workers: int) -> DataLoader[Any]:
    """Batches in the order of `draws`."""
    return DataLoader(crops, draws.batch_size, sampler=draws, num_workers=workers, collate_fn=COLLATE[crops.kind])


def validation_loader(crops: Crops, batch_size: int) -> DataLoader[Any]:
    """The same fixed crops every time: one or more of each image, spread evenly over the images."""
    count = len(crops.source.records)
    draws = [(i * count // VALIDATION_CROPS, i) for i in range(VALIDATION_CROPS)]
    return DataLoader(crops, batch_size, sampler=draws, collate_fn=COLLATE[crops.kind])


def attribute_weights(records: Sequence[ImageRecord], attribute: str, power: float) -> NDArray[np.float64] | None:
    """One weight per image: 1 / (images with the same value)^power, float64 (N,); None where all are the same."""
    values = [record.attributes.get(attribute, "") for record in records]
    if len(set(values)) <= 1 or power == 0:
        return None
    return np.array([values.count(value) ** -power for value in values], dtype=np.float64)


def label_layers(found: Objects) -> Labels:
    """Objects → int32 (L, H, W), L ≥ 1: each object in the first layer where it overlaps no other; nothing is lost."""
    layers = [np.zeros(found.size, dtype=np.int32)]
    for number, ((x0, y0, x1, y1), crop) in enumerate(zip(found.boxes_xyxy, found.crops, strict=True), start=1):
        free = next((layer for layer in layers if not layer[y0:y1, x0:x1][crop].any()), None)
        if free is None:
            layers.append(free := np.zeros(found.size, dtype=np.int32))
        free[y0:y1, x0:x1][crop] = number
    return np.stack(layers)


def flatten(layers: Labels) -> Labels:
    """One object per pixel, int32 (H, W): of two the later one, which is the smaller one in a `Sample`."""
    return np.asarray(layers.max(axis=0))


def instance_targets(layers: Labels, class_ids: NDArray[np.int64]) -> dict[str, Tensor]:
    """Boxes, labels and masks of the objects a crop shows: `boxes` xyxy float32 (N, 4), half-open."""
    boxes, labels, masks = [], [], []
    for layer in layers:
        ids, areas = np.unique(layer, return_counts=True)
        for number in ids[(ids > 0) & (areas >= MIN_VISIBLE_PX)]:
            mask = layer == number
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
            labels.append(class_ids[number - 1])
            masks.append(mask)
    side = layers.shape[1:]
    return {
        "boxes": torch.tensor(np.array(boxes), dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(np.array(labels), dtype=torch.int64),
        "masks": torch.from_numpy(np.array(masks, dtype=np.uint8).reshape(-1, *side)),
    }


def _stack(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {key: torch.stack([item[key] for item in items]) for key in items[0]}


def _lists(items: list[dict[str, Tensor]]) -> dict[str, Any]:
    images = torch.stack([item["image"] for item in items])
    keys = ("boxes", "labels", "masks", "ignored")
    return {"image": images, "objects": [{key: item[key] for key in keys} for item in items]}


COLLATE = {"dense": _stack, "instance": _lists}

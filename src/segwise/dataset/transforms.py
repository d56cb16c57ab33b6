"""Random crops and colours for training. The only module that knows albumentations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import IGNORE_INDEX, ClassMap, Image

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # before the import, which asks the network for a newer version

import albumentations as alb

Labels = NDArray[np.int32]
TURNS: dict[str, Callable[[], list[alb.BasicTransform]]] = {
    "all": lambda: [alb.D4()],
    "mirrored": lambda: [_mirrored()],
    "left-right": lambda: [alb.HorizontalFlip(p=0.5)],
    "up-down": lambda: [alb.VerticalFlip(p=0.5)],
    "none": list,
}
SEED_STRIDE = 1_000_003  # odd: an image's draws never share a seed, in 2³² draws


@dataclass(frozen=True, slots=True)
class CropSpec:
    """Square crops of `crop_px` network pixels from images enlarged by `zoom`, within a factor `zoom_jitter` of it.

    `turns`: a key of `TURNS`.
    `probabilities`: `brightness_p`, `colour_p`, `invert_p`, `grey_p`, `blur_p`, `noise_p`; absent means never.
    """

    crop_px: int
    zoom: float
    zoom_jitter: float
    probabilities: Mapping[str, float]
    turns: str = "all"


class Cropper:
    """image, class map, label layers → the same things in a random crop; the draw is a function of the seed alone."""

    def __init__(self, spec: CropSpec, is_training: bool) -> None:
        jitter = spec.zoom_jitter if is_training else 1.0
        size = (spec.crop_px, spec.crop_px)
        self.window = (
            max(round(spec.crop_px / spec.zoom / jitter), 1),
            max(round(spec.crop_px / spec.zoom * jitter), 1),
        )
        crop = alb.RandomSizedCrop(
            self.window,
            size,
            interpolation=cv2.INTER_LINEAR,
            mask_interpolation=cv2.INTER_NEAREST_EXACT,
            area_for_downscale="image",
        )
        changes = [*TURNS[spec.turns](), *_colours(spec.probabilities)] if is_training else []
        self.compose = alb.Compose([crop, *changes])

    def __call__(self, image: Image, class_map: ClassMap, layers: Labels, seed: int) -> tuple[Image, ClassMap, Labels]:
        """uint8 (H, W, 3), uint8 (H, W), int32 (L, H, W) → the same with sides `crop_px`."""
        image, class_map, layers = _pad(image, class_map, layers, self.window[1])
        self.compose.set_random_seed(seed)
        out = self.compose(image=image, masks=[class_map.astype(np.int32), *layers])
        crop, *maps = out["masks"]
        return out["image"], crop.astype(np.uint8), np.stack(maps)


def seed_of(seed: int, number: int, index: int) -> int:
    """The seed of draw `number`, of image `index`: another for every draw of that image."""
    return (seed * 7_919 + SEED_STRIDE * number + index) % 2**32


def _mirrored() -> alb.BasicTransform:
    """As it is, left-right, upside down or both: one draw, since flips in a row draw alike from one seed."""
    both = alb.Sequential([alb.HorizontalFlip(p=1), alb.VerticalFlip(p=1)], p=1)
    return alb.OneOf([alb.NoOp(p=1), alb.HorizontalFlip(p=1), alb.VerticalFlip(p=1), both], p=1)


def _colours(p: Mapping[str, float]) -> list[alb.BasicTransform]:
    light = [alb.RandomBrightnessContrast(0.3, 0.3), alb.RandomGamma((60, 160))]
    return [
        alb.OneOf(light, p=p.get("brightness_p", 0)),
        alb.ColorJitter((0.9, 1.1), (0.8, 1.2), (0.6, 1.4), (-0.08, 0.08), p=p.get("colour_p", 0)),
        alb.InvertImg(p=p.get("invert_p", 0)),
        alb.ToGray(p=p.get("grey_p", 0)),
        alb.GaussianBlur(blur_limit=0, sigma_limit=(0.4, 1.2), p=p.get("blur_p", 0)),
        alb.GaussNoise(std_range=(0.01, 0.05), p=p.get("noise_p", 0)),
    ]


def _pad(image: Image, class_map: ClassMap, layers: Labels, side: int) -> tuple[Image, ClassMap, Labels]:
    """Reflect small images to `side`; the added pixels are ignored and hold no objects."""
    bottom, right = (max(side - n, 0) for n in class_map.shape)
    if not bottom and not right:
        return image, class_map, layers
    around = ((0, bottom), (0, right))
    return (
        np.pad(image, (*around, (0, 0)), mode="reflect" if min(class_map.shape) > 1 else "edge"),
        np.pad(class_map, around, constant_values=IGNORE_INDEX),
        np.pad(layers, ((0, 0), *around)),
    )

"""Every format, in the order in which it is recognised: the most telling first. Light: the command line reads it."""

from __future__ import annotations

# The word of `--format` and the module. Each module has TITLE, `looks_like(folder) -> bool` (cheap, never raises) and
# `read(folder, options) -> Delivery`.
FORMATS: dict[str, str] = {
    "manifest": "manifest",
    "cvat": "cvat",
    "via": "via",
    "labelme": "labelme",
    "coco": "coco_json",
    "yolo": "yolo",
    "voc": "voc",
    "cityscapes": "cityscapes",
    "object-masks": "object_masks",
    "instance-maps": "instance_maps",
    "class-maps": "class_maps",
}

"""A delivery joins a data set: known images are recognised by content, ids stay as they are. Pure.

What is already there keeps its name, ids and split. An image is known by the SHA-256 of its file, whatever its name:
importing the same delivery again changes nothing, and a corrected delivery replaces the labels of the images it holds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segwise.dataset.arrival import same
from segwise.dataset.finding import Effect, Finding
from segwise.dataset.formats import shapes
from segwise.dataset.formats.delivery import Category, Delivery, Picture, Region
from segwise.dataset.names import Names

Raw = dict[str, Any]
OWN_KEYS = frozenset(("id", "image_id", "category_id", "iscrowd", "segmentation", "area", "bbox"))


@dataclass(frozen=True, slots=True)
class Merged:
    """The new label file, the pictures whose files have to be copied (by their new names), and what happened.

    `counts`: images `new`, `relabelled`, `updated` (the same labels, another group or attribute), `unchanged` and
    `repeated` (the same content twice in the delivery).
    """

    document: Raw
    copies: Mapping[str, Picture]
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]


def merge(
    document: Raw | None,
    digests: Mapping[str, str],
    delivery: Delivery,
    delivered: Sequence[str],
    *,
    may_empty: bool = False,
) -> Merged:
    """Add a delivery to the data set of `document` (None: there is none yet).

    Args:
        document: the canonical label file, checked.
        digests: SHA-256 of each image file of the data set's folder, by file name; also of files without an entry.
        delivered: SHA-256 of each picture of the delivery, in its order.
        may_empty: an image without objects in the delivery loses those it has.
    """
    state = _State.of(document, delivery, digests)
    state.add_categories(delivery.categories)
    known = {digest: name for name, digest in sorted(digests.items(), reverse=True)}
    for picture, digest in state.without_repeats(delivery.pictures, delivered):
        name = known.get(digest)
        if name is None:
            name = state.name(picture.file_name, digest)
            state.add(picture, name)
            state.copies[name] = picture
        elif name in state.images:
            state.update(name, picture, may_empty)
        else:
            state.add(picture, name)  # the file lies there already, without an entry
    return state.merged()


@dataclass(slots=True)
class _State:
    """The label file in the making."""

    extra: Raw
    images: dict[str, Raw]
    annotations: dict[int, list[Raw]]
    categories: dict[str, Raw]
    findings: list[Finding] = field(default_factory=list)
    copies: dict[str, Picture] = field(default_factory=dict)
    counts: Counter[str] = field(
        default_factory=lambda: Counter(new=0, relabelled=0, updated=0, unchanged=0, repeated=0)
    )
    used: dict[str, set[int]] = field(default_factory=dict)
    largest: dict[str, int] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    @classmethod
    def of(cls, document: Raw | None, delivery: Delivery, files: Iterable[str]) -> _State:
        old = document or {"images": [], "annotations": [], "categories": []}
        lists = ("images", "annotations", "categories")
        annotations: dict[int, list[Raw]] = {image["id"]: [] for image in old["images"]}
        for annotation in old["annotations"]:
            annotations[annotation["image_id"]].append(annotation)
        state = cls(
            {**delivery.extra, **{key: value for key, value in old.items() if key not in lists}},
            {image["file_name"]: image for image in old["images"]},
            annotations,
            {category["name"]: category for category in old["categories"]},
        )
        state.used = {name: {int(row["id"]) for row in old[name]} for name in lists}
        state.names = Names({*state.images, *files})
        state.largest = {name: max(used, default=0) for name, used in state.used.items()}
        return state

    def add_categories(self, categories: Iterable[Category]) -> None:
        for category in categories:
            held = self.categories.get(category.name)
            if held is None:
                number = self._number("categories", category.preferred_id)
                row = {"id": number, "name": category.name, "isthing": int(category.isthing), **category.extra}
                self.categories[category.name] = row
            elif bool(held.get("isthing", 1)) != category.isthing:
                given, here = ("objects", "areas") if category.isthing else ("areas", "objects")
                came = f"class {category.name!r} as {given}, the data set has {here}"
                self._say("class kind", None, came, "the data set's word counts", "")

    def without_repeats(self, pictures: Sequence[Picture], delivered: Sequence[str]) -> list[tuple[Picture, str]]:
        """One picture per content, by name: the one with the most objects, and of these the first."""
        best: dict[str, Picture] = {}
        for picture, digest in sorted(zip(pictures, delivered, strict=True), key=lambda p: p[0].file_name):
            held = best.setdefault(digest, picture)
            if held is not picture:
                first, second = sorted((held, picture), key=lambda p: -len(p.regions))
                best[digest] = first
                self._repeat(first, second)
        return sorted(((p, d) for d, p in best.items()), key=lambda pair: pair[0].file_name)

    def _repeat(self, kept: Picture, left_out: Picture) -> None:
        self.counts["repeated"] += 1
        agree = same.labels(kept.regions) == same.labels(left_out.regions)
        words = "with the same labels" if agree else f"with other labels ({len(kept.regions)} objects)"
        came = f"the same file as {kept.file_name}, {words}; {len(left_out.regions)} objects"
        check = "duplicate image"
        if None not in (kept.split, left_out.split) and kept.split != left_out.split:
            check = "duplicate across splits"
            came = f"given to {left_out.split}, and {came}, which is given to {kept.split}"
        self._say(check, left_out.file_name, came, "keep one copy in the delivery", "dropped")

    def name(self, wanted: str, digest: str) -> str:
        """The name a new image gets: the wanted one, or a like one where that is taken."""
        if not self.names.clashes(wanted):
            return wanted
        free = self.names.free(wanted, digest)
        came = "the data set has another image of this name"
        self._say("name clash", wanted, came, f"it is kept as {free}", "repaired")
        return free

    def add(self, picture: Picture, name: str) -> None:
        self.names.add(name)
        number = self._number("images", picture.preferred_id)
        self.images[name] = {
            "id": number, "file_name": name, "width": picture.width, "height": picture.height,
            **{key: value for key, value in (("group", picture.group), ("split", picture.split)) if value is not None},
            **picture.extra,
        }  # fmt: skip
        self.annotations[number] = [self._annotation(region, number) for region in picture.regions]
        self.counts["new"] += 1

    def update(self, name: str, picture: Picture, may_empty: bool) -> None:
        """The delivery's labels replace those of a known image; ids of objects that did not change stay."""
        image = self.images[name]
        if picture.split is not None and image.get("split") not in (None, picture.split):
            came = f"`split: {picture.split}`, the data set has {image['split']}"
            self._say("split kept", name, came, "an image never changes its split; edit the label file to force it", "")
        new_keys = {"group": picture.group, **picture.extra}
        if image.get("split") is None:
            new_keys["split"] = picture.split
        image = {**image, **{key: value for key, value in new_keys.items() if value is not None}}
        old, new = self.annotations[image["id"]], Counter(map(self._key, picture.regions))
        if new == Counter(map(same.stored, old)):
            self.counts["unchanged" if image == self.images[name] else "updated"] += 1
        elif old and not new and not may_empty:
            came = f"no objects, the data set has {len(old)}"
            self._say("labels kept", name, came, "to empty it on purpose, import with `--allow-empty`", "")
            self.counts["unchanged"] += 1
        else:
            self._relabel(image, picture.regions)
        self.images[name] = image

    def _relabel(self, image: Raw, regions: Sequence[Region]) -> None:
        """Equal objects stay as they are; of the others, one that covers an old one keeps its id."""
        old = self.annotations[image["id"]]
        held: dict[tuple[int, str, int], list[Raw]] = defaultdict(list)
        for row in old:
            held[same.stored(row)].append(row)
        equal = [held[key].pop(0) if held[key] else None for key in map(self._key, regions)]
        left = [row for rows in held.values() for row in rows]
        changed = [index for index, row in enumerate(equal) if row is None]
        ids = {changed[new]: left[gone]["id"] for new, gone in same.pairs([regions[i] for i in changed], left)}
        self.annotations[image["id"]] = [
            row or self._annotation(region, image["id"], ids.get(index))
            for index, (row, region) in enumerate(zip(equal, regions, strict=True))
        ]
        words = f"{len(ids)} changed, {len(changed) - len(ids)} new, {len(left) - len(ids)} gone"
        came = f"{len(old)} objects become {len(regions)}: {words}"
        self._say("labels replaced", image["file_name"], came, "nothing, if this delivery corrects the earlier one", "")
        self.counts["relabelled"] += 1

    def _key(self, region: Region) -> tuple[int, str, int]:
        return self.categories[region.class_name]["id"], region.rle["counts"], int(region.is_crowd)

    def _annotation(self, region: Region, image_id: int, number: int | None = None) -> Raw:
        return {
            "id": self._number("annotations", region.preferred_id) if number is None else number,
            "image_id": image_id,
            "category_id": self.categories[region.class_name]["id"],
            "iscrowd": int(region.is_crowd),
            "segmentation": region.rle,
            "area": shapes.area_px(region.rle),
            "bbox": shapes.box_xywh(region.rle),
            **{key: value for key, value in region.extra.items() if key not in OWN_KEYS},
        }

    def _number(self, table: str, preferred: int | None) -> int:
        """The preferred number where it is free, else one more than the largest."""
        is_free = preferred is not None and preferred > 0 and preferred not in self.used[table]
        number = preferred if is_free and preferred is not None else self.largest[table] + 1
        self.used[table].add(number)
        self.largest[table] = max(self.largest[table], number)
        return number

    def _say(self, check: str, image: str | None, came: str, remedy: str, effect: Effect) -> None:
        self.findings.append(Finding(check, "warning", image, None, came, remedy, effect))

    def merged(self) -> Merged:
        annotations = [row for image in self.images.values() for row in self.annotations[image["id"]]]
        lists = {"images": list(self.images.values()), "annotations": annotations}
        document = {**self.extra, **lists, "categories": list(self.categories.values())}
        return Merged(document, self.copies, tuple(self.findings), dict(self.counts))

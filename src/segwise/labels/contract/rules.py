"""The contract, a row per rule. The findings and the Great Expectations suites are both made from these."""

from __future__ import annotations

from dataclasses import replace

from segwise.labels.contract.checks import severity
from segwise.labels.contract.rule import Rule
from segwise.labels.facts.contacts import DUPLICATE_IOU
from segwise.labels.params import ValidateParams


def rules(params: ValidateParams) -> tuple[Rule, ...]:
    """The rules that are not off, errors first."""
    every = [*_images(params), *_objects(params), *_classes(params)]
    levels = [severity(rule.check, params.severity) for rule in every]
    chosen = [
        replace(r, severity=s, usual_share=params.usual_share, list_at_most=params.list_at_most)
        for r, s in zip(every, levels, strict=True)
        if s != "off"
    ]
    return tuple(sorted(chosen, key=lambda rule: rule.severity))


def _images(p: ValidateParams) -> tuple[Rule, ...]:
    return (
        Rule("file missing", "images", "is_present", 1, None,
             "{problem}", "restore the file (`dvc checkout --force`), or remove its entry"),
        Rule("file unreadable", "images", "is_readable", 1, None,
             "{problem}", "the file is truncated or no image: export or restore it, or remove its entry"),
        Rule("size mismatch", "images", "size_error_px", None, 0,
             "{found_width} × {found_height} pixels, the label file says {width} × {height}",
             "label the image at its real size, or restore the labelled file"),
        Rule("group across splits", "images", "is_group_split", None, 0,
             "`split: {split}`, most of group {group} is in {main_split}",
             "give the whole group one split, or draw it: `split.method: hash`"),
        Rule("duplicate across splits", "images", "is_duplicate_split", None, 0,
             "in {split} and has the same pixels as {same_as}, which is in another split",
             "remove one of them, or give both one split and group"),
        Rule("near-duplicate across splits", "images", "is_near_split", None, 0,
             "in {split} and shows the same picture as {near_as}, which is in another split",
             "give both one split and group"),
        Rule("file without labels", "files", "is_labelled", 1, None,
             "no entry in the label file", "add the image to the label file, or delete the file", is_gathered=True),
        Rule("duplicate image", "images", "is_duplicate", None, 0,
             "the same pixels as {same_as}", "keep one of them and the better labels", is_gathered=True),
        Rule("near-duplicate image", "images", "is_near_duplicate", None, 0,
             "shows the same picture as {near_as}", "give both the same `group`, so that they share a split",
             is_gathered=True),
        Rule("blank image", "images", "contrast", 0.5, None,
             "nearly all pixels have the grey value {mean_value:.0f}", "check the export, or remove the image"),
        Rule("empty image", "images", "num_objects", 1, None,
             "no objects", "fine if it really shows none; otherwise label it", is_gathered=True),
        Rule("ignored image", "images", "ignored_share", None, 0.999,
             "all pixels are ignored", "label what it shows, or remove the image"),
        Rule("group missing", "images", "has_group", 1, None,
             "no `group`", "name what it belongs to, or tiles of one field may end up in train and test",
             is_gathered=True),
        Rule("output cap", "images", "num_things", None, p.output_cap,
             f"{{num_things}} objects, a model may answer {p.output_cap}",
             "raise `max_objects` (`train.instance`) and `output_cap` (`validate`), or cut the image into tiles",
             is_gathered=True),
        Rule("class conflict", "images", "conflict_share", None, p.semantic_tolerance,
             "{conflict_px} pixels belong to regions of two stuff classes", "decide which class these pixels have",
             is_gathered=True),
        Rule("semantic map", "images", "semantic_error_share", None, p.semantic_tolerance,
             "its map in semantic/ and its objects differ in {semantic_error_share:.1%} of the pixels",
             "the objects count; export both from one source, or delete the map", is_gathered=True),
        Rule("stray values", "images", "stray_value_px", None, 0,
             "{stray_value_px} pixels of its map in semantic/ have the value of no class",
             "resize and save maps without smoothing (nearest), as PNG", is_gathered=True),
    )  # fmt: skip


def _objects(p: ValidateParams) -> tuple[Rule, ...]:
    return (
        Rule("zero area", "objects", "area_px", 1, None,
             "a mask without pixels", "remove the object or draw it again"),
        Rule("duplicate object", "objects", "earlier_iou", None, DUPLICATE_IOU,
             "the same class and {earlier_iou:.1%} the same pixels (IoU) as object {earlier_id}",
             "keep one of them: duplicates falsify counts"),
        Rule("two classes", "objects", "other_class_iou", None, DUPLICATE_IOU,
             "{other_class_iou:.1%} the same pixels (IoU) as object {other_class_id} of another class",
             "keep the one of the right class"),
        Rule("id zero", "objects", "object_id", 1, None,
             "annotation id {object_id}", "number annotations from 1: pycocotools' evaluation takes 0 for unmatched",
             is_gathered=True),
        Rule("tiny area", "objects", "drawn_px", p.min_area_px, None,
             "an area of {area_px} px", "check that it is no slip of the tool (`validate.min_area_px`)"),
        Rule("stored area", "objects", "area_error", None, p.area_tolerance,
             "`area: {stored_area_px:g}`, the mask has {area_px} px", "the mask counts; export the labels again",
             is_gathered=True),
        Rule("stored box", "objects", "box_error_px", None, p.box_tolerance_px,
             "the stored box is up to {box_error_px:g} px off the mask's, x {x0}..{x1}, y {y0}..{y1}",
             "the mask counts; export the labels again", is_gathered=True),
        Rule("self-intersection", "objects", "crossing_share", None, p.area_tolerance,
             "its polygon crosses itself, which touches {crossing_px:.0f} px of its area", "draw it again",
             is_gathered=True),
        Rule("hole lost", "objects", "num_inner_parts", None, 0,
             "polygons within another one of its own, which are filled and not cut out: {num_inner_parts}",
             "export the mask as RLE, which has holes", is_gathered=True),
        Rule("overlap", "objects", "overlap_share", None, p.overlap_tolerance,
             "{overlap_share:.0%} of it lies in object {overlap_id} of the same class",
             "draw them side by side, or keep one; in class maps the smaller object is on top", is_gathered=True),
        Rule("far fragments", "objects", "open_gap_ratio", None, 1,
             "{num_parts} parts, one of them {gap_px:.0f} px away, with nothing in between that could cover it",
             "give each part an object of its own, or remove what is a slip", is_gathered=True),
        Rule("stray pixels", "objects", "num_specks", None, 0,
             "parts of 4 px or fewer beside it: {num_specks}",
             "remove them; the tool or a resize may have left them", is_gathered=True),
        Rule("rim", "objects", "is_rim", None, 0,
             "{area_px} px, nowhere wider than 2 px, along another object's border",
             "remove it; smoothing, palettes and slips of the tool leave such rims", is_gathered=True),
        Rule("cut object", "objects", "cut_share", None, 0.5,
             "{cut_share:.0%} of its outline lies against object {contact_id} of the same class",
             "check that they are two: join them, or draw the border anew", is_gathered=True),
        Rule("merged object", "objects", "merge_z", None, p.outlier_z,
             "{size_ratio:.1f} times the usual size, with concavities unusual for its class",
             "check that it is not several objects; divide it", is_gathered=True),
        Rule("size outlier", "objects", "size_z", -p.outlier_z, p.outlier_z,
             "an area of {area_px} px, {size_z:+.1f} deviations from its class's", "check its outline and class",
             is_gathered=True),
    )  # fmt: skip


def _classes(p: ValidateParams) -> tuple[Rule, ...]:
    return (
        Rule("id zero", "classes", "category_id", 1, None,
             "category id 0", "number classes from 1: in class maps 0 is the background"),
        Rule("unused class", "classes", "num_objects", 1, None,
             "no objects", "remove the class, or label it"),
        Rule("rare class", "classes", "rare_groups", p.min_class_groups, None,
             "{num_objects} objects in {num_images} images of {num_groups} groups",
             "add images of it, or leave it out (`ignore_classes`): it can be neither learned nor measured"),
        Rule("imbalance", "classes", "outnumbered_by", None, p.max_imbalance,
             "{num_objects} objects, the commonest class has {outnumbered_by:.0f} times as many",
             "weigh it (`class_weights`), or add images of it"),
        Rule("similar class names", "classes", "has_similar_name", None, 0,
             "reads like {same_name!r}", "make them one class"),
        Rule("touching objects", "classes", "num_touching", None, 0,
             "{num_touching} of {num_objects} {class_name!r}",
             "fine where they do so by nature (connected components would merge them, so compare `hybrid` and "
             "`instance`); otherwise leave a gap",
             is_gathered=True, lead="objects that touch another one of their class"),
        Rule("shared pixels", "classes", "shared_px", None, 0,
             "{shared_px} px of {class_name!r}", "the class map gives them to the smaller object", is_gathered=True,
             lead="pixels that belong to two objects of one class"),
    )  # fmt: skip

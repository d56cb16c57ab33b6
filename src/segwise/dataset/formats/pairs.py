"""Which image a label map belongs to, from the names of files and folders alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import SUFFIXES
from segwise.dataset.names import is_plain

SPLITS = {
    "train": "train", "training": "train", "trn": "train", "val": "val", "valid": "val", "validation": "val",
    "dev": "val", "test": "test", "testing": "test",
}  # fmt: skip
IMAGE_WORDS = frozenset(
    ("images", "image", "imgs", "img", "jpegimages", "leftimg8bit", "raw", "original", "originals", "inputs", "input")
)
DROPPED = frozenset(("images", "image", "imgs", "img", "jpegimages", "leftimg8bit", "imgsfine"))  # say nothing in names
INSTANCE_WORDS = ("instances", "instance", "labels", "label", "masks", "mask", "annotations", "annotation", "annot",
                  "gt", "groundtruth", "segmentation", "segmentations", "seg", "targets", "target")  # fmt: skip
CLASS_WORDS = ("semantic", "semantics", "labels", "label", "masks", "mask", "annotations", "annotation", "annot",
               "gt", "groundtruth", "segmentation", "segmentations", "seg", "targets", "target", "trimaps",
               "labeledapproved", "labelmaps")  # fmt: skip
PREVIEWS = frozenset(("color", "colors", "colour", "colours", "colored", "coloured", "vis", "visualization", "preview",
                      "overlay", "overlays"))  # fmt: skip
BY_PRODUCTS = ("_flows", "_outlines", "_overlay", "_cp_output", "_visualization", "_color", "_probs")
END = re.compile(
    r"[ _.\-](cp[_-]masks?|masks?|labels?|labelmap|seg|segmentation|gt|annot|annotation|instances?|inst|semantic|ids)$",
    re.I,
)
SHORT_END = re.compile(r"[_-][LP]$")  # CamVid's 0001_L.png and 0001_P.png, believed in a folder of labels only
START = re.compile(r"^(masks?|labels?|seg|gt)[ _.\-]", re.I)
IMAGE_END = re.compile(r"[ _.\-](img|image|im|raw|rgb|sat|input)$", re.I)
IMAGE_START = re.compile(r"^(img|image|im)[ _.\-]", re.I)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Label maps with their images, sorted, and what fits nothing.

    Attributes:
        found: (image, label map).
        unlabelled: images without a label map.
        orphans: label maps without an image, or with several equally good ones.
        doubles: label maps of an image that has another one of the same rank.
        others: label maps of an image that has a more telling one.
    """

    found: tuple[tuple[PurePosixPath, PurePosixPath], ...]
    unlabelled: tuple[PurePosixPath, ...]
    orphans: tuple[tuple[PurePosixPath, tuple[PurePosixPath, ...]], ...]
    doubles: tuple[tuple[PurePosixPath, PurePosixPath], ...]
    others: tuple[PurePosixPath, ...] = ()


def find(folder: Folder, words: tuple[str, ...]) -> Pairs:
    """Pair the raster files of a source.

    A label map is known by a word in one of its folders' names (`masks`, `train_labels`) or at the end or start of its
    own (`a_mask.png`). Its image has the same name but for such words; of several, the one whose folders agree best.

    Args:
        words: those of label folders, the most telling first; they decide between two label maps of one image.
    """
    rasters = [f for f in folder.files if f.suffix.lower() in SUFFIXES and not f.stem.lower().endswith(BY_PRODUCTS)]
    ranks = {file: rank(file, words) for file in rasters}
    images: dict[str, list[PurePosixPath]] = defaultdict(list)
    for file in (f for f in rasters if ranks[f] is None):
        for key in {file.stem.casefold(), _image_core(file.stem).casefold()}:
            images[key].append(file)
    chosen: dict[PurePosixPath, PurePosixPath] = {}
    orphans, doubles, others = [], [], []
    for label in sorted((f for f in rasters if ranks[f] is not None), key=lambda f: (ranks[f] or 0, str(f))):
        fitting = _fitting(label, images, words)
        if len(fitting) != 1:
            orphans.append((label, tuple(fitting)))
        elif fitting[0] not in chosen:
            chosen[fitting[0]] = label
        elif ranks[chosen[fitting[0]]] == ranks[label]:
            doubles.append((fitting[0], label))
        else:
            others.append(label)
    plain = [f for f in rasters if ranks[f] is None and f not in chosen]
    return Pairs(tuple(sorted(chosen.items())), tuple(plain), tuple(orphans), tuple(doubles), tuple(others))


def rank(file: PurePosixPath, words: tuple[str, ...]) -> int | None:
    """How telling the folder names (else the file's own) are for a label map, 0 best; None if it is an image."""
    said = [w for part in file.parent.parts for w in _words(part)]
    ranks = [words.index(w) for w in said if w in words]
    if ranks:
        return min(ranks) + (2 * len(words) if PREVIEWS.intersection(said) else 0)
    return len(words) if END.search(file.stem) or START.search(file.stem) else None


def _words(part: str) -> list[str]:
    """`train_labels` → train, labels; `valannot` → val, annot; `ground_truth` → groundtruth."""
    low = part.casefold().replace("ground_truth", "groundtruth").replace("ground truth", "groundtruth")
    out = []
    for word in re.split(r"[^a-z0-9]+", low):
        split = word.removesuffix("annot")
        out += [split, "annot"] if split != word and split in SPLITS else [word]
    return out


def _label_cores(file: PurePosixPath, in_folder: bool) -> list[str]:
    stem = file.stem
    cores = [stem] if in_folder else []
    patterns = (END, START, SHORT_END) if in_folder else (END, START)
    return cores + [core for pattern in patterns if (core := pattern.sub("", stem)) != stem]


def _image_core(stem: str) -> str:
    return IMAGE_START.sub("", IMAGE_END.sub("", stem)) or stem


def _fitting(
    label: PurePosixPath, images: dict[str, list[PurePosixPath]], words: tuple[str, ...]
) -> list[PurePosixPath]:
    in_folder = any(w in words for part in label.parent.parts for w in _words(part))
    for core in _label_cores(label, in_folder):
        stored = images.get(core.casefold(), [])
        if stored:
            context = _context(label, words)
            scores = [_score(image, context, core) for image in stored]
            return [image for image, score in zip(stored, scores, strict=True) if score == max(scores)]
    return []


def _context(file: PurePosixPath, words: Iterable[str]) -> frozenset[str]:
    said = {w for part in file.parent.parts for w in _words(part)}
    return frozenset(SPLITS.get(w, w) for w in said - set(words) - IMAGE_WORDS - {""})


def _score(image: PurePosixPath, context: frozenset[str], core: str) -> tuple[int, bool, bool]:
    own = _context(image, ())
    has_word = any(w in IMAGE_WORDS for part in image.parent.parts for w in _words(part))
    return len(context & own) - len(context ^ own), has_word, image.stem.casefold() == core.casefold()


def split_of(file: PurePosixPath) -> str | None:
    """The split that a folder of the path names, the deepest such; None without one."""
    for part in reversed(file.parent.parts):
        for word in _words(part):
            if word in SPLITS:
                return SPLITS[word]
    return None


def data_name(file: PurePosixPath) -> str | None:
    """An image's name in the data set: its path without folders that say nothing. None: leave it to the builder."""
    parents = [part for part in file.parent.parts if part.casefold() not in DROPPED]
    parents = parents[:-1] if parents and parents[-1] == file.stem else parents
    name = "/".join([*parents, file.name])
    return name if is_plain(name) else None


def report_rest(builder: Builder, found: Pairs) -> None:
    """Findings for what is left over: images without a label map, label maps without an image, second maps."""
    for image in found.unlabelled:
        came, remedy = "no label file goes with it", "label it; an image without objects needs an empty label map"
        builder.report("no labels", "warning", data_name(image) or str(image), None, came, remedy, "dropped")
    for label, fitting in found.orphans:
        came = f"{len(fitting)} images fit it: {', '.join(map(str, fitting[:3]))}" if fitting else "no image fits it"
        check = "ambiguous image" if fitting else "file missing"
        remedy = "give the label map its image's name" if fitting else "add the image, or remove the label map"
        builder.report(check, "error", None, str(label), came, remedy)
    for image, label in found.doubles:
        came = f"{label} is a second label map for this image"
        builder.report("second labels", "error", data_name(image), str(label), came, "keep one of them")
    if found.others:
        came = f"{len(found.others)} more label maps of these images are not read, {found.others[0]} first"
        builder.report(
            "second labels", "warning", None, None, came, "import them on their own if they differ", "dropped"
        )

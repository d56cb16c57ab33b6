"""Divide images into train, val and test. What belongs together (see `groups`) is never divided by a draw.

An image keeps the split it has: `fixed` holds the splits of the label file and those recorded when they were drawn (see
`record`). Only images without one are drawn, balanced against what is there. docs/decisions/0008 says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from segwise.dataset.coco import ImageRecord
from segwise.dataset.params import SplitParams
from segwise.dataset.splits import draw, groups
from segwise.dataset.splits.balance import Amounts
from segwise.errors import DataInvalidError
from segwise.spec import SPLITS

LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Division:
    """Each image's split, in the images' order (`LEFT_OUT` for none), and how it came about.

    Attributes:
        method: what decides: given, stratified or hash.
        labels: each image's group: the index of its first member.
        num_drawn: images whose split was drawn now.
    """

    names: tuple[str, ...]
    chosen: tuple[str, ...]
    method: str
    labels: tuple[int, ...]
    num_drawn: int

    @property
    def parts(self) -> dict[str, list[str]]:
        """The sorted file names of train, val and test."""
        pairs = list(zip(self.names, self.chosen, strict=True))
        return {split: sorted(name for name, part in pairs if part == split) for split in SPLITS}

    @property
    def left_out(self) -> list[str]:
        """The sorted file names of the images in no split."""
        return sorted(name for name, part in zip(self.names, self.chosen, strict=True) if part == LEFT_OUT)

    @property
    def num_groups(self) -> dict[str, int]:
        """Groups in each split."""
        pairs = list(zip(self.labels, self.chosen, strict=True))
        return {split: len({label for label, part in pairs if part == split}) for split in SPLITS}


def assign(
    records: Sequence[ImageRecord],
    params: SplitParams,
    amounts: Amounts,
    links: Iterable[groups.Link] | None = None,
    recorded: Mapping[str, str] | None = None,
    keys: Sequence[str] | None = None,
) -> Division:
    """Divide the images.

    Args:
        amounts: what each image brings, for `stratified`.
        links: what belongs together; kinds that are no errors are ignored. None = the groups of the label file.
        recorded: splits drawn earlier, by file name.
        keys: a text for each image that stands for its content; the seed's draws depend on it. None = the file name.

    Raises:
        DataInvalidError: a given split is missing or unknown, a split stays empty, or new images tie two splits
            together and `params.joined` is `refuse`.
    """
    tying = set(params.links.of("error"))
    pairs = [(k.first, k.second) for k in (groups.given(records) if links is None else links) if k.kind in tying]
    chosen = fixed(records, params, recorded or {})
    free = [part is None for part in chosen]
    sets = _follow(records, chosen, pairs, params)
    if params.method == "hash":
        names = [min(records[index].group for index in members) for members in sets]
        drawn = draw.by_name(names, params.fractions, params.seed)
    else:
        texts = keys or [r.file_name for r in records]
        drawn = draw.by_balance(sets, chosen, amounts, params.fractions, params.seed, texts)
    for members, part in zip(sets, drawn, strict=True):
        for index in members:
            chosen[index] = part
    parts = tuple(part or LEFT_OUT for part in chosen)
    method = params.method
    if method == "auto":
        method = "given" if all(record.split for record in records) else "stratified"
    _refuse_empty(parts, method)
    labels = tuple(groups.union(len(records), pairs).tolist())
    return Division(tuple(r.file_name for r in records), parts, method, labels, sum(free))


def fixed(records: Sequence[ImageRecord], params: SplitParams, recorded: Mapping[str, str]) -> list[str | None]:
    """The split that each image has before anything is drawn; None for those without.

    Raises:
        DataInvalidError: a split of the label file is unknown, or missing where all must be given.
    """
    if params.method in ("stratified", "hash"):
        return [recorded.get(record.file_name) for record in records]
    out = []
    for record in records:
        if record.split not in SPLITS and (record.split is not None or params.method == "given"):
            came = f"`split: {record.split}` for image {record.file_name}"
            remedy = "correct the label file, or set `split.method: stratified`"
            raise DataInvalidError("train, val or test", came, remedy)
        out.append(record.split or recorded.get(record.file_name))
    return out


def _follow(
    records: Sequence[ImageRecord], chosen: list[str | None], pairs: Sequence[tuple[int, int]], params: SplitParams
) -> list[list[int]]:
    """Give new images the split of what they are tied to; returns the sets of new images that are tied to none.

    Images left out earlier tie as new ones do: what hangs together by them must stay together.
    """
    open_ = [part in (None, LEFT_OUT) for part in chosen]
    labels = groups.union(len(chosen), [(a, b) for a, b in pairs if open_[a] and open_[b]])
    around: dict[int, dict[str, int]] = {}
    for a, b in [*pairs, *((b, a) for a, b in pairs)]:
        if open_[a] and not open_[b]:
            around.setdefault(int(labels[a]), {})[str(chosen[b])] = b
    undecided = []
    for members in groups.members(labels):
        new = [index for index in members if chosen[index] is None]
        splits = around.get(int(labels[members[0]]), {})
        if len(splits) > 1 and new and params.joined == "refuse":
            raise _joined(records, new, splits)
        for index in new if splits else ():
            chosen[index] = next(iter(splits)) if len(splits) == 1 else LEFT_OUT
        undecided += [new] if new and not splits else []
    return undecided


def _joined(records: Sequence[ImageRecord], new: Sequence[int], splits: Mapping[str, int]) -> DataInvalidError:
    told = ", ".join(f"{records[index].file_name} in {split}" for split, index in sorted(splits.items()))
    remedy = "set `split.joined: leave_out`, or take the new image out of the data"
    return DataInvalidError(
        "new images that belong to one split", f"{records[new[0]].file_name}, tied to {told}", remedy
    )


def _refuse_empty(parts: Sequence[str], method: str) -> None:
    for split in SPLITS:
        if split not in parts:
            remedy = "add groups, or change `split.seed` or `split.fractions`"
            if method == "given":
                remedy = "give some groups this split in the label file, or set `split.method: stratified`"
            raise DataInvalidError(f"images in `{split}`", f"none of {len(parts)}", remedy)

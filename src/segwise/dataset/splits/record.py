"""The record of drawn splits: an image, known by its pixels, keeps the split it was given once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwise.dataset.params import SplitParams
from segwise.dataset.splits.split import LEFT_OUT
from segwise.errors import DataInvalidError
from segwise.spec import SPLITS

_KEPT = 32  # hex digits of a digest: 128 bits


@dataclass(frozen=True, slots=True)
class Record:
    """What was drawn, and with which parameters.

    Attributes:
        drawn_with: method, seed and fractions; other ones draw anew.
        images: by content (see `similar.content_digest`): the split and the file name at that time.
    """

    drawn_with: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def split_of(self, content: str) -> str | None:
        """The recorded split of the image with this content."""
        found = self.images.get(content[:_KEPT])
        return found[0] if found else None

    def with_images(self, drawn: Mapping[str, tuple[str, str]]) -> Record:
        """The record with these splits and names by content added; what it holds already stays as it is."""
        new = {content[:_KEPT]: value for content, value in sorted(drawn.items())}
        return Record(self.drawn_with, {**new, **self.images})


def for_params(record: Record, params: SplitParams) -> Record:
    """The record if it was drawn with these parameters, else an empty one for them."""
    method = "hash" if params.method == "hash" else "stratified"
    wanted = {"fractions": params.fractions.model_dump(), "method": method, "seed": params.seed}
    return record if record.drawn_with == wanted else Record(wanted, {})


def read(path: Path) -> Record:
    """The record in `path`; an empty one where there is none.

    Raises:
        DataInvalidError: it is no record.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        images = {str(k): (str(split), str(name)) for k, (split, name) in document["images"].items()}
        if unknown := {split for split, _ in images.values()} - {*SPLITS, LEFT_OUT}:
            raise ValueError(f"the split {sorted(unknown)[0]!r}")
        return Record(dict(document["drawn_with"]), images)
    except FileNotFoundError:
        return Record()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"restore it: `git checkout {path}`; without it all splits are drawn anew"
        raise DataInvalidError(f"the record of drawn splits in {path}", str(error), remedy) from error


def as_text(record: Record) -> str:
    """The record as JSON, one image a line, so that two branches' additions merge."""
    lines = (f"{json.dumps(k)}: {json.dumps(list(v), ensure_ascii=False)}" for k, v in sorted(record.images.items()))
    body = "".join(f"\n    {line}," for line in lines)[:-1]
    return f'{{\n  "drawn_with": {json.dumps(record.drawn_with, sort_keys=True)},\n  "images": {{{body}\n  }}\n}}\n'

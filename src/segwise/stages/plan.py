"""segwise plan: work/plan.yaml beside params.yaml; with --apply, written into it."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Any

import yaml

from segwise.advice.amend import amended, unknown, value_of
from segwise.advice.entry import Entry
from segwise.advice.plan import from_yaml, in_words
from segwise.errors import IntegrityError, UsageError
from segwise.params import PARAMS_FILE, checked, load
from segwise.spec import write_whole

PLAN = Path("work/plan.yaml")
READ_BY = {"train.instance.anchor_sizes_px": "mask_rcnn", "train.instance.rois_per_image": "mask_rcnn"}


def run(apply: bool = False, keys: list[str] | None = None, params_path: Path = PARAMS_FILE) -> dict[str, Any]:
    """Show the plan beside the present values, or write it into `params_path`.

    Args:
        apply: write the planned values.
        keys: only these; where there are none, all that the chosen instance network reads.

    Raises:
        IntegrityError: the data has not been profiled.
        UsageError: a key is not in the plan or in the parameters, or a planned value is out of range; nothing was
            written.
    """
    params = load(params_path)
    text = params_path.read_text(encoding="utf-8")
    now = yaml.safe_load(text)
    entries = chosen(_read(), keys or [], params.train.instance.architecture)
    rows = [_row(entry, now) for entry in entries]
    changed = [row for row in rows if row["changes"]]
    if not apply:
        return {"summary": table(rows), "entries": rows}
    if changed:
        _write(params_path, amended(text, {row["key"]: row["planned"] for row in changed}))
    lines = [f"  {row['key']}: {in_words(row['now'])} → {in_words(row['planned'])}" for row in changed]
    words = (
        f"{len(changed)} values written into {params_path}" if changed else f"{params_path} already follows the plan"
    )
    return {"summary": "\n".join([words, *lines]), "entries": rows}


def chosen(entries: list[Entry], keys: list[str], architecture: str) -> list[Entry]:
    """The entries of these keys; for none, all but those that only another instance network than `architecture` reads.

    Raises:
        UsageError: the plan has no such parameter.
    """
    known = [entry.about for entry in entries if entry.is_parameter]
    for key in keys:
        if key not in known:
            raise unknown(key, known)
    if keys:
        return [entry for entry in entries if entry.about in keys]
    return [entry for entry in entries if READ_BY.get(entry.about, architecture) == architecture]


def table(rows: list[dict[str, Any]], width: int | None = None) -> str:
    """The rows as text: a line each, its reason below, `*` where the plan differs."""
    room = max(min(width or shutil.get_terminal_size((100, 24)).columns, 120) - 6, 40)
    lines = []
    for row in rows:
        planned = in_words(row["planned"])
        change = f"{in_words(row['now'])} → {planned}" if row["changes"] else planned
        lines.append(f"{'*' if row['changes'] else ' '} {row['key']}: {change}")
        lines.append(textwrap.indent(textwrap.fill(row["why"], room), "      "))
    count = sum(row["changes"] for row in rows)
    end = f"{count} of {sum(row['is_parameter'] for row in rows)} planned values differ (*)"
    remedy = "; take them: segwise plan --apply, or some: segwise plan --apply KEY …" if count else ""
    return "\n".join([*lines, end + remedy])


def _row(entry: Entry, now: Any) -> dict[str, Any]:
    row = {"key": entry.about, "planned": entry.value, "why": entry.why, "is_parameter": entry.is_parameter}
    if not entry.is_parameter:
        return {**row, "now": None, "changes": False}
    try:
        present = value_of(now, entry.about)
    except KeyError:
        return {**row, "now": None, "changes": True}
    return {**row, "now": present, "changes": present != entry.value}


def _read() -> list[Entry]:
    if not PLAN.is_file():
        raise IntegrityError("a plan", f"no {PLAN}", "read the data first: `segwise profile`")
    return from_yaml(PLAN.read_text(encoding="utf-8"), str(PLAN))


def _write(path: Path, text: str) -> None:
    """Put the text in the file's place once it has been read as parameters."""
    try:
        checked(text, str(path))
    except UsageError as error:
        raise UsageError(error.expected, f"{error.came} (planned)", error.remedy) from error
    write_whole(path, text)
